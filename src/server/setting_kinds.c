#include "server/setting_kinds.h"

#include <apr_strings.h>
#include <string.h>

#include "common/address.h"
#include "common/stream_address.h"
#include "core/source_ports.h"
#include "server/access_rules.h"
#include "server/dscps.h"
#include "server/impair_service.h"
#include "server/impair_spec.h"
#include "udpecho/transport.h"

static const char *read_listen(const option_t *option, void *place, const char *value,
                               apr_pool_t *pool)
{
    apr_array_header_t *const *list = place;
    address_t address;
    const char *error = address_parse(&address, value, 0, pool);

    if (error != NULL) {
        return apr_psprintf(pool, "ADDRESS[:PORT], or *[:PORT] for every address (%s)", error);
    }
    if (*list != NULL && (*list)->nelts == LISTENERS_MAX) {
        return apr_psprintf(pool, "at most %d addresses", LISTENERS_MAX);
    }
    return option_list.read(option, place, value, pool);
}

static const char *read_echo_plus(const option_t *option, void *place, const char *value,
                                  apr_pool_t *pool)
{
    address_t one;
    address_t other;

    /* A port that is not there is the default's, whichever that is. */
    if (address_parse(&one, value, 1, pool) == NULL &&
        address_parse(&other, value, 2, pool) == NULL && one.port != other.port) {
        return "ADDRESS:PORT, or *:PORT for every address";
    }
    return read_listen(option, place, value, pool);
}

static const char *read_source_ports(const option_t *option, void *place, const char *value,
                                     apr_pool_t *pool)
{
    source_ports_t *ports;
    const char *expected = source_ports_create(&ports, value, pool);

    return expected != NULL ? expected : option_text.read(option, place, value, pool);
}

static const char *format_text(const option_t *option, const void *place, apr_pool_t *pool)
{
    return option_text.format(option, place, pool);
}

static const char *read_access(const option_t *option, void *place, const char *value,
                               apr_pool_t *pool)
{
    const char *expected = access_rules_check(value, pool);

    return expected != NULL ? expected : option_list.read(option, place, value, pool);
}

static int is_none(const char *value)
{
    return strcmp(value, "none") == 0;
}

static const char *read_exempt(const option_t *option, void *place, const char *value,
                               apr_pool_t *pool)
{
    apr_array_header_t *const *list = place;
    const char *expected = is_none(value) ? NULL : access_rules_check(value, pool);

    if (expected != NULL) {
        return apr_pstrcat(pool, expected, ", or none", NULL);
    }
    if (*list != NULL && (is_none(value) || is_none(APR_ARRAY_IDX(*list, 0, const char *)))) {
        return "networks, or none alone";
    }
    return option_list.read(option, place, value, pool);
}

static const char *read_control(const option_t *option, void *place, const char *value,
                                apr_pool_t *pool)
{
    const char *expected = stream_address_check_local(value, pool);

    return expected != NULL ? expected : option_text.read(option, place, value, pool);
}

static const char *read_dscps(const option_t *option, void *place, const char *value,
                              apr_pool_t *pool)
{
    apr_uint64_t dscps;

    return dscps_parse(&dscps, value, pool)
               ? option_text.read(option, place, value, pool)
               : "DSCPs by number or name, 8,EF,40-46, or all, or none";
}

static const char *read_socket_path(const option_t *option, void *place, const char *value,
                                    apr_pool_t *pool)
{
    const char *expected = stream_address_check_path(value, pool);

    return expected != NULL ? expected : option_text.read(option, place, value, pool);
}

static const char *read_impair(const option_t *option, void *place, const char *value,
                               apr_pool_t *pool)
{
    apr_array_header_t *const *list = place;
    impair_profile_t profile;
    const char *schedule;
    const char *expected = impair_spec_parse(&profile, &schedule, value, pool);

    if (expected == NULL && *list != NULL && (*list)->nelts == IMPAIRS_MAX) {
        return apr_psprintf(pool, "at most %d of this option", IMPAIRS_MAX);
    }
    return expected != NULL ? expected : option_list.read(option, place, value, pool);
}

const option_kind_t option_listen = {read_listen, NULL, sizeof(apr_array_header_t *), 1};
const option_kind_t option_echo_plus = {read_echo_plus, NULL, sizeof(apr_array_header_t *), 1};
const option_kind_t option_source_ports = {read_source_ports, format_text, sizeof(const char *), 0};
const option_kind_t option_access = {read_access, NULL, sizeof(apr_array_header_t *), 1};
const option_kind_t option_exempt = {read_exempt, NULL, sizeof(apr_array_header_t *), 1};
const option_kind_t option_control = {read_control, format_text, sizeof(const char *), 0};
const option_kind_t option_dscps = {read_dscps, format_text, sizeof(const char *), 0};
const option_kind_t option_socket_path = {read_socket_path, format_text, sizeof(const char *), 0};
const option_kind_t option_impair = {read_impair, NULL, sizeof(apr_array_header_t *), 1};
