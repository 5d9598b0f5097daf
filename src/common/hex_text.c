#include "common/hex_text.h"

#include <apr_lib.h>
#include <string.h>

static int digit_value(char digit)
{
    if (apr_isdigit(digit)) {
        return digit - '0';
    }
    return apr_isxdigit(digit) ? apr_tolower(digit) - 'a' + 10 : -1;
}

unsigned char *hex_read(const char *text, apr_size_t *length, apr_pool_t *pool)
{
    unsigned char *bytes = apr_palloc(pool, strlen(text) / 2 + 1);

    *length = 0;
    for (const char *next = text; *next != '\0'; next += 2) {
        next += *length > 0 && strchr(" :-", *next) != NULL;

        int high = digit_value(next[0]);
        int low = high >= 0 ? digit_value(next[1]) : -1;

        if (low < 0) {
            return NULL;
        }
        bytes[(*length)++] = (unsigned char)(high << 4 | low);
    }
    return bytes;
}
