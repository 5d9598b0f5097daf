#include "common/json_text.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <assert.h>
#include <string.h>

/* The longest form of a byte, \u00NN. */
#define FORM_MAX 6

/* A character of UTF-8 above ASCII. */
typedef struct character {
    apr_size_t length; /* bytes; 0: none begins here */
    apr_uint32_t code;
} character_t;

/* Longer forms than need be, surrogates and what is above U+10FFFF are none. */
static character_t character_at(const unsigned char *bytes, apr_size_t length)
{
    static const apr_uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const character_t none = {.length = 0};
    unsigned char first = bytes[0];
    apr_size_t needed = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (first < 0xc0 || first > 0xf7 || length < needed) {
        return none;
    }
    apr_uint32_t code = first & 0x7fU >> needed;

    for (apr_size_t i = 1; i < needed; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return none;
        }
        code = code << 6 | (bytes[i] & 0x3fU);
    }
    if (code < least[needed] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        return none;
    }
    return (character_t){.length = needed, .code = code};
}

/* A terminal obeys the control characters of ECMA-48, and text is not shown in the order in which
 * it is stored, or not shown at all, for others: Unicode's categories Cc, Zl, Zp, and Cf except for
 * what is visible, or part of words: U+200C and U+200D in Persian and in Indian scripts. */
static int is_invisible(apr_uint32_t code)
{
    static const struct {
        apr_uint32_t first, last;
    } ranges[] = {{0x80, 0x9f},      {0xad, 0xad},     {0x61c, 0x61c},     {0x180e, 0x180e},
                  {0x200b, 0x200b},  {0x200e, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
                  {0xfeff, 0xfeff},  {0xfff9, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
                  {0xe0000, 0xe007f}};

    for (unsigned i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return 1;
        }
    }
    return 0;
}

/* How many bytes from here on are one character that stays as it is; 0: the first is escaped. */
static apr_size_t plain_length(const unsigned char *bytes, apr_size_t length, unsigned how)
{
    if (bytes[0] < 0x80) {
        return apr_isprint(bytes[0]) &&
               (how & JSON_AS_SHOWN || (bytes[0] != '"' && bytes[0] != '\\'));
    }
    if (how & JSON_OF_BYTES) {
        return 0;
    }
    character_t character = character_at(bytes, length);

    return how & JSON_WITH_X && is_invisible(character.code) ? 0 : character.length;
}

static apr_size_t escape_byte(char form[FORM_MAX + 1], unsigned char byte, unsigned how)
{
    static const char bytes_with_letter[] = "\n\r\t\"\\";
    static const char letters[] = "nrt\"\\";
    const char *found = byte != 0 ? strchr(bytes_with_letter, byte) : NULL;

    if (found != NULL) {
        apr_snprintf(form, FORM_MAX + 1, "\\%c", letters[found - bytes_with_letter]);
    } else {
        apr_snprintf(form, FORM_MAX + 1, how & JSON_WITH_X ? "\\x%02x" : "\\u00%02x",
                     (unsigned)byte);
    }
    return strlen(form);
}

apr_size_t json_escape(char *out, apr_size_t room, const unsigned char *bytes, apr_size_t length,
                       unsigned how)
{
    apr_size_t written = 0;

    assert((how & ~(unsigned)(JSON_OF_BYTES | JSON_WITH_X | JSON_AS_SHOWN)) == 0);
    while (length > 0) {
        char escape[FORM_MAX + 1];
        const void *form = bytes;
        apr_size_t form_length = plain_length(bytes, length, how);
        apr_size_t taken = form_length;

        if (form_length == 0) {
            form = escape;
            form_length = escape_byte(escape, *bytes, how);
            taken = 1;
        }
        if (written + form_length <= room) {
            memcpy(out + written, form, form_length);
        }
        written += form_length;
        bytes += taken;
        length -= taken;
    }
    return written;
}

const char *json_text(const char *text, apr_pool_t *pool)
{
    apr_size_t length = strlen(text);
    apr_size_t room = FORM_MAX * length;
    char *quoted = apr_palloc(pool, room + sizeof "\"\"");
    char *end = quoted + 1 + json_escape(quoted + 1, room, (const unsigned char *)text, length, 0);

    quoted[0] = '"';
    end[0] = '"';
    end[1] = '\0';
    return quoted;
}

const char *printable_text(const char *text, apr_pool_t *pool)
{
    apr_size_t length = strlen(text);
    apr_size_t room = FORM_MAX * length;
    char *printable = apr_palloc(pool, room + 1);

    length = json_escape(printable, room, (const unsigned char *)text, length,
                         JSON_WITH_X | JSON_AS_SHOWN);
    printable[length] = '\0';
    return printable;
}
