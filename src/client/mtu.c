#include "client/mtu.h"

#include <errno.h>

#include "client/core/headers.h"

static void take_refusal(mtu_t *mtu, const arrival_t *arrival)
{
    if (arrival->mtu == 0) {
        return;
    }
    mtu_search_hint(&mtu->search, arrival->mtu);
    if (mtu->hint == 0 || arrival->mtu < mtu->hint) {
        mtu->hint = arrival->mtu;
        mtu->hint_from = arrival->from;
    }
}

/* Non-zero if this is the first event that ends the datagram, which is then a failed attempt.
 * Later events, a late reply with other bytes or a duplicate, are not. */
static int is_try(mtu_t *mtu, apr_uint64_t sequence)
{
    if (sequence < mtu->undecided) {
        return 0;
    }
    mtu->undecided = sequence + 1;
    return 1;
}

static void take_reply(mtu_t *mtu, const event_t *event)
{
    const reply_t *reply = event->reply;
    const arrival_t *arrival = event->arrival;

    switch (reply->verdict) {
    case REPLY_ANSWER:
    case REPLY_LATE:
        mtu_search_answered(&mtu->search, arrival->length, arrival->fragment);
        break;
    case REPLY_CORRUPT:
        if (is_try(mtu, reply->sequence)) {
            mtu_search_changed(&mtu->search, reply->expected, arrival->length);
        }
        break;
    default: /* the datagram may still be answered, or is missing in time */
        break;
    }
}

static void take_missing(mtu_t *mtu, const request_t *request)
{
    if (is_try(mtu, request->sequence)) {
        mtu_search_missed(&mtu->search, request->length);
    }
}

/* All but one of the reasons why this host sends nothing say nothing of the size: a link that is
 * down, a route that is gone. The search ends without a result where that lasts. */
static void take_failure(mtu_t *mtu, const event_t *event)
{
    if (event->status == EMSGSIZE) {
        mtu_search_refused(&mtu->search, event->request->length);
    } else if (!mtu->search.is_answered) {
        take_missing(mtu, event->request);
    } else if (++mtu->failures >= MTU_SEARCH_TRIES) {
        probe_finish(mtu->probe);
    }
}

static void tell(void *context, const event_t *event)
{
    mtu_t *mtu = context;

    switch (event->kind) {
    case EVENT_REPLY:
        mtu->failures = 0;
        take_reply(mtu, event);
        break;
    case EVENT_MISSING:
        mtu->failures = 0;
        take_missing(mtu, event->request);
        break;
    case EVENT_NOT_SENT:
        take_failure(mtu, event);
        break;
    case EVENT_REFUSED:
        take_refusal(mtu, event->arrival);
        break;
    default:
        return;
    }
    if (mtu_search_is_done(&mtu->search)) {
        probe_finish(mtu->probe);
    } else {
        probe_resize(mtu->probe, mtu->search.size);
    }
}

mtu_t *mtu_create(probe_t *probe, const endpoint_t *peer, apr_size_t room, apr_pool_t *pool)
{
    mtu_t *mtu = apr_pcalloc(pool, sizeof *mtu);
    int is_ipv6 = peer->sa.any.sa_family == AF_INET6;
    apr_size_t largest = is_ipv6 ? PAYLOAD_MAX_IPV6 : PAYLOAD_MAX_IPV4;

    mtu->probe = probe;
    mtu->is_bounded = room < largest;
    mtu->search = mtu_search_begin(mtu->is_bounded ? room : largest, headers_length(peer));
    mtu->report = (report_t){.tell = tell, .context = mtu};
    probe_resize(probe, mtu->search.size);
    return mtu;
}

int mtu_wants_fragments(const mtu_t *mtu)
{
    return mtu_search_is_done(&mtu->search) && mtu->search.is_answered &&
           mtu->search.obstacle == MTU_OBSTACLE_SILENCE;
}

apr_size_t mtu_too_big(const mtu_t *mtu)
{
    return mtu->search.high;
}

/* A datagram that nobody may fragment is lost, and one that may be comes back: then the way there
 * is too narrow, since the way back did carry the reply, in however many fragments. */
static mtu_limit_t limit(const mtu_t *mtu, int fragments_returned)
{
    if (!mtu_search_is_done(&mtu->search)) {
        return MTU_NOT_FOUND;
    }
    if (!mtu->search.is_answered) {
        return MTU_NO_ANSWER;
    }
    switch (mtu->search.obstacle) {
    case MTU_OBSTACLE_NONE:
        return mtu->is_bounded ? MTU_LIMIT_BUFFER : MTU_LIMIT_NONE;
    case MTU_OBSTACLE_LOCAL:
        return MTU_LIMIT_LOCAL;
    case MTU_OBSTACLE_FRAGMENTS:
        return MTU_LIMIT_RETURN;
    case MTU_OBSTACLE_CHANGED:
        return MTU_LIMIT_PEER;
    case MTU_OBSTACLE_SILENCE:
        break;
    }
    return fragments_returned ? MTU_LIMIT_FORWARD : MTU_LIMIT_UNKNOWN;
}

mtu_result_t mtu_result(const mtu_t *mtu, int fragments_returned, int tells_fragments)
{
    const mtu_search_t *search = &mtu->search;

    return (mtu_result_t){.payload = search->low,
                          .mtu = search->is_answered ? search->low + search->headers : 0,
                          .too_large = search->obstacle == MTU_OBSTACLE_NONE ? 0 : search->high,
                          .limit = limit(mtu, fragments_returned),
                          .hint = mtu->hint,
                          .hint_from = mtu->hint_from,
                          .tells_fragments = tells_fragments};
}
