#include "core/echo_plus.h"

#include "common/big_endian.h"
#include "common/echo_plus_packet.h"

int echo_plus_is_numbered(const datagram_t *datagram)
{
    return datagram->length >= ECHO_PLUS_LENGTH_MIN;
}

int echo_plus_is_reply(const datagram_t *request)
{
    unsigned char written = 0;

    for (unsigned i = ECHO_PLUS_RESPONSE_SEQUENCE;
         echo_plus_is_numbered(request) && i < ECHO_PLUS_LENGTH_MIN; i++) {
        written |= request->data[i];
    }
    return written != 0;
}

/* What the kernel dropped was for the same socket, as all is that comes from one client. */
void echo_plus_answer(datagram_t *datagram)
{
    service_t *service = datagram->service;

    if (echo_plus_is_numbered(datagram)) {
        apr_uint32_t before =
            atomic_fetch_add_explicit(&service->responses, 1, memory_order_relaxed);

        big_endian_put_32(datagram->data + ECHO_PLUS_RESPONSE_SEQUENCE, before + 1);
        big_endian_put_32(datagram->data + ECHO_PLUS_REPLY_FAILURES,
                          (apr_uint32_t)(service_value(service, SERVICE_FAILURES) & 0xffffffff) +
                              datagram->drops);
    }
}

static void put_time(unsigned char *field, apr_int64_t unix_ns)
{
    big_endian_put_32(field, (apr_uint32_t)((apr_uint64_t)unix_ns / 1000 & 0xffffffff));
}

void echo_plus_finish(datagram_t *datagram, apr_int64_t (*wall_clock)(void))
{
    if (echo_plus_is_numbered(datagram)) {
        apr_int64_t now = wall_clock();
        apr_int64_t arrived = datagram->arrived != 0 ? datagram->arrived : now;

        put_time(datagram->data + ECHO_PLUS_RECEIVE_TIMESTAMP, arrived);
        put_time(datagram->data + ECHO_PLUS_REPLY_TIMESTAMP, now);
    }
}
