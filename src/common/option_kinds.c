#include <apr_strings.h>
#include <string.h>

#include "common/options.h"
#include "common/stream_address.h"
#include "common/units.h"

/* ---- Flags ---- */

static const char *read_flag(const option_t *option, void *place, const char *value,
                             apr_pool_t *pool)
{
    (void)option, (void)value, (void)pool;
    *(apr_int64_t *)place = 1;
    return NULL;
}

static const char *format_flag(const option_t *option, const void *place, apr_pool_t *pool)
{
    (void)option, (void)pool;
    return *(const apr_int64_t *)place ? "" : NULL;
}

/* ---- Numbers, sizes, durations and rates ---- */

static const char *format_number(apr_int64_t number, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT, number);
}

/* Reads a value that lies between the option's bounds, or the word that stands for 0. `what` names
 * the units and no values, which would lie outside the bounds of some option. */
static const char *read_bounded(const option_t *option, void *place, const char *text,
                                apr_status_t (*parse)(const char *, apr_int64_t *),
                                const char *(*format)(apr_int64_t, apr_pool_t *), const char *what,
                                apr_pool_t *pool)
{
    apr_int64_t value;

    if (option->zero != NULL && strcmp(text, option->zero) == 0) {
        *(apr_int64_t *)place = 0;
        return NULL;
    }
    if (parse(text, &value) == APR_SUCCESS && value >= option->minimum &&
        value <= option->maximum) {
        *(apr_int64_t *)place = value;
        return NULL;
    }
    return apr_psprintf(pool, "%s from %s to %s%s%s", what, format(option->minimum, pool),
                        format(option->maximum, pool), option->zero != NULL ? ", or " : "",
                        option->zero != NULL ? option->zero : "");
}

static const char *format_bounded(const option_t *option, const void *place,
                                  const char *(*format)(apr_int64_t, apr_pool_t *),
                                  apr_pool_t *pool)
{
    apr_int64_t value = *(const apr_int64_t *)place;

    return value == 0 && option->zero != NULL ? option->zero : format(value, pool);
}

static const char *read_number(const option_t *option, void *place, const char *value,
                               apr_pool_t *pool)
{
    return read_bounded(option, place, value, parse_number, format_number, "a number", pool);
}

static const char *read_size(const option_t *option, void *place, const char *value,
                             apr_pool_t *pool)
{
    return read_bounded(option, place, value, parse_size, format_size,
                        "a size (bytes, or with KiB, MiB, GiB, kB, MB or GB)", pool);
}

static const char *read_duration(const option_t *option, void *place, const char *value,
                                 apr_pool_t *pool)
{
    return read_bounded(option, place, value, parse_duration, format_duration,
                        "a time (seconds, or with us, ms, s, m, h or d)", pool);
}

static const char *read_rate(const option_t *option, void *place, const char *value,
                             apr_pool_t *pool)
{
    return read_bounded(option, place, value, parse_rate, format_rate, "a rate (N/s, Nk/s or NM/s)",
                        pool);
}

static const char *read_bandwidth(const option_t *option, void *place, const char *value,
                                  apr_pool_t *pool)
{
    return read_bounded(option, place, value, parse_bandwidth, format_bandwidth,
                        "bytes per second (N/s, NKiB/s, NMB/s, ...)", pool);
}

static const char *read_bitrate(const option_t *option, void *place, const char *value,
                                apr_pool_t *pool)
{
    return read_bounded(option, place, value, parse_bitrate, format_bitrate,
                        "bits per second (N, or with bit/s, kbit/s, Mbit/s or Gbit/s)", pool);
}

static const char *format_number_option(const option_t *option, const void *place, apr_pool_t *pool)
{
    return format_bounded(option, place, format_number, pool);
}

static const char *format_size_option(const option_t *option, const void *place, apr_pool_t *pool)
{
    return format_bounded(option, place, format_size, pool);
}

static const char *format_duration_option(const option_t *option, const void *place,
                                          apr_pool_t *pool)
{
    return format_bounded(option, place, format_duration, pool);
}

static const char *format_rate_option(const option_t *option, const void *place, apr_pool_t *pool)
{
    return format_bounded(option, place, format_rate, pool);
}

static const char *format_bandwidth_option(const option_t *option, const void *place,
                                           apr_pool_t *pool)
{
    return format_bounded(option, place, format_bandwidth, pool);
}

static const char *format_bitrate_option(const option_t *option, const void *place,
                                         apr_pool_t *pool)
{
    return format_bounded(option, place, format_bitrate, pool);
}

/* ---- Choices ---- */

const char *const option_off_on[] = {"off", "on", NULL};

/* The words as --help shows them: "off|on". */
static const char *join(const char *const *words, apr_pool_t *pool)
{
    const char *text = *words;

    while (*++words != NULL) {
        text = apr_pstrcat(pool, text, "|", *words, NULL);
    }
    return text;
}

static const char *read_choice(const option_t *option, void *place, const char *value,
                               apr_pool_t *pool)
{
    for (unsigned i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], value) == 0) {
            *(unsigned *)place = i;
            return NULL;
        }
    }
    return apr_pstrcat(pool, "one of ", join(option->choices, pool), NULL);
}

static const char *format_choice(const option_t *option, const void *place, apr_pool_t *pool)
{
    (void)pool;
    return option->choices[*(const unsigned *)place];
}

/* ---- Text and lists ---- */

static const char *read_text(const option_t *option, void *place, const char *value,
                             apr_pool_t *pool)
{
    if (*value == '\0') {
        return option->argument;
    }
    *(const char **)place = apr_pstrdup(pool, value);
    return NULL;
}

static const char *format_text(const option_t *option, const void *place, apr_pool_t *pool)
{
    (void)option, (void)pool;
    return *(const char *const *)place;
}

static const char *read_stream(const option_t *option, void *place, const char *value,
                               apr_pool_t *pool)
{
    const char *expected = stream_address_check(value, pool);

    return expected != NULL ? expected : read_text(option, place, value, pool);
}

static const char *read_list(const option_t *option, void *place, const char *value,
                             apr_pool_t *pool)
{
    apr_array_header_t **list = place;

    (void)option;
    if (*list == NULL) {
        *list = apr_array_make(pool, 4, sizeof(const char *));
    }
    APR_ARRAY_PUSH(*list, const char *) = apr_pstrdup(pool, value);
    return NULL;
}

const option_kind_t option_flag = {read_flag, format_flag, sizeof(apr_int64_t), 0};
const option_kind_t option_number = {read_number, format_number_option, sizeof(apr_int64_t), 0};
const option_kind_t option_size = {read_size, format_size_option, sizeof(apr_int64_t), 0};
const option_kind_t option_duration = {read_duration, format_duration_option, sizeof(apr_int64_t),
                                       0};
const option_kind_t option_rate = {read_rate, format_rate_option, sizeof(apr_int64_t), 0};
const option_kind_t option_bandwidth = {read_bandwidth, format_bandwidth_option,
                                        sizeof(apr_int64_t), 0};
const option_kind_t option_bitrate = {read_bitrate, format_bitrate_option, sizeof(apr_int64_t), 0};
const option_kind_t option_choice = {read_choice, format_choice, sizeof(unsigned), 0};
const option_kind_t option_text = {read_text, format_text, sizeof(const char *), 0};
const option_kind_t option_stream = {read_stream, format_text, sizeof(const char *), 0};
const option_kind_t option_list = {read_list, NULL, sizeof(apr_array_header_t *), 1};
