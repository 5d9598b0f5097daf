#include "server/impair_service.h"

#include <apr_strings.h>
#include <assert.h>

#include "server/impair_spec.h"
#include "udpecho/transport.h"

impair_basis_t *impair_basis_create(apr_pool_t *pool)
{
    impair_basis_t *basis = apr_pcalloc(pool, sizeof *basis);

    basis->pool = pool;
    return basis;
}

void impair_basis_take_lines(impair_basis_t *basis, const settings_t *settings, unsigned workers)
{
    delay_line_t **lines;

    if (settings->impair == NULL || basis->lines != NULL) {
        return;
    }
    lines = apr_palloc(basis->pool, workers * sizeof(delay_line_t *));
    for (unsigned i = 0; i < workers; i++) {
        lines[i] = delay_line_create((apr_size_t)settings->impair_buffer, basis->pool);
    }
    basis->lines = lines; /* only then: there may be no memory for one of them */
}

static apr_array_header_t *profiles_of(const settings_t *settings, apr_pool_t *pool)
{
    apr_array_header_t *profiles =
        apr_array_make(pool, settings->impair->nelts, sizeof(impair_profile_t));

    for (int i = 0; i < settings->impair->nelts; i++) {
        const char *text = APR_ARRAY_IDX(settings->impair, i, const char *);

        impair_spec_parse(&APR_ARRAY_PUSH(profiles, impair_profile_t), text, pool);
    }
    return profiles;
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
    const apr_array_header_t *profiles = profiles_of(settings, pool);

    for (int i = 0; i < profiles->nelts; i++) {
        for (int j = i + 1; j < profiles->nelts; j++) {
            if (are_alike(&APR_ARRAY_IDX(profiles, i, impair_profile_t),
                          &APR_ARRAY_IDX(profiles, j, impair_profile_t))) {
                return apr_psprintf(pool,
                                    "--impair=%s and --impair=%s: only one is possible for the "
                                    "same network and port",
                                    APR_ARRAY_IDX(settings->impair, i, const char *),
                                    APR_ARRAY_IDX(settings->impair, j, const char *));
            }
        }
    }
    return NULL;
}

impair_policy_t *impair_policy_of(const settings_t *settings, const impair_basis_t *basis,
                                  log_t *log, apr_pool_t *pool)
{
    if (settings->impair == NULL || basis == NULL) {
        return NULL;
    }
    assert(basis->lines != NULL);
    for (int i = 0; i < settings->impair->nelts; i++) {
        log_line_t *line = log_begin_waiting(log, LOG_LEVEL_WARNING, "replies are impaired");

        log_text(line, "impair", APR_ARRAY_IDX(settings->impair, i, const char *));
        log_end(line);
    }
    return impair_policy_create(profiles_of(settings, pool), basis->lines, pool);
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
