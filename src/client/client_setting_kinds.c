#include "client/client_setting_kinds.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "client/core/stamp_sender.h"
#include "client/output/report_check.h"
#include "common/dscp_text.h"
#include "common/units.h"

static const char *read_percent(const option_t *option, void *place, const char *value,
                                apr_pool_t *pool)
{
    char *end = (char *)value;

    (void)option, (void)pool;
    /* strtod() would take words and signs too. */
    double percent = apr_isdigit(*value) ? strtod(value, &end) : -1;

    if (percent < 0 || percent > 100 || strspn(value, "0123456789.") != (apr_size_t)(end - value) ||
        (*end != '\0' && strcmp(end, "%") != 0)) {
        return "a share from 0% to 100%, such as 0.5%";
    }
    *(apr_int64_t *)place = (apr_int64_t)(percent * 10000 + 0.5);
    return NULL;
}

static const char *format_percent(const option_t *option, const void *place, apr_pool_t *pool)
{
    apr_int64_t millionths = *(const apr_int64_t *)place;

    (void)option;
    return millionths < 0 ? NULL : apr_psprintf(pool, "%g%%", (double)millionths / 10000);
}

/* Who writes M or G means bits: ten million datagrams a second are more than a host sends. */
static const char *read_datagrams(const option_t *option, void *place, const char *value,
                                  apr_pool_t *pool)
{
    const char *expected = option_rate.read(option, place, value, pool);

    return expected == NULL && strchr(value, 'M') == NULL
               ? NULL
               : apr_psprintf(pool,
                              "datagrams per second (N/s or Nk/s) from %s to %s, or "
                              "--bitrate=10Mbit/s for bits",
                              format_rate(option->minimum, pool),
                              format_rate(option->maximum, pool));
}

static const char *format_datagrams(const option_t *option, const void *place, apr_pool_t *pool)
{
    return option_rate.format(option, place, pool);
}

/* ---- Thresholds ---- */

/* Milliseconds without a unit, as check_ping of the Monitoring Plugins takes them. */
static int read_round_trip(apr_int64_t *rtt, const char *text, apr_pool_t *pool)
{
    apr_size_t length = strlen(text);
    int has_unit = length > 0 && apr_isalpha(text[length - 1]);

    return parse_duration(has_unit ? text : apr_pstrcat(pool, text, "ms", NULL), rtt) ==
               APR_SUCCESS &&
           *rtt > 0 && *rtt <= 3600 * APR_USEC_PER_SEC;
}

static int read_threshold_part(check_threshold_t *threshold, const char *text, apr_pool_t *pool)
{
    return strchr(text, '%') != NULL
               ? threshold->loss < 0 && read_percent(NULL, &threshold->loss, text, pool) == NULL
               : threshold->rtt < 0 && read_round_trip(&threshold->rtt, text, pool);
}

static const char *read_threshold(const option_t *option, void *place, const char *value,
                                  apr_pool_t *pool)
{
    check_threshold_t threshold = {-1, -1};
    char *rest = apr_pstrdup(pool, value);

    (void)option;
    while (rest != NULL) {
        char *part = rest;

        rest = strchr(rest, ',');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        if (!read_threshold_part(&threshold, part, pool)) {
            return "a round trip of up to an hour, a loss from 0% to 100%, or both: 100ms,20%";
        }
    }
    *(check_threshold_t *)place = threshold;
    return NULL;
}

static const char *format_threshold(const option_t *option, const void *place, apr_pool_t *pool)
{
    const check_threshold_t *threshold = place;
    const char *rtt = threshold->rtt < 0 ? "" : format_duration(threshold->rtt, pool);
    const char *loss = format_percent(NULL, &threshold->loss, pool);

    (void)option;
    if (loss == NULL) {
        return threshold->rtt < 0 ? NULL : rtt;
    }
    return apr_pstrcat(pool, rtt, *rtt != '\0' ? "," : "", loss, NULL);
}

/* ---- Code points and TLVs ---- */

static const char *read_dscp(const option_t *option, void *place, const char *value,
                             apr_pool_t *pool)
{
    (void)option, (void)pool;
    return dscp_read(place, value)
               ? NULL
               : "a number from 0 to 63, or a name: CS0 to CS7, AF11 to AF43, EF, VA, LE";
}

static const char *format_dscp(const option_t *option, const void *place, apr_pool_t *pool)
{
    apr_int64_t code_point = *(const apr_int64_t *)place;

    (void)option;
    return code_point < 0 ? NULL : apr_psprintf(pool, "%" APR_INT64_T_FMT, code_point);
}

static const struct {
    const char *name;
    unsigned types;
} tlvs[] = {
    {"location", STAMP_TLV_BIT(STAMP_TLV_LOCATION)},
    {"timestamp-info", STAMP_TLV_BIT(STAMP_TLV_TIMESTAMP_INFORMATION)},
    {"class-of-service", STAMP_TLV_BIT(STAMP_TLV_CLASS_OF_SERVICE)},
    {"direct-measurement", STAMP_TLV_BIT(STAMP_TLV_DIRECT_MEASUREMENT)},
    {"follow-up", STAMP_TLV_BIT(STAMP_TLV_FOLLOW_UP_TELEMETRY)},
};

#define TLVS (sizeof tlvs / sizeof tlvs[0])

static unsigned types_of(const char *name)
{
    unsigned all = 0;

    for (unsigned i = 0; i < TLVS; i++) {
        if (strcmp(name, tlvs[i].name) == 0) {
            return tlvs[i].types;
        }
        all |= tlvs[i].types;
    }
    return strcmp(name, "all") == 0 ? all : 0;
}

static const char *read_tlvs(const option_t *option, void *place, const char *value,
                             apr_pool_t *pool)
{
    char *rest = apr_pstrdup(pool, value);
    unsigned types = 0;

    (void)option;
    while (rest != NULL) {
        char *name = rest;

        rest = strchr(rest, ',');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        if (types_of(name) == 0) {
            return "all, or some of location, timestamp-info, class-of-service, "
                   "direct-measurement and follow-up";
        }
        types |= types_of(name);
    }
    *(apr_int64_t *)place = types;
    return NULL;
}

static const char *format_tlvs(const option_t *option, const void *place, apr_pool_t *pool)
{
    apr_int64_t types = *(const apr_int64_t *)place;
    const char *text = "";

    (void)option;
    for (unsigned i = 0; types > 0 && i < TLVS; i++) {
        if (types & tlvs[i].types) {
            text = apr_pstrcat(pool, text, *text == '\0' ? "" : ",", tlvs[i].name, NULL);
        }
    }
    return types > 0 ? text : NULL;
}

const option_kind_t option_datagrams = {read_datagrams, format_datagrams, sizeof(apr_int64_t), 0};
const option_kind_t option_threshold = {read_threshold, format_threshold, sizeof(check_threshold_t),
                                        0};
const option_kind_t option_stamp_tlvs = {read_tlvs, format_tlvs, sizeof(apr_int64_t), 0};
const option_kind_t option_percent = {read_percent, format_percent, sizeof(apr_int64_t), 0};
const option_kind_t option_dscp = {read_dscp, format_dscp, sizeof(apr_int64_t), 0};
