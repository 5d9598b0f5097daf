#include "server/impair_service.h"

#include <apr_strings.h>
#include <assert.h>

#include "common/memory.h"
#include "server/impair_schedule_file.h"
#include "server/impair_spec.h"
#include "udpecho/clock.h"
#include "udpecho/transport.h"

void impair_lines_take(impair_lines_t **lines, impair_lines_t *current, const settings_t *settings,
                       unsigned workers, apr_pool_t *pool)
{
    *lines = current;
    if (settings->impair == NULL ||
        (current != NULL && current->bytes == settings->impair_buffer)) {
        return;
    }
    apr_pool_t *own = memory_pool_apart(pool);

    *lines = apr_pcalloc(own, sizeof **lines);
    (*lines)->pool = own;
    (*lines)->bytes = settings->impair_buffer;
    (*lines)->of_worker = apr_palloc(own, workers * sizeof(delay_line_t *));
    for (unsigned i = 0; i < workers; i++) {
        (*lines)->of_worker[i] = delay_line_create((apr_size_t)settings->impair_buffer, own);
    }
}

void impair_lines_free(impair_lines_t *lines, const impair_lines_t *kept)
{
    if (lines != NULL && lines != kept) {
        apr_pool_destroy(lines->pool);
    }
}

/* The profile of one value, without its schedule, whose name is returned. */
static const char *parse(impair_profile_t *profile, const apr_array_header_t *values, int index,
                         apr_pool_t *pool)
{
    const char *schedule;
    const char *expected =
        impair_spec_parse(profile, &schedule, APR_ARRAY_IDX(values, index, const char *), pool);

    assert(expected == NULL); /* since it was read as an option */
    (void)expected;
    return schedule;
}

const char *impair_read(apr_array_header_t **profiles, const apr_array_header_t *values,
                        apr_status_t *refusal, apr_pool_t *pool)
{
    const char *error = NULL;

    *profiles =
        values != NULL ? apr_array_make(pool, values->nelts, sizeof(impair_profile_t)) : NULL;
    for (int i = 0; error == NULL && values != NULL && i < values->nelts; i++) {
        impair_profile_t *profile = &APR_ARRAY_PUSH(*profiles, impair_profile_t);
        const char *file = parse(profile, values, i, pool);

        if (file != NULL) {
            impair_schedule_t *schedule = apr_palloc(pool, sizeof *schedule);

            error = impair_schedule_file_read(schedule, profile, file, refusal, pool);
            profile->schedule = schedule;
        }
    }
    return error;
}

void impair_add_schedules(apr_array_header_t *files, const apr_array_header_t *values,
                          apr_pool_t *pool)
{
    for (int i = 0; values != NULL && i < values->nelts; i++) {
        impair_profile_t profile;
        const char *schedule = parse(&profile, values, i, pool);

        if (schedule != NULL) {
            APR_ARRAY_PUSH(files, const char *) = schedule;
        }
    }
}

static int are_alike(const impair_profile_t *one, const impair_profile_t *other)
{
    return one->port == other->port && one->is_for_all == other->is_for_all &&
           (one->is_for_all || (address_key_equal(one->from.first, other->from.first) &&
                                address_key_equal(one->from.last, other->from.last)));
}

const char *impair_check(const settings_t *settings, apr_pool_t *pool)
{
    if (settings->impair == NULL) {
        return NULL;
    }
    if (settings->allow == NULL) {
        return apr_psprintf(pool,
                            "--impair=%s: replies are only impaired for sources that --allow "
                            "names; give --allow=NETWORK",
                            APR_ARRAY_IDX(settings->impair, 0, const char *));
    }
    impair_profile_t *profiles =
        apr_palloc(pool, (apr_size_t)settings->impair->nelts * sizeof *profiles);

    for (int i = 0; i < settings->impair->nelts; i++) {
        parse(&profiles[i], settings->impair, i, pool);
        for (int j = 0; j < i; j++) {
            if (are_alike(&profiles[j], &profiles[i])) {
                return apr_psprintf(pool,
                                    "--impair=%s and --impair=%s: only one is possible for the "
                                    "same network and port",
                                    APR_ARRAY_IDX(settings->impair, j, const char *),
                                    APR_ARRAY_IDX(settings->impair, i, const char *));
            }
        }
    }
    return NULL;
}

impair_policy_t *impair_policy_of(const settings_t *settings, const impair_lines_t *lines,
                                  log_t *log, apr_pool_t *pool)
{
    if (settings->impair == NULL) {
        return NULL;
    }
    assert(lines != NULL && lines->bytes == settings->impair_buffer);
    for (int i = 0; i < settings->impair->nelts; i++) {
        log_line_t *line = log_begin_waiting(log, LOG_LEVEL_WARNING, "replies are impaired");

        log_text(line, "impair", APR_ARRAY_IDX(settings->impair, i, const char *));
        log_end(line);
    }
    return impair_policy_create(settings->impairments, lines->of_worker, clock_now(), pool);
}

void impair_listeners(const impair_policy_t *policy, const apr_array_header_t *listeners)
{
    for (int i = 0; i < listeners->nelts; i++) {
        listener_t *listener = APR_ARRAY_IDX(listeners, i, listener_t *);
        const endpoint_t *local = &listener_describe(listener)->local;

        listener_tell_itself(listener,
                             policy != NULL && impair_policy_is_for(policy, endpoint_port(local)));
    }
}
