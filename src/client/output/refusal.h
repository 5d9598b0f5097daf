#ifndef UDPECHO_REFUSAL_H
#define UDPECHO_REFUSAL_H

/* Why the network says that it did not deliver a datagram: the kinds of ICMP errors that reach a
 * UDP socket. */

#include <apr_errno.h>

typedef enum refusal {
    REFUSAL_PORT,
    REFUSAL_HOST,
    REFUSAL_NETWORK,
    REFUSAL_TTL,
    REFUSAL_TOO_BIG,
    REFUSAL_PROHIBITED,
    REFUSAL_OTHER,
    REFUSALS
} refusal_t;

/* The kind of the error that flows_receive() passes on as arrival_t.refused. */
refusal_t refusal_of(apr_status_t status);

/* In words, "port unreachable", and as a label of metrics, "port_unreachable". The words of
 * REFUSAL_OTHER are NULL. Static. */
const char *refusal_text(refusal_t refusal);
const char *refusal_label(refusal_t refusal);

#endif
