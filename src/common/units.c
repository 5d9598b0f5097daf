#include "common/units.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <assert.h>
#include <string.h>

#define VALUE_MAX APR_INT64_MAX

typedef struct unit {
    const char *name;
    apr_int64_t scale;
} unit_t;

/* In each table the units that a value is formatted with come first, largest first. */
static const unit_t size_units[] = {
    {"GiB", 1 << 30}, {"GB", 1000000000}, {"MiB", 1 << 20}, {"MB", 1000000}, {"KiB", 1 << 10},
    {"", 1},          {"G", 1 << 30},     {"M", 1 << 20},   {"K", 1 << 10},  {"B", 1},
    {"kB", 1000},     {NULL, 0},
};

static const unit_t duration_units[] = {
    {"d", 86400000000}, {"h", 3600000000}, {"m", 60000000}, {"s", 1000000},
    {"ms", 1000},       {"us", 1},         {"", 1000000},   {NULL, 0},
};

static const unit_t count_units[] = {{"", 1}, {"k", 1000}, {"M", 1000000}, {NULL, 0}};

static const unit_t bit_units[] = {
    {"Gbit", 1000000000}, {"Mbit", 1000000}, {"kbit", 1000}, {"bit", 1}, {NULL, 0}};

/* The same where the unit itself says that it is per second. */
static const unit_t bps_units[] = {
    {"Gbps", 1000000000}, {"Mbps", 1000000}, {"kbps", 1000}, {"bps", 1}, {"G", 1000000000},
    {"M", 1000000},       {"k", 1000},       {"K", 1000},    {"", 1},    {NULL, 0},
};

/* Adds `factor` times `scale`, or says that it does not fit. */
static int add_scaled(apr_int64_t *value, apr_int64_t factor, apr_int64_t scale)
{
    if (factor > (VALUE_MAX - *value) / scale) {
        return 0;
    }
    *value += factor * scale;
    return 1;
}

static int read_digits(const char **text, apr_int64_t *value)
{
    const char *start = *text;

    *value = 0;
    for (; apr_isdigit(**text); (*text)++) {
        apr_int64_t digit = **text - '0';

        if (*value > (VALUE_MAX - digit) / 10) {
            return 0;
        }
        *value = *value * 10 + digit;
    }
    return *text > start;
}

static const unit_t *read_unit(const char **text, const unit_t *units)
{
    const char *start = *text;

    while (apr_isalpha(**text)) {
        (*text)++;
    }
    apr_size_t length = (apr_size_t)(*text - start);

    for (const unit_t *unit = units; unit->name != NULL; unit++) {
        if (strlen(unit->name) == length && strncmp(unit->name, start, length) == 0) {
            return unit;
        }
    }
    return NULL;
}

/* The whole part of 0.DIGITS times `scale`. From the last digit on, each rounding is below one, and
 * the digit before it adds a whole number, so that none of them is seen in the result. */
static apr_int64_t scaled_fraction(const char *digits, apr_int64_t scale)
{
    const char *end = digits;
    apr_int64_t scaled = 0;

    while (apr_isdigit(*end)) {
        end++;
    }
    while (end > digits) {
        scaled = ((*--end - '0') * scale + scaled) / 10;
    }
    return scaled;
}

/* One "12.5KiB": adds its value. Digits after the point count as far as they make whole units of
 * the smallest kind. */
static int read_term(const char **text, const unit_t *units, apr_int64_t *value)
{
    apr_int64_t whole = 0;
    const char *fraction = NULL;

    /* ".2" will do, as it does for ping(8). */
    if (**text != '.' && !read_digits(text, &whole)) {
        return 0;
    }
    if (**text == '.') {
        fraction = ++*text;
        while (apr_isdigit(**text)) {
            (*text)++;
        }
        if (*text == fraction) {
            return 0;
        }
    }
    const unit_t *unit = read_unit(text, units);

    if (unit == NULL || !add_scaled(value, whole, unit->scale)) {
        return 0;
    }
    return fraction == NULL || add_scaled(value, scaled_fraction(fraction, unit->scale), 1);
}

static apr_status_t parse_whole(const char *text, const unit_t *units, int terms_max,
                                apr_int64_t *value)
{
    apr_int64_t sum = 0;

    for (int terms = 0; terms < terms_max; terms++) {
        if (!read_term(&text, units, &sum)) {
            return APR_EINVAL;
        }
        if (*text == '\0') {
            *value = sum;
            return APR_SUCCESS;
        }
    }
    return APR_EINVAL;
}

static apr_status_t parse_per_second(const char *text, const unit_t *units, apr_int64_t *value)
{
    apr_int64_t rate = 0;

    if (!read_term(&text, units, &rate) || strcmp(text, "/s") != 0) {
        return APR_EINVAL;
    }
    *value = rate;
    return APR_SUCCESS;
}

apr_status_t parse_number(const char *text, apr_int64_t *value)
{
    apr_int64_t number;

    if (!read_digits(&text, &number) || *text != '\0') {
        return APR_EINVAL;
    }
    *value = number;
    return APR_SUCCESS;
}

apr_status_t parse_size(const char *text, apr_int64_t *value)
{
    return parse_whole(text, size_units, 1, value);
}

apr_status_t parse_duration(const char *text, apr_int64_t *value)
{
    return parse_whole(text, duration_units, 6, value);
}

apr_status_t parse_rate(const char *text, apr_int64_t *value)
{
    return parse_per_second(text, count_units, value);
}

apr_status_t parse_bandwidth(const char *text, apr_int64_t *value)
{
    return parse_per_second(text, size_units, value);
}

apr_status_t parse_bitrate(const char *text, apr_int64_t *value)
{
    return strchr(text, '/') != NULL ? parse_per_second(text, bit_units, value)
                                     : parse_whole(text, bps_units, 1, value);
}

/* With the largest unit that makes a whole number. */
static const char *format_whole(apr_int64_t value, const unit_t *unit, apr_pool_t *pool)
{
    assert(value >= 0);
    while (unit->scale > 1 && (value == 0 || value % unit->scale != 0)) {
        unit++;
    }
    return apr_psprintf(pool, "%" APR_INT64_T_FMT "%s", value / unit->scale, unit->name);
}

const char *format_size(apr_int64_t bytes, apr_pool_t *pool)
{
    return format_whole(bytes, size_units, pool);
}

const char *format_duration(apr_int64_t microseconds, apr_pool_t *pool)
{
    const char *text = "";

    assert(microseconds >= 0);
    if (microseconds == 0) {
        return "0s";
    }
    for (const unit_t *unit = duration_units; microseconds > 0; unit++) {
        if (microseconds >= unit->scale) {
            text = apr_psprintf(pool, "%s%" APR_INT64_T_FMT "%s", text, microseconds / unit->scale,
                                unit->name);
            microseconds %= unit->scale;
        }
    }
    return text;
}

const char *format_rate(apr_int64_t per_second, apr_pool_t *pool)
{
    assert(per_second >= 0);
    return apr_psprintf(pool, "%" APR_INT64_T_FMT "/s", per_second);
}

const char *format_bandwidth(apr_int64_t bytes_per_second, apr_pool_t *pool)
{
    return apr_pstrcat(pool, format_size(bytes_per_second, pool), "/s", NULL);
}

const char *format_bitrate(apr_int64_t bits_per_second, apr_pool_t *pool)
{
    return apr_pstrcat(pool, format_whole(bits_per_second, bit_units, pool), "/s", NULL);
}
