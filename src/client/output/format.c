#include "client/output/format.h"
#include "client/core/headers.h"
#include "client/output/refusal.h"
#include "common/endpoint_text.h"
#include "udpecho/error_text.h"

#include <apr_errno.h>
#include <apr_strings.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

const char *verdict_word(reply_verdict_t verdict)
{
    static const char *const words[REPLY_KINDS] = {
        [REPLY_ANSWER] = "answer",       [REPLY_LATE] = "late",
        [REPLY_DUPLICATE] = "duplicate", [REPLY_CORRUPT] = "corrupt",
        [REPLY_ELSEWHERE] = "elsewhere", [REPLY_MISDELIVERED] = "misdelivered",
        [REPLY_UNKNOWN] = "unknown",
    };

    return words[verdict];
}

const char *measurement_word(measurement_t measurement)
{
    static const char *const words[] = {
        [MEASURE_PING] = "ping", [MEASURE_FLOOD] = "flood", [MEASURE_SWEEP] = "sweep",
        [MEASURE_MTU] = "mtu",   [MEASURE_LOAD] = "load",
    };

    return words[measurement];
}

const char *protocol_word(protocol_t protocol)
{
    static const char *const words[PROTOCOLS] = {
        [PROTOCOL_ECHO] = "echo",
        [PROTOCOL_STAMP] = "stamp",
        [PROTOCOL_ECHO_PLUS] = "echo-plus",
    };

    return words[protocol];
}

const char *clocks_word(clocks_t clocks)
{
    static const char *const words[] = {
        [CLOCKS_UNTOLD] = "not_told",
        [CLOCKS_SYNCHRONISED] = "synchronised",
        [CLOCKS_OWN_UNKNOWN] = "own_not_synchronised",
        [CLOCKS_PEER_UNKNOWN] = "peer_not_synchronised",
        [CLOCKS_BOTH_UNKNOWN] = "not_synchronised",
        [CLOCKS_CONTRADICTORY] = "contradictory",
    };

    return words[clocks];
}

const char *limit_word(mtu_limit_t limit)
{
    static const char *const words[] = {
        [MTU_LIMIT_NONE] = "none",       [MTU_LIMIT_LOCAL] = "local",
        [MTU_LIMIT_FORWARD] = "forward", [MTU_LIMIT_RETURN] = "return",
        [MTU_LIMIT_UNKNOWN] = "unknown", [MTU_NO_ANSWER] = "no_answer",
        [MTU_LIMIT_BUFFER] = "buffer",   [MTU_LIMIT_PEER] = "peer",
        [MTU_NOT_FOUND] = "not_found",
    };

    return words[limit];
}

const char *refusal_words(apr_status_t status, apr_pool_t *pool)
{
    const char *text = refusal_text(refusal_of(status));
    char reason[128];

    return text != NULL ? text : apr_pstrdup(pool, error_text(status, reason, sizeof reason));
}

/* Linux says ENOBUFS of a datagram whose fragments the send buffer has no room for, all of them of
 * one that the interface's queue has no room for. What a packet filter drops is EPERM on Linux and
 * EACCES on the BSDs; what a route of Linux prohibits is EACCES. */
const char *not_sent_words(apr_status_t status, apr_pool_t *pool)
{
    if (status == EPERM || APR_STATUS_IS_EACCES(status)) {
        return "prohibited by a packet filter or a route of this host";
    }
    return status == ENOBUFS || APR_STATUS_IS_EAGAIN(status) ? "no room in this host's buffers"
                                                             : refusal_words(status, pool);
}

const char *lookup_words(apr_status_t status, apr_pool_t *pool)
{
    char reason[128];

    return apr_pstrdup(pool, error_text(status, reason, sizeof reason));
}

apr_port_t source_port(const run_t *run, unsigned flow)
{
    return (apr_port_t)(run->ports != NULL && flow < run->flows ? run->ports[flow] : 0);
}

static int is_own_address(const run_t *run, const endpoint_t *address)
{
    for (int i = 0; run->addresses != NULL && i < run->addresses->nelts; i++) {
        endpoint_t own = APR_ARRAY_IDX(run->addresses, i, host_address_t).address;

        own.sa.v4.sin_port = address->sa.v4.sin_port; /* the same place in both families */
        if (own.sa.any.sa_family == APR_INET6) {
            own.sa.v6.sin6_scope_id = 0;
        }
        if (endpoint_equal(&own, address)) {
            return 1;
        }
    }
    return run->addresses == NULL;
}

int is_translated(const run_t *run, const path_facts_t *facts)
{
    return facts->source_port != 0 &&
           (facts->source_port != source_port(run, facts->flow) ||
            (facts->source.length > 0 && !is_own_address(run, &facts->source)));
}

const char *endpoint_text(const endpoint_t *endpoint, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, ENDPOINT_TEXT_MAX);

    endpoint_format(text, endpoint);
    return text;
}

const char *address_text(const endpoint_t *endpoint, apr_pool_t *pool)
{
    const char *text = endpoint_text(endpoint, pool);
    const char *start = text + (*text == '[');
    const char *end = *text == '[' ? strchr(text, ']') : strchr(text, ':');

    return end != NULL ? apr_pstrmemdup(pool, start, (apr_size_t)(end - start)) : text;
}

const char *other_address(const run_t *run, apr_pool_t *pool)
{
    const char *address = run->peer.length > 0 ? address_text(&run->peer, pool) : "";

    return strstr(run->host, address) != NULL ? "" : address;
}

