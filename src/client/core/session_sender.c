#include "client/core/session_sender.h"

#include <assert.h>

#define EACH_MIN 64
#define EACH_MAX (1 << 26)

/* A datagram that was sent. */
typedef struct dispatch {
    apr_int64_t time;
    apr_uint32_t sequence;    /* low bits */
    apr_uint32_t peer_number; /* of the reply that answered it */
    int is_answered;
} dispatch_t;

struct session_sender {
    session_format_t format;
    own_clock_t own;
    apr_uint32_t each;      /* how many datagrams of a flow are remembered; a power of two */
    apr_uint64_t *sent;     /* of each flow: how many, whose low bits are the next one's number */
    dispatch_t *dispatches; /* `each` of each flow */
};

session_sender_t *session_sender_create(const session_format_t *format, unsigned flows, double each,
                                        apr_pool_t *pool)
{
    session_sender_t *sender = apr_pcalloc(pool, sizeof *sender);

    sender->format = *format;
    sender->own = (own_clock_t){.error = -1};
    sender->each = EACH_MIN;
    while ((double)sender->each < each && sender->each < EACH_MAX) {
        sender->each *= 2;
    }
    sender->sent = apr_pcalloc(pool, flows * sizeof *sender->sent);
    /* Not zeroed: what is not used takes up no memory. */
    sender->dispatches =
        apr_palloc(pool, (apr_size_t)flows * sender->each * sizeof *sender->dispatches);
    return sender;
}

void session_sender_set_clock(session_sender_t *sender, own_clock_t own)
{
    sender->own = own;
}

static dispatch_t *place_of(const session_sender_t *sender, unsigned flow, apr_uint32_t number)
{
    return &sender->dispatches[(apr_size_t)flow * sender->each + (number & (sender->each - 1))];
}

/* What is remembered of a datagram, or NULL. */
static dispatch_t *find(const session_sender_t *sender, unsigned flow, apr_uint32_t number)
{
    apr_uint32_t age = (apr_uint32_t)sender->sent[flow] - number; /* of the last one: 1 */

    return age > 0 && age <= sender->each && age <= sender->sent[flow]
               ? place_of(sender, flow, number)
               : NULL;
}

/* ---- Sending ---- */

void session_sender_make(const session_sender_t *sender, request_t *request)
{
    assert(request->length == sender->format.length);
    request->head_length = 0;
    request->body = sender->format.packet;
}

void session_sender_write(session_sender_t *sender, const request_t *request, apr_int64_t time)
{
    apr_uint32_t number = (apr_uint32_t)sender->sent[request->flow];

    *place_of(sender, request->flow, number) =
        (dispatch_t){.time = time, .sequence = (apr_uint32_t)request->sequence};
    sender->format.write(sender->format.context, number, time, &sender->own);
}

void session_sender_left(session_sender_t *sender, const request_t *request)
{
    sender->sent[request->flow]++;
}

/* ---- Replies ---- */

int session_sender_read_request(const session_sender_t *sender, unsigned flow,
                                const unsigned char *data, apr_size_t length,
                                apr_uint32_t *sequence)
{
    apr_uint32_t number;

    if (!sender->format.read_request(data, length, &number)) {
        return 0;
    }
    const dispatch_t *dispatch = find(sender, flow, number);

    if (dispatch != NULL) {
        *sequence = dispatch->sequence;
    }
    return dispatch != NULL;
}

int session_sender_read_reply(const session_sender_t *sender, unsigned flow,
                              const unsigned char *data, apr_size_t length,
                              reflection_t *reflection, apr_uint32_t *sequence)
{
    const session_format_t *format = &sender->format;
    const dispatch_t *dispatch = NULL;

    *reflection = (reflection_t){.hop_limit = -1, .tlvs = {.traffic_class = -1}};
    if (format->read_number(format->context, data, length, &reflection->number)) {
        dispatch = find(sender, flow, reflection->number);
    }
    if (dispatch == NULL) {
        return 0;
    }
    reflection->t1 = dispatch->time;
    reflection->is_repeated = dispatch->is_answered;
    reflection->repeats = dispatch->peer_number;
    *sequence = dispatch->sequence;
    return format->read_reply(format->context, data, length, reflection);
}

void session_sender_answered(session_sender_t *sender, unsigned flow,
                             const reflection_t *reflection)
{
    dispatch_t *dispatch = find(sender, flow, reflection->number);

    assert(dispatch != NULL);
    dispatch->is_answered = 1;
    dispatch->peer_number = reflection->peer_number;
}

/* ---- What they tell ---- */

apr_interval_time_t reflection_kept(const reflection_t *reflection, apr_interval_time_t round_trip)
{
    apr_int64_t kept = reflection->t3 - reflection->t2;

    if (kept < 0) {
        kept += reflection->period;
    }
    return kept >= 0 && kept / 1000 <= round_trip ? kept / 1000 : 0;
}
