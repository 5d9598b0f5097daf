#include <assert.h>

#include "client/core/probe_state.h"

#define NEVER APR_INT64_MAX

/* As the time since which something was: before any of the run, as clocks begin at 0. */
#define EVER 1

static int is_peer(const probe_plan_t *plan, endpoint_t from)
{
    if (plan->any_peer) {
        return endpoint_port(&from) == endpoint_port(&plan->peer);
    }
    /* The system tells by which interface it came even if none was named. */
    if (from.sa.any.sa_family == APR_INET6 && plan->peer.sa.any.sa_family == APR_INET6 &&
        plan->peer.sa.v6.sin6_scope_id == 0) {
        from.sa.v6.sin6_scope_id = 0;
    }
    return endpoint_equal(&from, &plan->peer);
}

/* What follows the bytes of a datagram in one that is longer tells nothing. */
static int read_part(const probe_t *probe, const unsigned char *data, apr_size_t length,
                     sequence_part_t *part)
{
    return payload_read(&probe->payload, data, length < probe->largest ? length : probe->largest,
                        part);
}

/* The same of a reply, which in another protocol looks different. */
static int read_reply(probe_t *probe, unsigned flow, const unsigned char *data, apr_size_t length,
                      sequence_part_t *part)
{
    if (probe->sender == NULL) {
        return read_part(probe, data, length, part);
    }
    *part = (sequence_part_t){.bits = 32};
    return session_sender_read_reply(probe->sender, flow, data, length, &probe->reflection,
                                     &part->low);
}

/* The same of a request. */
static int read_request(const probe_t *probe, unsigned flow, const unsigned char *data,
                        apr_size_t length, sequence_part_t *part)
{
    if (probe->sender == NULL) {
        return read_part(probe, data, length, part);
    }
    *part = (sequence_part_t){.bits = 32};
    return session_sender_read_request(probe->sender, flow, data, length, &part->low);
}

/* The datagram that the reply is about, of which it says what is known in `reply`, or NULL. */
static const sent_t *recognise(probe_t *probe, reply_t *reply, sequence_part_t *part,
                               const unsigned char *data, apr_size_t length, apr_time_t received)
{
    apr_uint64_t sequence;
    const sent_t *sent = NULL;

    if (read_reply(probe, reply->flow, data, length, part)) {
        sent = sent_find(&probe->sent, reply->flow, part, &sequence);
    }
    if (sent == NULL || sent->fate == FATE_NOT_SENT) {
        return NULL;
    }
    reply->has_sequence =
        sent_is_certain(&probe->sent, sequence, part, received - 2 * probe->plan.timeout);
    reply->sequence = sequence;
    reply->expected = sent->size;
    reply->round_trip = received > sent->at ? received - sent->at : 0;
    return sent;
}

static int is_right(const probe_t *probe, const reply_t *reply, const sent_t *sent,
                    const unsigned char *data, apr_size_t length)
{
    return probe->sender != NULL
               ? probe->reflection.is_intact
               : payload_is(&probe->payload, reply->sequence, sent->size, data, length);
}

static reply_verdict_t judge(const probe_t *probe, const reply_t *reply, const sent_t *sent,
                             const unsigned char *data, apr_size_t length)
{
    if (sent->flow != reply->flow) {
        return REPLY_MISDELIVERED;
    }
    if (!is_right(probe, reply, sent, data, length)) {
        return REPLY_CORRUPT;
    }
    if (sent->fate == FATE_RECEIVED) {
        return REPLY_DUPLICATE;
    }
    if (!reply->has_sequence) {
        return sent->fate == FATE_LOST ? REPLY_LATE : REPLY_ANSWER;
    }
    return reply->round_trip < probe->plan.timeout ? REPLY_ANSWER : REPLY_LATE;
}

/* Non-zero if the reply was cut off so far that it can be to several of the outstanding datagrams,
 * which tell more of themselves. */
static int is_ambiguous(const probe_t *probe, const reply_t *reply, const sequence_part_t *part,
                        apr_size_t length)
{
    return probe->payload.user == NULL && length < reply->expected &&
           !sent_is_certain(&probe->sent, reply->sequence, part, NEVER);
}

/* An answer of another protocol tells more than that it came. */
static void read_reflection(probe_t *probe, reply_t *reply)
{
    const reflection_t *reflection = &probe->reflection;
    int is_answer = reply->verdict == REPLY_ANSWER || reply->verdict == REPLY_LATE;

    if (probe->sender == NULL || (!is_answer && reply->verdict != REPLY_DUPLICATE)) {
        return;
    }
    reply->reflection = reflection;
    reply->kept = reflection_kept(reflection, reply->round_trip);
    reply->round_trip -= reply->kept;
    if (is_answer) {
        session_sender_answered(probe->sender, reply->flow, reflection);
    }
}

reply_t probe_reply(probe_t *probe, unsigned flow, const endpoint_t *from,
                    const unsigned char *data, apr_size_t length, apr_time_t received)
{
    assert(flow < probe->plan.flows);
    reply_t reply = {.verdict = REPLY_UNKNOWN, .flow = flow};
    sequence_part_t part;
    const sent_t *sent = recognise(probe, &reply, &part, data, length, received);
    tally_t *tally = &probe->tallies[flow];

    if (!is_peer(&probe->plan, *from)) {
        reply.verdict = REPLY_ELSEWHERE;
    } else if (sent != NULL) {
        reply.verdict = judge(probe, &reply, sent, data, length);
    }
    tally->replies[reply.verdict]++;
    read_reflection(probe, &reply);
    if (reply.verdict == REPLY_CORRUPT && is_ambiguous(probe, &reply, &part, length)) {
        return reply;
    }
    if (reply.verdict == REPLY_ANSWER || reply.verdict == REPLY_LATE) {
        tally_answer(tally, &reply, received);
        probe_settle(probe, reply.sequence, FATE_RECEIVED);
    } else if (reply.verdict == REPLY_CORRUPT && sent->fate != FATE_RECEIVED) {
        probe_settle(probe, reply.sequence, FATE_CORRUPTED);
    }
    if (sent != NULL && !reply.has_sequence) {
        sent_guessed(&probe->sent, flow);
    }
    return reply;
}

int probe_refused(probe_t *probe, unsigned flow, const unsigned char *data, apr_size_t length,
                  apr_uint64_t *sequence)
{
    sequence_part_t part;
    const sent_t *sent = NULL;

    assert(flow < probe->plan.flows);
    probe->tallies[flow].refused++;
    /* Nothing at all may be what a router quotes of a datagram. */
    if (length > 0 && read_request(probe, flow, data, length, &part)) {
        sent = sent_find(&probe->sent, flow, &part, sequence);
    }
    /* A router may take its time, however short the timeout: any datagram of the run can be meant.
     * One that was answered is so only where its whole number says so. */
    return sent != NULL && (part.bits == 32 || sent->fate != FATE_RECEIVED) &&
           sent_is_certain(&probe->sent, *sequence, &part, EVER);
}
