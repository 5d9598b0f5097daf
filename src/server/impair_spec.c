#include "server/impair_spec.h"

#include <apr_strings.h>
#include <string.h>

#include "common/units.h"

/* Behind the point of a percentage. */
#define DECIMALS_MAX 4

#define EVERY_MAX APR_INT64_C(1000000000)

typedef struct spec {
    impair_profile_t *profile;
    unsigned given; /* bit n: key n was */
    apr_pool_t *pool;
} spec_t;

typedef struct spec_key {
    const char *name;
    int (*read)(spec_t *spec, const char *value, unsigned key); /* returns 0 if it is wrong */
    const char *expected;                                       /* as its value */
} spec_key_t;

/* The first are those of impairment_t. */
enum {
    KEY_DELAY = IMPAIR_CHANCES,
    KEY_JITTER,
    KEY_DISTRIBUTION,
    KEY_RATE,
    KEY_QUEUE,
    KEY_NONE,
    KEY_FROM,
    KEY_PORT,
    KEY_SEED,
    KEYS
};

/* The keys that do something to replies. */
#define IMPAIRING_KEYS ((1u << KEY_NONE) - 1)

/* ---- Values ---- */

static int read_percent(impair_chance_t *chance, const char *digits, apr_size_t length,
                        apr_pool_t *pool)
{
    const char *point = memchr(digits, '.', length);
    apr_size_t decimals = point != NULL ? (apr_size_t)(digits + length - point) - 1 : 0;
    apr_int64_t value;

    if (decimals > DECIMALS_MAX || (point != NULL && decimals == 0)) {
        return 0;
    }
    apr_size_t whole = point != NULL ? (apr_size_t)(point - digits) : length;
    const char *text =
        apr_psprintf(pool, "%.*s%.*s%.*s", (int)whole, digits, (int)decimals,
                     point != NULL ? point + 1 : "", (int)(DECIMALS_MAX - decimals), "0000");

    if (whole == 0 || parse_number(text, &value) != APR_SUCCESS || value < 1 ||
        value > IMPAIR_CERTAIN) {
        return 0;
    }
    chance->millionths = (apr_uint32_t)value;
    return 1;
}

static int read_chance(spec_t *spec, const char *value, unsigned key)
{
    impair_chance_t *chance = &spec->profile->chance[key];
    apr_size_t length = strlen(value);
    apr_int64_t every;

    if (strncmp(value, "1/", 2) == 0) {
        if (parse_number(value + 2, &every) != APR_SUCCESS || every < 1 || every > EVERY_MAX) {
            return 0;
        }
        chance->every = (apr_uint32_t)every;
        return 1;
    }
    return length > 1 && value[length - 1] == '%' &&
           read_percent(chance, value, length - 1, spec->pool);
}

static int read_time(spec_t *spec, const char *value, unsigned key)
{
    apr_interval_time_t *time = key == KEY_DELAY ? &spec->profile->delay : &spec->profile->jitter;

    return parse_duration(value, time) == APR_SUCCESS && *time >= 1 && *time <= IMPAIR_DELAY_MAX_US;
}

static int read_distribution(spec_t *spec, const char *value, unsigned key)
{
    (void)key;
    spec->profile->is_normal = strcmp(value, "normal") == 0;
    return spec->profile->is_normal || strcmp(value, "uniform") == 0;
}

static int read_rate(spec_t *spec, const char *value, unsigned key)
{
    apr_int64_t *rate = &spec->profile->rate;

    (void)key;
    return parse_bitrate(value, rate) == APR_SUCCESS && *rate >= 1000 && *rate <= IMPAIR_RATE_MAX;
}

static int read_queue(spec_t *spec, const char *value, unsigned key)
{
    apr_int64_t *queue = &spec->profile->queue;

    (void)key;
    return parse_size(value, queue) == APR_SUCCESS && *queue >= 1 && *queue <= 1 << 30;
}

static int read_none(spec_t *spec, const char *value, unsigned key)
{
    (void)spec, (void)value, (void)key;
    return 0; /* it takes no value */
}

static int read_from(spec_t *spec, const char *value, unsigned key)
{
    (void)key;
    spec->profile->is_for_all = 0;
    return cidr_parse(&spec->profile->from, value, spec->pool) == NULL;
}

