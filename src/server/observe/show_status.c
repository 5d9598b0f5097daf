#include "server/observe/show_status.h"

#include <apr_strings.h>
#include <string.h>

#include "common/file_print.h"
#include "common/json_text.h"
#include "server/observe/ask_service.h"
#include "server/observe/status_values.h"
#include "udpecho/clock.h"

#define INTERVAL_US APR_USEC_PER_SEC

/* How often another process may answer than did a second ago, before it is given up. */
#define PROCESSES_MAX 5

/* One answer, and when it came. */
typedef struct sample {
    apr_array_header_t *values;
    apr_time_t time;
} sample_t;

static const char *take_sample(sample_t *sample, const settings_t *settings, exit_code_t *code,
                               apr_pool_t *pool)
{
    const char *answer;

    *sample = (sample_t){apr_array_make(pool, 64, sizeof(name_value_t)), 0};
    const char *error = ask_service(&answer, settings, "--status", "status", code, pool);

    if (error != NULL) {
        return error;
    }
    sample->time = clock_now();
    return name_values_read_json(sample->values, answer, pool)
               ? NULL
               : ask_service_not_udpechod(settings, "--status", pool);
}

/* What only rises, and so has a rate. */
static int is_counter(const name_value_t *value)
{
    return counter_row_named(value->name) != NULL;
}

static int is_service_time(const name_value_t *value)
{
    return strncmp(value->name, "service_", sizeof "service_" - 1) == 0;
}

static double rate(const sample_t samples[2], const name_value_t *value)
{
    const name_value_t *before = name_values_find(samples[0].values, value->name);
    apr_int64_t grown = before != NULL ? value->number - before->number : 0;

    return (double)grown * APR_USEC_PER_SEC / (double)(samples[1].time - samples[0].time);
}

static int are_of_one_process(const sample_t samples[2])
{
    const name_value_t *first = name_values_find(samples[0].values, "started");
    const name_value_t *second = name_values_find(samples[1].values, "started");

    return first != NULL && second != NULL && first->text != NULL && second->text != NULL &&
           strcmp(first->text, second->text) == 0;
}

/* Two samples of the same process: counters of another one begin at 0. */
static const char *take_samples(sample_t samples[2], const settings_t *settings, exit_code_t *code,
                                apr_pool_t *pool)
{
    for (unsigned i = 0; i < PROCESSES_MAX; i++) {
        const char *error = take_sample(&samples[0], settings, code, pool);

        if (error == NULL) {
            apr_sleep(INTERVAL_US);
            error = take_sample(&samples[1], settings, code, pool);
        }
        if (error != NULL || are_of_one_process(samples)) {
            return error;
        }
    }
    return "--status: the service restarts repeatedly";
}

/* ---- Text ---- */

/* The time within which so many of a hundred datagrams were answered, in words. */
static const char *service_time_of(const apr_array_header_t *values, unsigned percent,
                                   apr_pool_t *pool)
{
    const name_value_t *received = name_values_find(values, counter_row(COUNTER_RECEIVED)->name);

    for (unsigned i = 0; received != NULL && i < SERVICE_TIME_BOUNDS; i++) {
        const name_value_t *within = name_values_find(values, service_time_name(i, pool));

        if (within != NULL && (double)within->number * 100 >= (double)received->number * percent) {
            return apr_psprintf(pool, "%u%% within %" APR_INT64_T_FMT " us", percent,
                                service_time_bounds_us[i]);
        }
    }
    return apr_psprintf(pool, "%u%% in more than a second", percent);
}

static int has_received(const apr_array_header_t *values)
{
    const name_value_t *received = name_values_find(values, counter_row(COUNTER_RECEIVED)->name);

    return received != NULL && received->number > 0;
}

/* As the log does, it leaves out what tells nothing while it is 0. */
static int is_shown(const name_value_t *value)
{
    const counter_row_t *row = counter_row_named(value->name);

    return row != NULL && (row->is_shown_when_zero || value->number > 0);
}

static void write_text(const sample_t samples[2], apr_file_t *out, apr_pool_t *pool)
{
    const apr_array_header_t *values = samples[1].values;

    for (int i = 0; i < values->nelts; i++) {
        const name_value_t *value = &APR_ARRAY_IDX(values, i, name_value_t);

        if (!is_counter(value) && !is_service_time(value)) {
            file_print(out, "%-26s %s\n", name_value_title(value, pool),
                       printable_text(name_value_words(value, pool), pool));
        }
    }
    if (has_received(values)) {
        file_print(out, "%-26s %s, %s\n", "service time", service_time_of(values, 50, pool),
                   service_time_of(values, 99, pool));
    }
    file_print(out, "\n%-26s %16s %16s\n", "", "since the start", "per second");
    for (int i = 0; i < values->nelts; i++) {
        const name_value_t *value = &APR_ARRAY_IDX(values, i, name_value_t);

        if (is_shown(value)) {
            file_print(out, "%-26s %16s %16.1f\n", value->name,
                       printable_text(name_value_words(value, pool), pool), rate(samples, value));
        }
    }
}

/* ---- JSON ---- */

static void write_json(const sample_t samples[2], apr_file_t *out, apr_pool_t *pool)
{
    const apr_array_header_t *values = samples[1].values;
    const char *separator = "";

    file_print(out, "{%s,\"per_second\":{", name_values_json(values, pool));
    for (int i = 0; i < values->nelts; i++) {
        const name_value_t *value = &APR_ARRAY_IDX(values, i, name_value_t);

        if (is_counter(value)) {
            file_print(out, "%s\"%s\":%.1f", separator, value->name, rate(samples, value));
            separator = ",";
        }
    }
    file_print(out, "}}\n");
}

const char *show_status(const settings_t *settings, apr_file_t *out, exit_code_t *code,
                        apr_pool_t *pool)
{
    sample_t samples[2];

    *code = EXIT_UNAVAILABLE;
    const char *error = take_samples(samples, settings, code, pool);

    if (error != NULL) {
        return error;
    }
    *code = EXIT_OK;
    if (settings->json) {
        write_json(samples, out, pool);
    } else {
        write_text(samples, out, pool);
    }
    return NULL;
}
