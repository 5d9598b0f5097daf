#ifndef UDPECHO_TELEMETRY_H
#define UDPECHO_TELEMETRY_H

/*
 * What a STAMP reflector tells of itself by two TLVs: how many packets of the session it counts
 * (Direct Measurement, RFC 8972 section 4.5), and when the reply before left (Follow-Up Telemetry,
 * section 4.7), which is later than the time stamp that it could still write into it. Plain data,
 * all zero at the start.
 */

#include "client/core/session_sender.h"

/* The telemetry of one session. */
typedef struct telemetry {
    int has_counts;
    apr_uint32_t requests, replies; /* as the last reply told */
    int has_last;                   /* the last reply: */
    apr_uint32_t last_number;       /* the peer's number of it, */
    apr_int64_t last_t3;            /* and its time stamp */
    apr_uint64_t count;             /* of replies of which it is known how much later they left: */
    apr_int64_t minimum, maximum;   /* nanoseconds */
    double sum;
} telemetry_t;

/* Adds a reply of the session, in the order of arrival. */
void telemetry_add(telemetry_t *telemetry, const reflection_t *reflection);

/* Adds another session, except its last reply. */
void telemetry_merge(telemetry_t *telemetry, const telemetry_t *other);

/* The mean; 0 if there is none. */
apr_int64_t telemetry_mean(const telemetry_t *telemetry);

#endif