static int read_port(spec_t *spec, const char *value, unsigned key)
{
    apr_int64_t port;

    (void)key;
    if (parse_number(value, &port) != APR_SUCCESS || port < 1 || port > 65535) {
        return 0;
    }
    spec->profile->port = (apr_port_t)port;
    return 1;
}

static int read_seed(spec_t *spec, const char *value, unsigned key)
{
    apr_int64_t seed;

    (void)key;
    if (parse_number(value, &seed) != APR_SUCCESS) {
        return 0;
    }
    spec->profile->seed = (apr_uint64_t)seed;
    return 1;
}

#define CHANCE "a percentage such as 1% or 0.25%, or 1/N for every Nth"
#define TIME   "a time of 1us to 60s"

static const spec_key_t keys[KEYS] = {
    [IMPAIR_DROP] = {"drop", read_chance, CHANCE},
    [IMPAIR_DUPLICATE] = {"duplicate", read_chance, CHANCE},
    [IMPAIR_REORDER] = {"reorder", read_chance, CHANCE},
    [IMPAIR_CORRUPT] = {"corrupt", read_chance, CHANCE},
    [KEY_DELAY] = {"delay", read_time, TIME},
    [KEY_JITTER] = {"jitter", read_time, TIME},
    [KEY_DISTRIBUTION] = {"distribution", read_distribution, "uniform or normal"},
    [KEY_RATE] = {"rate", read_rate, "a bitrate of 1kbit/s to 1000Gbit/s"},
    [KEY_QUEUE] = {"queue", read_queue, "a size of 1 byte to 1GiB"},
    [KEY_NONE] = {"none", read_none, "no value"},
    [KEY_FROM] = {"from", read_from, "a network such as 192.0.2.0/24"},
    [KEY_PORT] = {"port", read_port, "a port of a listener, 1 to 65535"},
    [KEY_SEED] = {"seed", read_seed, "a number"},
};

/* ---- Pairs ---- */

static unsigned find_key(const char *name, apr_size_t length)
{
    unsigned key = 0;

    while (key < KEYS &&
           (strncmp(keys[key].name, name, length) != 0 || keys[key].name[length] != '\0')) {
        key++;
    }
    return key;
}

static const char *read_pair(spec_t *spec, const char *pair)
{
    apr_size_t length = strcspn(pair, "=");
    const char *value = pair[length] == '=' ? pair + length + 1 : NULL;
    unsigned key = find_key(pair, length);

    if (key == KEYS) {
        return apr_psprintf(spec->pool,
                            "KEY=VALUE,... with keys drop, duplicate, reorder, corrupt, delay, "
                            "jitter, distribution, rate, queue, from, port and seed, or none; not "
                            "\"%s\"",
                            pair);
    }
    if ((spec->given & 1u << key) != 0) {
        return apr_psprintf(spec->pool, "%s once", keys[key].name);
    }
    spec->given |= 1u << key;
    if (key == KEY_NONE ? value != NULL : value == NULL || !keys[key].read(spec, value, key)) {
        return apr_psprintf(spec->pool, "%s as %s of %s", keys[key].expected,
                            key == KEY_NONE ? "part" : "the value", keys[key].name);
    }
    return NULL;
}

static int has(const spec_t *spec, unsigned key)
{
    return (spec->given & 1u << key) != 0;
}

static const char *check(const spec_t *spec)
{
    const impair_profile_t *profile = spec->profile;

    if (has(spec, KEY_NONE) == ((spec->given & IMPAIRING_KEYS) != 0)) {
        return "drop, duplicate, reorder, corrupt, delay or rate, or none in place of them";
    }
    if (profile->jitter > profile->delay) {
        return "a delay that is no shorter than the jitter";
    }
    if (has(spec, KEY_DISTRIBUTION) && !has(spec, KEY_JITTER)) {
        return "jitter beside distribution";
    }
    return has(spec, KEY_QUEUE) && !has(spec, KEY_RATE) ? "rate beside queue" : NULL;
}

const char *impair_spec_parse(impair_profile_t *profile, const char *text, apr_pool_t *pool)
{
    spec_t spec = {.profile = profile, .pool = pool};
    char *next = apr_pstrdup(pool, text);
    const char *error = NULL;

    *profile = (impair_profile_t){.is_for_all = 1, .queue = IMPAIR_QUEUE_DEFAULT};
    while (error == NULL && next != NULL) {
        char *pair = next;

        next = strchr(pair, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        error = read_pair(&spec, pair);
    }
    return error != NULL ? error : check(&spec);
}
