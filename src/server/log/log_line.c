#include "server/log/log_line.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_time.h>
#include <assert.h>
#include <string.h>

#include "common/endpoint_text.h"
#include "common/json_text.h"
#include "common/time_stamp.h"
#include "udpecho/error_text.h"

/* What fits before the most that log_line_finish() may write. */
#define TEXT_MAX (LOG_LINE_MAX - sizeof ",\"cut\":1}\n")

const char *const log_level_words[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
    NULL,
};

const char *const log_format_words[] = {
    [LOG_FORMAT_TEXT] = "text",
    [LOG_FORMAT_LOGFMT] = "logfmt",
    [LOG_FORMAT_JSON] = "json",
    NULL,
};

/* ---- Text ---- */

static void put(log_line_t *line, const char *bytes, apr_size_t length)
{
    if (line->overflow || line->length + length > TEXT_MAX) {
        line->overflow = 1;
        return;
    }
    memcpy(line->text + line->length, bytes, length);
    line->length += length;
}

static void put_text(log_line_t *line, const char *text)
{
    put(line, text, strlen(text));
}

/* `how` is 0 for text, JSON_OF_BYTES for payloads. */
static void put_quoted(log_line_t *line, const unsigned char *bytes, apr_size_t length,
                       unsigned how)
{
    put_text(line, "\"");

    apr_size_t room = TEXT_MAX - line->length;

    length = json_escape(line->text + line->length, room, bytes, length,
                         line->format == LOG_FORMAT_JSON ? how : how | JSON_WITH_X);
    if (length > room) {
        line->overflow = 1;
    } else {
        line->length += length;
    }
    put_text(line, "\"");
}

static int needs_quotes(const log_line_t *line, const char *text)
{
    if (line->format == LOG_FORMAT_JSON || *text == '\0') {
        return 1;
    }
    for (; *text != '\0'; text++) {
        if (!apr_isgraph(*text) || *text == '"' || *text == '=' || *text == '\\') {
            return 1;
        }
    }
    return 0;
}

static void put_value(log_line_t *line, const char *text)
{
    if (needs_quotes(line, text)) {
        put_quoted(line, (const unsigned char *)text, strlen(text), 0);
    } else {
        put_text(line, text);
    }
}

/* ---- Fields ---- */

/* Returns where the field starts, for end_field(). */
static apr_size_t begin_field(log_line_t *line, const char *name)
{
    apr_size_t start = line->length;

    if (line->format == LOG_FORMAT_JSON) {
        put_text(line, start == 0 ? "{\"" : ",\"");
        put_text(line, name);
        put_text(line, "\":");
    } else {
        put_text(line, start == 0 ? "" : " ");
        put_text(line, name);
        put_text(line, "=");
    }
    return start;
}

static void end_field(log_line_t *line, apr_size_t start)
{
    if (line->overflow) {
        line->length = start;
        line->overflow = 0;
        line->cut = 1;
    }
}

void log_text(log_line_t *line, const char *name, const char *text)
{
    if (line != NULL) {
        apr_size_t start = begin_field(line, name);

        put_value(line, text);
        end_field(line, start);
    }
}

void log_number(log_line_t *line, const char *name, apr_int64_t number)
{
    char digits[24];

    if (line != NULL) {
        apr_size_t start = begin_field(line, name);

        apr_snprintf(digits, sizeof digits, "%" APR_INT64_T_FMT, number);
        put_text(line, digits);
        end_field(line, start);
    }
}

void log_count(log_line_t *line, const char *name, apr_uint64_t count)
{
    if (line != NULL && (count > 0 || line->format != LOG_FORMAT_TEXT)) {
        log_number(line, name, (apr_int64_t)count);
    }
}

void log_endpoint(log_line_t *line, const char *name, const endpoint_t *endpoint)
{
    char text[ENDPOINT_TEXT_MAX];

    if (line != NULL) {
        endpoint_format(text, endpoint);
        log_text(line, name, text);
    }
}

void log_payload(log_line_t *line, const char *name, const unsigned char *data, apr_size_t length)
{
    if (line != NULL) {
        apr_size_t start = begin_field(line, name);

        put_quoted(line, data, length < line->payload_max ? length : line->payload_max,
                   JSON_OF_BYTES);
        end_field(line, start);
    }
}

void log_status(log_line_t *line, const char *name, apr_status_t status)
{
    char reason[128];

    log_text(line, name, error_text(status, reason, sizeof reason));
}

/* ---- Lines ---- */

void log_line_start(log_line_t *line, apr_time_t time, log_level_t level, const char *message)
{
    char stamp[TIME_STAMP_LENGTH + 1];

    assert(strpbrk(message, "\"\\\n") == NULL);
    time_stamp(stamp, time);
    line->level = level;
    line->length = 0;
    line->is_kept = 0;
    line->overflow = 0;
    line->cut = 0;
    if (line->format == LOG_FORMAT_TEXT) {
        put_text(line, stamp);
        line->after_time = line->length;
        put_text(line, " ");
        put_text(line, log_level_words[level]);
        put_text(line, " ");
        put_text(line, message);
    } else {
        log_text(line, "time", stamp);
        line->after_time = line->length - (line->format == LOG_FORMAT_JSON); /* its quote */
        log_text(line, "level", log_level_words[level]);
        log_text(line, "message", message);
    }
}

void log_line_finish(log_line_t *line)
{
    const char *end = line->format == LOG_FORMAT_JSON ? "}\n" : "\n";

    if (line->cut) {
        end = line->format == LOG_FORMAT_JSON ? ",\"cut\":1}\n" : " cut=1\n";
    }
    line->end = line->length;
    memcpy(line->text + line->length, end, strlen(end));
    line->length += strlen(end);
}

void log_line_reopen(log_line_t *line, apr_time_t time)
{
    char stamp[TIME_STAMP_LENGTH + 1];

    assert(line->text[line->length - 1] == '\n');
    time_stamp(stamp, time);
    memcpy(line->text + line->after_time - TIME_STAMP_LENGTH, stamp, TIME_STAMP_LENGTH);
    line->length = line->end;
}
