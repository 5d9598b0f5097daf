#include <apr_strings.h>
#include <string.h>

#include "client/output/format.h"
#include "client/output/report_text_parts.h"
#include "common/units.h"

static const char *bytes_text(apr_size_t count, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_SIZE_T_FMT " byte%s", count, count == 1 ? "" : "s");
}

/* The name that the user wrote, if it says more than the address does. */
static const char *peer_text(const run_t *run, apr_pool_t *pool)
{
    const char *address = endpoint_text(&run->peer, pool);

    return strstr(address, run->host) != NULL ? address
                                              : apr_psprintf(pool, "%s (%s)", run->host, address);
}

const char *report_text_start(const event_t *event, apr_pool_t *pool)
{
    const run_t *run = event->run;
    const char *peer = peer_text(run, pool);
    const char *size = bytes_text(run->size, pool);

    switch (run->measurement) {
    case MEASURE_MTU:
        return apr_psprintf(pool, "udpecho %s: looking for the largest payload\n", peer);
    case MEASURE_LOAD:
        return apr_psprintf(pool, "udpecho %s: %s of payload, idle and under a load of %s\n", peer,
                            size, format_bitrate((apr_int64_t)run->load, pool));
    case MEASURE_FLOOD:
        size = apr_pstrcat(pool, "a flood of ", size, NULL);
        break;
    case MEASURE_PING:
    case MEASURE_SWEEP:
        break;
    }
    return apr_psprintf(pool, "udpecho %s: %s of payload%s\n", peer, size,
                        run->flows == 1 ? ""
                                        : apr_psprintf(pool, " from %u source ports", run->flows));
}

/* Which datagram it is about. */
static const char *datagram_text(const run_t *run, apr_uint64_t sequence, unsigned flow,
                                 apr_pool_t *pool)
{
    apr_port_t port = run->flows > 1 ? source_port(run, flow) : 0;

    return apr_psprintf(pool, "seq=%" APR_UINT64_T_FMT "%s", sequence,
                        port != 0 ? apr_psprintf(pool, " port=%u", (unsigned)port) : "");
}

/* What is to be said of the reply beyond the numbers; "": that all is well. */
static const char *verdict_text(const event_t *event, apr_pool_t *pool)
{
    const reply_t *reply = event->reply;

    switch (reply->verdict) {
    case REPLY_CORRUPT:
        return event->arrival->length == reply->expected && !event->arrival->truncated
                   ? "corrupt: bytes differ"
                   : apr_psprintf(pool, "corrupt: expected %s", bytes_text(reply->expected, pool));
    case REPLY_MISDELIVERED:
        return "misdelivered: sent from another port";
    case REPLY_ELSEWHERE:
        return apr_psprintf(pool, "elsewhere, not %s", endpoint_text(&event->run->peer, pool));
    case REPLY_UNKNOWN:
        return "to no datagram of this run";
    case REPLY_ANSWER:
        return "";
    default:
        return verdict_word(reply->verdict);
    }
}

static const char *remark_text(const event_t *event, apr_pool_t *pool)
{
    const char *verdict = verdict_text(event, pool);

    if (!event->reply->is_reordered) {
        return *verdict != '\0' ? apr_psprintf(pool, " (%s)", verdict) : "";
    }
    return apr_psprintf(pool, " (%s%sreordered)", verdict, *verdict != '\0' ? ", " : "");
}

/* " name=value", or nothing if the value is not known. */
static const char *optional(const char *name, apr_int64_t value, int is_known, apr_pool_t *pool)
{
    return is_known ? apr_psprintf(pool, " %s=%" APR_INT64_T_FMT, name, value) : "";
}

const char *report_text_reply(const event_t *event, apr_pool_t *pool)
{
    const reply_t *reply = event->reply;
    const arrival_t *arrival = event->arrival;
    const char *identity = "";
    const char *time = "";

    if (reply->has_sequence) {
        identity = apr_pstrcat(pool, " ",
                               datagram_text(event->run, reply->sequence, reply->flow, pool), NULL);
        time = apr_psprintf(pool, " time=%s ms", thousandths(reply->round_trip, pool));
    }
    return apr_psprintf(
        pool, "%s%s from %s:%s%s%s%s%s%s\n", bytes_text(arrival->length, pool),
        arrival->truncated ? " or more" : "", endpoint_text(&arrival->from, pool), identity,
        optional("ttl", arrival->hop_limit, arrival->hop_limit >= 0, pool), time,
        report_text_one_way(event, pool),
        optional("fragment", (apr_int64_t)arrival->fragment, arrival->fragment > 0, pool),
        remark_text(event, pool));
}

static const char *sent_text(const event_t *event, const char *fate, apr_pool_t *pool)
{
    const request_t *request = event->request;

    return apr_psprintf(pool, "%s to %s: %s %s\n", bytes_text(request->length, pool),
                        endpoint_text(&event->run->peer, pool),
                        datagram_text(event->run, request->sequence, request->flow, pool), fate);
}

const char *report_text_missing(const event_t *event, apr_pool_t *pool)
{
    const char *timeout = format_duration(event->run->timeout, pool);

    return sent_text(event, apr_pstrcat(pool, "no answer within ", timeout, NULL), pool);
}

const char *report_text_not_sent(const event_t *event, apr_pool_t *pool)
{
    const char *reason = not_sent_words(event->status, pool);

    return sent_text(event, apr_pstrcat(pool, "not sent: ", reason, NULL), pool);
}

const char *report_text_refused(const event_t *event, apr_pool_t *pool)
{
    const arrival_t *arrival = event->arrival;
    const char *identity = "";
    const char *mtu = "";

    if (event->has_sequence) {
        identity = apr_pstrcat(
            pool, datagram_text(event->run, event->request->sequence, arrival->flow, pool), " ",
            NULL);
    }
    if (arrival->mtu > 0) {
        mtu = apr_psprintf(pool, ", MTU %" APR_SIZE_T_FMT, arrival->mtu);
    }
    return apr_psprintf(pool, "refused by %s: %s%s%s\n", address_text(&arrival->from, pool),
                        identity, refusal_words(arrival->refused, pool), mtu);
}
