#ifndef UDPECHO_PATH_FACTS_H
#define UDPECHO_PATH_FACTS_H

/* What STAMP replies tell of the path besides loss and delay: how requests arrived there and
 * replies here, and what the reflector made of TLVs. Plain data, all zero at the start. */

#include "client/core/session_sender.h"

/* The least and the largest value that was seen. */
typedef struct seen {
    int is_known; /* 0: there was none */
    int minimum, maximum;
} seen_t;

/* How datagrams arrived. */
typedef struct arrived_with {
    seen_t hop_limit, dscp, ecn;
} arrived_with_t;

typedef struct path_facts {
    apr_uint64_t replies;
    arrived_with_t there, here; /* requests, and replies */
    endpoint_t source;          /* of the last request, as it arrived there; length 0: not told */
    apr_port_t source_port;     /* the same without an address; 0: not told */
    unsigned flow;              /* that sent it */
    apr_uint64_t changed;       /* replies that do not return the request's time stamp as it was */
    unsigned unrecognised;      /* TLVs that the reflector does not know, or does not look at: bits
                                 * of their types */
    unsigned malformed;         /* which it called malformed */
    apr_uint64_t untrusted;     /* replies that say that the HMAC of the TLVs was wrong */
    apr_uint64_t refused_dscp;  /* replies of which the reflector refused the DSCP asked for */
    unsigned sync_source;       /* what the peer's clock follows, of Timestamp Information ... */
    unsigned method_in, method_out; /* ... and where it takes its time stamps; 0: not told */
} path_facts_t;

/* Counts a reply that came by `flow`, with this hop limit and traffic class; -1: not known. */
void path_facts_add(path_facts_t *facts, unsigned flow, const reflection_t *reflection,
                    int hop_limit, int traffic_class);

#endif
