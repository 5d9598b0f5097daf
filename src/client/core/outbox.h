#ifndef UDPECHO_OUTBOX_H
#define UDPECHO_OUTBOX_H

/* The requests that the probe made and that have not left this host yet, in the order in which they
 * were made: plain data, all zero at the start. */

#include "client/core/probe.h"

typedef struct outbox {
    unsigned first; /* of `requests` */
    unsigned count; /* from there on, BATCH_MAX at most */
    /* Room for twice as many, so that they are moved to the front now and then only. */
    request_t requests[2 * BATCH_MAX];
    apr_time_t made[2 * BATCH_MAX]; /* when each was made */
    apr_time_t due[2 * BATCH_MAX];  /* when each was due */
} outbox_t;

/* Adds one that was made at `now` and was due at `due`. Not while outbox_is_full(). */
void outbox_add(outbox_t *outbox, const request_t *request, apr_time_t now, apr_time_t due);

int outbox_is_full(const outbox_t *outbox);

/* The oldest one, with all others behind it; they stay until outbox_drop() or outbox_add(). Not
 * while there are none. */
const request_t *outbox_first(const outbox_t *outbox);

/* When that one was made. */
apr_time_t outbox_made(const outbox_t *outbox);

/* When each was due, in the same order; 0: no time said when. */
const apr_time_t *outbox_due(const outbox_t *outbox);

/* Takes out the `count` oldest. */
void outbox_drop(outbox_t *outbox, unsigned count);

#endif
