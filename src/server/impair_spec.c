#include "server/impair_spec.h"

#include <apr_strings.h>
#include <string.h>

#include "common/units.h"

/* Behind the point of a percentage. */
#define DECIMALS_MAX 4

#define EVERY_MAX APR_INT64_C(1000000000)

typedef struct spec {
    impair_profile_t *profile;
    const char *schedule; /* NULL: none is named */
    apr_int64_t after;
    unsigned permitted; /* bit n: key n may be given */
    unsigned given;     /* it was */
    apr_pool_t *pool;
} spec_t;

typedef struct spec_key {
    const char *name;
    int (*read)(spec_t *spec, const char *value, unsigned key); /* returns 0 if it is wrong;
                                                                 * NULL: there is no value */
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
    KEY_SCHEDULE,
    KEY_AFTER,
    KEY_AFTER_REPLIES,
    KEY_REPEAT,
    KEYS
};

#define BIT(key) (1u << (key))

/* The keys that do something to replies. */
#define IMPAIRING_KEYS (BIT(KEY_NONE) - 1)

/* The keys that only --impair itself has, and those that only a line of a schedule has. */
#define OPTION_KEYS (BIT(KEY_FROM) | BIT(KEY_PORT) | BIT(KEY_SEED) | BIT(KEY_SCHEDULE))
#define AFTER_KEYS  (BIT(KEY_AFTER) | BIT(KEY_AFTER_REPLIES))
#define LINE_KEYS   (AFTER_KEYS | BIT(KEY_REPEAT))

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

static int read_schedule(spec_t *spec, const char *value, unsigned key)
{
    (void)key;
    spec->schedule = value;
    return *value != '\0';
}

static int read_after(spec_t *spec, const char *value, unsigned key)
{
    return key == KEY_AFTER ? parse_duration(value, &spec->after) == APR_SUCCESS &&
                                  spec->after <= IMPAIR_AFTER_MAX_US
                            : parse_number(value, &spec->after) == APR_SUCCESS &&
                                  spec->after <= IMPAIR_AFTER_REPLIES_MAX;
}

#define CHANCE "a percentage above 0, up to 100%, such as 0.25%, or 1/N for every Nth"
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
    [KEY_NONE] = {"none", NULL, "no value"},
    [KEY_FROM] = {"from", read_from, "a network such as 192.0.2.0/24"},
    [KEY_PORT] = {"port", read_port, "a port of a listener, 1 to 65535"},
    [KEY_SEED] = {"seed", read_seed, "a number"},
    [KEY_SCHEDULE] = {"schedule", read_schedule, "the name of a file"},
    [KEY_AFTER] = {"after", read_after, "a time of 0 to 365d"},
    [KEY_AFTER_REPLIES] = {"after-replies", read_after, "a number up to 1000000000000000"},
    [KEY_REPEAT] = {"repeat", NULL, "no value"},
};

/* ---- Pairs ---- */

static unsigned find_key(const spec_t *spec, const char *name, apr_size_t length)
{
    unsigned key = 0;

    while (key < KEYS &&
           ((spec->permitted & BIT(key)) == 0 || strncmp(keys[key].name, name, length) != 0 ||
            keys[key].name[length] != '\0')) {
        key++;
    }
    return key;
}

static const char *list_keys(const spec_t *spec)
{
    const char *list = "";

    for (unsigned key = 0; key < KEYS; key++) {
        if ((spec->permitted & BIT(key)) != 0) {
            list = apr_pstrcat(spec->pool, list, *list != '\0' ? ", " : "", keys[key].name,
                               keys[key].read != NULL ? "=" : "", NULL);
        }
    }
    return list;
}

static const char *read_pair(spec_t *spec, const char *pair)
{
    apr_size_t length = strcspn(pair, "=");
    const char *value = pair[length] == '=' ? pair + length + 1 : NULL;
    unsigned key = find_key(spec, pair, length);

    if (key == KEYS) {
        return apr_psprintf(spec->pool, "some of %s, separated by commas; not \"%s\"",
                            list_keys(spec), pair);
    }
    if ((spec->given & BIT(key)) != 0) {
        return apr_psprintf(spec->pool, "%s once", keys[key].name);
    }
    spec->given |= BIT(key);
    int has_value = keys[key].read != NULL;

    if (has_value ? value == NULL || !keys[key].read(spec, value, key) : value != NULL) {
        return apr_psprintf(spec->pool, "%s as %s of %s", keys[key].expected,
                            has_value ? "the value" : "part", keys[key].name);
    }
    return NULL;
}

static int has(const spec_t *spec, unsigned key)
{
    return (spec->given & BIT(key)) != 0;
}

/* `alone` is the one key that may stand in place of those that do something to replies and of none.
 */
static const char *check(const spec_t *spec, unsigned alone)
{
    const impair_profile_t *profile = spec->profile;
    int ways = ((spec->given & IMPAIRING_KEYS) != 0) + has(spec, KEY_NONE) + has(spec, alone);

    if (ways != 1) {
        return apr_psprintf(
            spec->pool,
            "drop, duplicate, reorder, corrupt, delay or rate, or instead of these none or %s",
            keys[alone].name);
    }
    if (profile->jitter > profile->delay) {
        return "a delay of at least the jitter, as in delay=10ms,jitter=10ms";
    }
    if (has(spec, KEY_DISTRIBUTION) && !has(spec, KEY_JITTER)) {
        return "jitter together with distribution";
    }
    return has(spec, KEY_QUEUE) && !has(spec, KEY_RATE) ? "rate together with queue" : NULL;
}

static const char *read_pairs(spec_t *spec, const char *text, unsigned alone)
{
    char *next = apr_pstrdup(spec->pool, text);
    const char *error = NULL;

    while (error == NULL && next != NULL) {
        char *pair = next;

        next = strchr(pair, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        error = read_pair(spec, pair);
    }
    return error != NULL ? error : check(spec, alone);
}

const char *impair_spec_parse(impair_profile_t *profile, const char **schedule, const char *text,
                              apr_pool_t *pool)
{
    spec_t spec = {.profile = profile,
                   .permitted = IMPAIRING_KEYS | BIT(KEY_NONE) | OPTION_KEYS,
                   .pool = pool};

    *profile = (impair_profile_t){.is_for_all = 1, .queue = IMPAIR_QUEUE_DEFAULT};
    const char *error = read_pairs(&spec, text, KEY_SCHEDULE);

    *schedule = spec.schedule;
    return error;
}

const char *impair_line_parse(impair_line_t *line, const impair_profile_t *whose, const char *text,
                              apr_pool_t *pool)
{
    spec_t spec = {.profile = &line->step.profile,
                   .permitted = IMPAIRING_KEYS | BIT(KEY_NONE) | LINE_KEYS,
                   .pool = pool};

    line->step.profile = *whose;
    const char *error = read_pairs(&spec, text, KEY_REPEAT);

    line->step.after = spec.after;
    line->counts_replies = has(&spec, KEY_AFTER_REPLIES);
    line->repeats = has(&spec, KEY_REPEAT);
    if (error == NULL && has(&spec, KEY_AFTER) == has(&spec, KEY_AFTER_REPLIES)) {
        error = "after=TIME or after-replies=N, as in after=5s,drop=1%";
    }
    return error;
}
