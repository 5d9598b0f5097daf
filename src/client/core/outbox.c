#include "client/core/outbox.h"

#include <assert.h>
#include <string.h>

int outbox_is_full(const outbox_t *outbox)
{
    return outbox->count == BATCH_MAX;
}

void outbox_add(outbox_t *outbox, const request_t *request, apr_time_t now, apr_time_t due)
{
    assert(!outbox_is_full(outbox));
    if (outbox->first + outbox->count == 2 * BATCH_MAX) {
        memcpy(outbox->requests, outbox->requests + outbox->first,
               outbox->count * sizeof *outbox->requests);
        memcpy(outbox->made, outbox->made + outbox->first, outbox->count * sizeof *outbox->made);
        memcpy(outbox->due, outbox->due + outbox->first, outbox->count * sizeof *outbox->due);
        outbox->first = 0;
    }
    outbox->requests[outbox->first + outbox->count] = *request;
    outbox->due[outbox->first + outbox->count] = due;
    outbox->made[outbox->first + outbox->count++] = now;
}

const request_t *outbox_first(const outbox_t *outbox)
{
    assert(outbox->count > 0);
    return &outbox->requests[outbox->first];
}

apr_time_t outbox_made(const outbox_t *outbox)
{
    assert(outbox->count > 0);
    return outbox->made[outbox->first];
}

const apr_time_t *outbox_due(const outbox_t *outbox)
{
    assert(outbox->count > 0);
    return &outbox->due[outbox->first];
}

void outbox_drop(outbox_t *outbox, unsigned count)
{
    assert(count <= outbox->count);
    outbox->first += count;
    outbox->count -= count;
    if (outbox->count == 0) {
        outbox->first = 0;
    }
}
