#include "server/stamp_service.h"

#include <assert.h>

#include "common/authentication.h"
#include "core/stamp_keys.h"
#include "server/dscps.h"
#include "server/stamp_key_file.h"
#include "udpecho/clock.h"

/* How long what the system said of its clock is told. */
#define LOOK_INTERVAL_US (4 * APR_USEC_PER_SEC)

/* An error that is told where nobody knows: a millisecond. */
#define UNKNOWN_ERROR_NS 1000000

stamp_basis_t *stamp_basis_create(const unsigned char key[APR_SIPHASH_KSIZE],
                                  const platform_t *platform, apr_pool_t *pool)
{
    stamp_basis_t *basis = apr_pcalloc(pool, sizeof *basis);

    basis->key = key;
    basis->lacks_dscp = !platform_has(platform, FEATURE_REPLY_TRAFFIC_CLASS);
    basis->pool = pool;
    atomic_init(&basis->sessions, NULL);
    atomic_init(&basis->quality.error_estimate, STAMP_ERROR_UNKNOWN);
    atomic_init(&basis->quality.sync_source, STAMP_SYNC_FREE_RUNNING);
    atomic_init(&basis->next_look, 0);
    return basis;
}

void stamp_basis_take_sessions(stamp_basis_t *basis)
{
    if (atomic_load(&basis->sessions) == NULL) {
        atomic_store(&basis->sessions, sessions_create(basis->key, basis->pool));
    }
}

static int is_authenticated(const settings_t *settings)
{
    return settings->stamp_mode == STAMP_MODE_AUTHENTICATED ||
           (settings->stamp_mode == STAMP_MODE_AUTO && settings->stamp_key_file != NULL);
}

const char *stamp_check(const settings_t *settings)
{
    if (is_authenticated(settings) && settings->stamp_key_file == NULL) {
        return "--stamp-mode=authenticated goes with --stamp-key-file";
    }
    if (settings->stamp_key_file != NULL && !authentication_is_available()) {
        return "--stamp-key-file: this build of udpechod has no libsodium";
    }
    return NULL;
}

static const stamp_keys_t *keys_of(const apr_array_header_t *lines, apr_pool_t *pool)
{
    apr_array_header_t *keys = apr_array_make(pool, lines->nelts, sizeof(stamp_key_t));

    for (int i = 0; i < lines->nelts; i++) {
        const stamp_key_line_t *line = &APR_ARRAY_IDX(lines, i, stamp_key_line_t);

        APR_ARRAY_PUSH(keys, stamp_key_t) = (stamp_key_t){
            .key = authentication_key_create(line->key, line->length, pool),
            .ssid = line->scope == STAMP_KEY_SSID ? (int)line->ssid : -1,
            .network = line->network,
            .has_network = line->scope == STAMP_KEY_NETWORK,
        };
    }
    return stamp_keys_create(keys, pool);
}

const stamp_policy_t *stamp_policy_create(const settings_t *settings, const stamp_basis_t *basis,
                                          apr_pool_t *pool)
{
    assert(stamp_check(settings) == NULL);
    stamp_policy_t *policy = apr_palloc(pool, sizeof *policy);

    *policy = (stamp_policy_t){
        .sessions = basis != NULL ? atomic_load(&basis->sessions) : NULL,
        .is_stateful = settings->stamp_sessions == STAMP_SESSIONS_STATEFUL,
        .is_authenticated = is_authenticated(settings),
        .keys = settings->stamp_keys != NULL ? keys_of(settings->stamp_keys, pool) : NULL,
        .answers_short = settings->stamp_short_requests,
        .is_strict = settings->stamp_strict,
        .reads_tlvs = settings->stamp_tlv,
        .clock = settings->stamp_clock,
        .ptp_offset_ns = 1000 * settings->stamp_ptp_offset,
        .receive_method = STAMP_METHOD_SOFTWARE,
        .lacks_dscp = basis != NULL && basis->lacks_dscp,
        .quality = basis != NULL ? &basis->quality : NULL,
    };
    dscps_parse(&policy->permitted_dscps, settings->stamp_dscp, pool);
    return policy;
}

/* Whichever thread is first looks, and for the others what was known before will do. */
void stamp_look_at_clock(stamp_basis_t *basis, apr_time_t now)
{
    apr_time_t next = atomic_load_explicit(&basis->next_look, memory_order_relaxed);

    if (now < next ||
        !atomic_compare_exchange_strong(&basis->next_look, &next, now + LOOK_INTERVAL_US)) {
        return;
    }
    clock_quality_t quality = clock_quality();
    apr_int64_t error_ns = quality.error_ns > 0 ? quality.error_ns : UNKNOWN_ERROR_NS;

    atomic_store(&basis->quality.error_estimate,
                 stamp_error_encode(quality.is_synchronised, STAMP_CLOCK_NTP, error_ns));
    atomic_store(&basis->quality.sync_source,
                 quality.is_synchronised ? STAMP_SYNC_NTP : STAMP_SYNC_FREE_RUNNING);
}
