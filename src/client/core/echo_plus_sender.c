#include "client/core/echo_plus_sender.h"

#include <assert.h>
#include <string.h>

#include "common/big_endian.h"
#include "common/echo_plus_packet.h"

/* Which repetition of a test this is; there is one. */
#define ITERATION 1

#define MICROSECOND 1000
#define PERIOD      (((apr_int64_t)1 << 32) * MICROSECOND)

typedef struct packet {
    unsigned char *data;
    apr_size_t length;
} packet_t;

static void write_request(void *context, apr_uint32_t number, apr_int64_t time,
                          const own_clock_t *own)
{
    packet_t *packet = context;

    (void)time, (void)own; /* the sender keeps it to itself */
    big_endian_put_32(packet->data + ECHO_PLUS_SEQUENCE, number);
}

static int read_request(const unsigned char *data, apr_size_t length, apr_uint32_t *number)
{
    if (length < ECHO_PLUS_SEQUENCE + 4) {
        return 0;
    }
    *number = big_endian_32(data + ECHO_PLUS_SEQUENCE);
    return 1;
}

static int is_filled_in(const unsigned char *data)
{
    static const unsigned char empty[ECHO_PLUS_ITERATION - ECHO_PLUS_RESPONSE_SEQUENCE];

    return memcmp(data + ECHO_PLUS_RESPONSE_SEQUENCE, empty, sizeof empty) != 0;
}

/* What the server does not write is as it was sent. One that wrote nothing, as a plain echo server
 * does, is none of this protocol. */
static int is_intact(const packet_t *packet, const unsigned char *data, apr_size_t length)
{
    return length == packet->length && is_filled_in(data) &&
           memcmp(data + ECHO_PLUS_ITERATION, packet->data + ECHO_PLUS_ITERATION,
                  length - ECHO_PLUS_ITERATION) == 0;
}

static int read_number(void *context, const unsigned char *data, apr_size_t length,
                       apr_uint32_t *number)
{
    (void)context;
    return read_request(data, length, number);
}

static int read_reply(void *context, const unsigned char *data, apr_size_t length,
                      reflection_t *reflection)
{
    const packet_t *packet = context;

    if (length < ECHO_PLUS_ITERATION) {
        return 1; /* cut off */
    }
    reflection->is_intact = is_intact(packet, data, length);
    reflection->peer_number = big_endian_32(data + ECHO_PLUS_RESPONSE_SEQUENCE) - 1;
    reflection->failures = big_endian_32(data + ECHO_PLUS_REPLY_FAILURES);
    reflection->t2 = (apr_int64_t)big_endian_32(data + ECHO_PLUS_RECEIVE_TIMESTAMP) * MICROSECOND;
    reflection->t3 = (apr_int64_t)big_endian_32(data + ECHO_PLUS_REPLY_TIMESTAMP) * MICROSECOND;
    reflection->error = -1;
    reflection->period = PERIOD;
    return 1;
}

session_format_t echo_plus_format(apr_size_t length, const unsigned char *filling, apr_pool_t *pool)
{
    packet_t *packet = apr_palloc(pool, sizeof *packet);

    assert(length >= ECHO_PLUS_LENGTH);
    packet->length = length;
    packet->data = apr_pcalloc(pool, length);
    big_endian_put_32(packet->data + ECHO_PLUS_ITERATION, ITERATION);
    memcpy(packet->data + ECHO_PLUS_LENGTH, filling, length - ECHO_PLUS_LENGTH);
    return (session_format_t){.is_shared = 1,
                              .context = packet,
                              .packet = packet->data,
                              .length = length,
                              .write = write_request,
                              .read_request = read_request,
                              .read_number = read_number,
                              .read_reply = read_reply};
}
