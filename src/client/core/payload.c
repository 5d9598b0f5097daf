#include "client/core/payload.h"

#include <string.h>

#define SEQUENCE_BYTES 4
#define KEY_BYTES      (REQUEST_HEAD_MAX - SEQUENCE_BYTES)

/* A prime below PROBE_OFFSETS: no power of two, as the numbers of datagrams that are sent at about
 * the same time often differ by one. */
#define OFFSETS 4093

static void make_head(const payload_t *payload, request_t *request)
{
    for (unsigned i = 0; i < SEQUENCE_BYTES; i++) {
        request->head[i] = (unsigned char)(request->sequence >> 8 * i);
    }
    memcpy(request->head + SEQUENCE_BYTES, payload->random, KEY_BYTES);
}

void payload_make(const payload_t *payload, request_t *request)
{
    if (payload->user != NULL) {
        request->head_length = 0;
        request->body = payload->user;
        return;
    }
    make_head(payload, request);
    request->head_length = request->length < REQUEST_HEAD_MAX ? request->length : REQUEST_HEAD_MAX;
    request->body = payload->random + KEY_BYTES + request->sequence % OFFSETS;
}

int payload_read(const payload_t *payload, const unsigned char *data, apr_size_t length,
                 sequence_part_t *part)
{
    apr_size_t head = length < REQUEST_HEAD_MAX ? length : REQUEST_HEAD_MAX;

    *part = (sequence_part_t){0};
    if (payload->user != NULL) {
        return 1;
    }
    for (unsigned i = 0; i < SEQUENCE_BYTES && i < head; i++) {
        part->low |= (apr_uint32_t)data[i] << 8 * i;
        part->bits += 8;
    }
    return head <= SEQUENCE_BYTES ||
           memcmp(data + SEQUENCE_BYTES, payload->random, head - SEQUENCE_BYTES) == 0;
}

int payload_is(const payload_t *payload, apr_uint64_t sequence, apr_size_t size,
               const unsigned char *data, apr_size_t length)
{
    request_t request = {.sequence = sequence, .length = size};

    if (length != size) {
        return 0;
    }
    payload_make(payload, &request);
    return size == 0 ||
           (memcmp(data, request.head, request.head_length) == 0 &&
            memcmp(data + request.head_length, request.body, size - request.head_length) == 0);
}
