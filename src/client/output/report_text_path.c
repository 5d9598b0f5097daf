#include <apr_strings.h>
#include <string.h>

#include "client/output/format.h"
#include "client/output/report_text_parts.h"
#include "common/stamp_packet.h"

/* ", dscp 46", ", ttl 60..61", or nothing of what is not known. */
static const char *seen_text(const char *name, const seen_t *seen, apr_pool_t *pool)
{
    if (!seen->is_known) {
        return "";
    }
    return seen->minimum == seen->maximum
               ? apr_psprintf(pool, ", %s %d", name, seen->minimum)
               : apr_psprintf(pool, ", %s %d..%d", name, seen->minimum, seen->maximum);
}

static const char *arrived_text(const char *where, const arrived_with_t *arrived, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, seen_text("ttl", &arrived->hop_limit, pool),
                                   seen_text("dscp", &arrived->dscp, pool),
                                   seen_text("ecn", &arrived->ecn, pool), NULL);

    return *text == '\0' ? "" : apr_psprintf(pool, "%-11s %s\n", where, text + 2);
}

/* Routers write 0 over a DSCP that they do not trust. */
static const char *bleached_text(const event_t *event, apr_pool_t *pool)
{
    const seen_t *there = &event->directions->facts.there.dscp;
    int sent = event->run->dscp;

    return !there->is_known || (there->minimum == sent && there->maximum == sent)
               ? ""
               : apr_psprintf(pool, "dscp        sent as %d, changed on the way there\n", sent);
}

static const char *seen_as_text(const event_t *event, apr_pool_t *pool)
{
    const path_facts_t *facts = &event->directions->facts;
    const char *text = facts->source.length > 0
                           ? endpoint_text(&facts->source, pool)
                           : apr_psprintf(pool, "port %u", (unsigned)facts->source_port);

    if (facts->source_port == 0) {
        return "";
    }
    return apr_psprintf(pool, "seen as     %s%s\n", text,
                        is_translated(event->run, facts) ? ", translated by NAT" : "");
}

/* ---- TLVs ---- */

static const char *names_of(unsigned types, apr_pool_t *pool)
{
    static const char *const names[] = {
        [STAMP_TLV_EXTRA_PADDING] = "padding",
        [STAMP_TLV_LOCATION] = "location",
        [STAMP_TLV_TIMESTAMP_INFORMATION] = "timestamp-info",
        [STAMP_TLV_CLASS_OF_SERVICE] = "class-of-service",
        [STAMP_TLV_DIRECT_MEASUREMENT] = "direct-measurement",
        [STAMP_TLV_FOLLOW_UP_TELEMETRY] = "follow-up",
        [STAMP_TLV_HMAC] = "hmac",
    };
    const char *text = "";

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i] != NULL && (types & 1U << i) != 0) {
            text = apr_pstrcat(pool, text, *text == '\0' ? "" : ", ", names[i], NULL);
        }
    }
    return text;
}

static const char *tlvs_text(const path_facts_t *facts, apr_pool_t *pool)
{
    /* Nobody needs to know padding. */
    unsigned unknown = facts->unrecognised & ~(1U << STAMP_TLV_EXTRA_PADDING);
    const char *text = "";

    if (unknown != 0) {
        text = apr_psprintf(pool, "the reflector does not know %s\n", names_of(unknown, pool));
    }
    if (facts->malformed != 0) {
        text = apr_psprintf(pool, "%sthe reflector reports %s as malformed\n", text,
                            names_of(facts->malformed, pool));
    }
    return facts->untrusted == 0
               ? text
               : apr_psprintf(pool,
                              "%s%" APR_UINT64_T_FMT " replies have TLVs whose HMAC is wrong\n",
                              text, facts->untrusted);
}

/* ---- The peer's clock ---- */

static const char *word_of(unsigned number, const char *const *words, unsigned count)
{
    return number < count && words[number] != NULL ? words[number] : "unknown means";
}

static const char *source_text(const path_facts_t *facts, apr_pool_t *pool)
{
    static const char *const sources[] = {
        [STAMP_SYNC_NTP] = "synchronised by NTP",
        [STAMP_SYNC_PTP] = "synchronised by PTP",
        [STAMP_SYNC_SSU_BITS] = "synchronised by SSU or BITS",
        [STAMP_SYNC_GNSS] = "synchronised by GNSS",
        [STAMP_SYNC_FREE_RUNNING] = "free-running",
    };
    static const char *const methods[] = {
        [STAMP_METHOD_HARDWARE] = "hardware",
        [STAMP_METHOD_SOFTWARE] = "software",
        [STAMP_METHOD_CONTROL_PLANE] = "control plane",
    };

    if (facts->sync_source == 0) {
        return "";
    }
    const char *in = word_of(facts->method_in, methods, sizeof methods / sizeof methods[0]);
    const char *out = word_of(facts->method_out, methods, sizeof methods / sizeof methods[0]);

    return apr_psprintf(
        pool, "peer clock  %s; time stamps by %s%s\n",
        word_of(facts->sync_source, sources, sizeof sources / sizeof sources[0]), in,
        strcmp(in, out) == 0 ? "" : apr_psprintf(pool, " on arrival, by %s on departure", out));
}

static const char *changed_text(const path_facts_t *facts, apr_pool_t *pool)
{
    return facts->changed == 0
               ? ""
               : apr_psprintf(pool,
                              "%" APR_UINT64_T_FMT " replies do not return the time stamp of "
                              "their request\n",
                              facts->changed);
}

const char *report_text_path(const event_t *event, apr_pool_t *pool)
{
    const path_facts_t *facts = &event->directions->facts;

    if (event->run->protocol != PROTOCOL_STAMP) {
        return "";
    }
    return apr_pstrcat(pool, source_text(facts, pool), arrived_text("there", &facts->there, pool),
                       arrived_text("here", &facts->here, pool), bleached_text(event, pool),
                       seen_as_text(event, pool), tlvs_text(facts, pool), changed_text(facts, pool),
                       NULL);
}