int is_round_trip(const event_t *event)
{
    return event->kind == EVENT_REPLY && event->reply->has_sequence &&
           (event->reply->verdict == REPLY_ANSWER || event->reply->verdict == REPLY_LATE);
}

apr_int64_t microseconds_of(apr_int64_t nanoseconds)
{
    return nanoseconds / 1000 + (nanoseconds % 1000 >= 500);
}

const char *thousandths(apr_int64_t number, apr_pool_t *pool)
{
    apr_int64_t size = number < 0 ? -number : number;

    return apr_psprintf(pool, "%s%" APR_INT64_T_FMT ".%03d", number < 0 ? "-" : "", size / 1000,
                        (int)(size % 1000));
}

unsigned decimals_needed(apr_int64_t microseconds)
{
    return microseconds % 10 != 0 ? 3 : microseconds % 100 != 0 ? 2 : microseconds % 1000 != 0;
}

const char *milliseconds(apr_int64_t microseconds, unsigned decimals, apr_pool_t *pool)
{
    const char *text = thousandths(microseconds, pool);

    assert(microseconds >= 0 && decimals <= 3);
    return apr_pstrmemdup(pool, text, strlen(text) - (decimals == 0 ? 4 : 3 - decimals));
}

const char *short_milliseconds(apr_int64_t microseconds, apr_pool_t *pool)
{
    unsigned decimals = 3;

    for (apr_int64_t limit = 100000; decimals > 0 && microseconds >= limit; limit *= 10) {
        decimals--;
    }
    return milliseconds(microseconds, decimals, pool);
}

/* While replies are under way, they may count as lost on their way back. */
apr_uint64_t lost_either_way(const event_t *event)
{
    const loss_counts_t *losses = &event->directions->losses;
    apr_uint64_t known = losses->forward + losses->backward + losses->peer;

    return event->summary->lost > known ? event->summary->lost - known : 0;
}

/* In 1/10,000 of a percent, rounded, but never to nothing or to everything. */
#define LOSS_ALL 1000000U

static unsigned loss_rounded(apr_uint64_t lost, apr_uint64_t known)
{
    unsigned loss = (unsigned)((double)lost / (double)known * LOSS_ALL + 0.5);

    if (loss == 0 && lost > 0) {
        return 1;
    }
    return loss >= LOSS_ALL && lost < known ? LOSS_ALL - 1 : loss;
}

/* Datagrams whose fate became known: in an interval, also of those sent before it. */
static apr_uint64_t known_of(const probe_summary_t *summary)
{
    return summary->sent + summary->outstanding_before - summary->outstanding;
}

const char *loss_percent(const probe_summary_t *summary, apr_pool_t *pool)
{
    apr_uint64_t known = known_of(summary);

    if (known == 0) {
        return NULL;
    }
    unsigned loss = loss_rounded(summary->lost, known);
    char *text = apr_psprintf(pool, "%u.%04u", loss / 10000, loss % 10000);
    char *end = text + strlen(text);

    while (end[-1] == '0') {
        end--;
    }
    end[end[-1] == '.' ? -1 : 0] = '\0';
    return text;
}

const char *short_loss(const probe_summary_t *summary, apr_pool_t *pool)
{
    apr_uint64_t known = known_of(summary);

    if (known == 0) {
        return "-";
    }
    if (summary->lost == 0 || summary->lost >= known) {
        return summary->lost == 0 ? "0" : "100";
    }
    unsigned hundredths = (loss_rounded(summary->lost, known) + 50) / 100;

    hundredths = hundredths == 0 ? 1 : hundredths > 9999 ? 9999 : hundredths;
    return apr_psprintf(pool, "%u.%02u", hundredths / 100, hundredths % 100);
}

apr_uint64_t asked(const probe_summary_t *summary)
{
    assert(summary->is_scheduled);
    return summary->sent + summary->not_sent + summary->missed;
}

apr_uint64_t per_second(apr_uint64_t count, apr_interval_time_t elapsed)
{
    return elapsed <= 0 ? 0
                        : (apr_uint64_t)((double)count * APR_USEC_PER_SEC / (double)elapsed + 0.5);
}

/* How long `count` datagrams took: `span`, from the first to the last, and at a pace an interval
 * more; 0: one datagram does not tell. */
static double time_of(const probe_summary_t *summary, apr_uint64_t count, apr_interval_time_t span)
{
    if (count < 2) {
        return 0;
    }
    return summary->is_scheduled ? (double)span * (double)count / (double)(count - 1)
                                 : (double)span;
}

/* The way to the peer and back is no part of it: under load that is long. */
static double time_of_sending(const probe_summary_t *summary)
{
    return time_of(summary, summary->sent,
                   summary->sending > 0 ? summary->sending : summary->elapsed);
}

static apr_uint64_t bitrate(const event_t *event, apr_uint64_t payload, apr_uint64_t datagrams,
                            double time)
{
    return per_second(8 * (payload + datagrams * headers_length(&event->run->peer)),
                      (apr_interval_time_t)time);
}

apr_uint64_t bitrate_sent(const event_t *event)
{
    const probe_summary_t *summary = event->summary;

    return bitrate(event, summary->sent * event->run->size, summary->sent,
                   time_of_sending(summary));
}

/* What is queued on the way comes for longer than it was sent, what is lost for a shorter time. */
apr_uint64_t bitrate_received(const event_t *event)
{
    const probe_summary_t *summary = event->summary;
    double sending = time_of_sending(summary);
    double answering = time_of(summary, summary->received, summary->answering);

    return bitrate(event, summary->bytes, summary->received,
                   answering > sending ? answering : sending);
}
