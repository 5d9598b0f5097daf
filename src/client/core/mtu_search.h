#ifndef UDPECHO_MTU_SEARCH_H
#define UDPECHO_MTU_SEARCH_H

/*
 * The search for the largest payload that comes back unfragmented, as RFC 8899 does it for
 * transports: by asking with ever other sizes, since routers that drop what is too big need not say
 * so (RFC 2923 section 2.1). What they do say is tried next, and believed only if it holds.
 * Plain data, sans I/O; sizes are those of payloads, bytes.
 */

#include <apr.h>

/* How often a size is asked before it counts as too big, so that one lost datagram decides
 * nothing. */
#define MTU_SEARCH_TRIES 3

/* More datagrams than any search needs, which halves what is open with every size. */
#define MTU_SEARCH_DATAGRAMS 300

/* Why a size did not come back whole. */
typedef enum mtu_obstacle {
    MTU_OBSTACLE_NONE,      /* it is larger than any datagram */
    MTU_OBSTACLE_LOCAL,     /* this host did not send it */
    MTU_OBSTACLE_FRAGMENTS, /* its reply came in fragments */
    MTU_OBSTACLE_CHANGED,   /* its reply had other bytes, or another number of them */
    MTU_OBSTACLE_SILENCE    /* no reply came */
} mtu_obstacle_t;

typedef struct mtu_search {
    apr_size_t headers;      /* of UDP and IP, bytes */
    apr_size_t size;         /* to ask next */
    unsigned tries;          /* that this size had */
    int is_answered;         /* a reply came, of whatever size */
    apr_size_t low;          /* the largest that came back whole */
    apr_size_t high;         /* the smallest that did not */
    mtu_obstacle_t obstacle; /* why that one did not */
    apr_size_t claim;        /* the payload that the last hint allows; 0: none */
    unsigned claims;         /* sizes that were asked because of one */
} mtu_search_t;

/* A search that begins with a small datagram; none is larger than `payload_max`. */
mtu_search_t mtu_search_begin(apr_size_t payload_max, apr_size_t headers);

/* Non-zero once there is nothing left to ask. */
int mtu_search_is_done(const mtu_search_t *search);

/* What became of a datagram of `size` bytes. Its reply came, whole if `fragment` is 0, otherwise in
 * fragments, the largest of which has that many bytes with its IP header. */
void mtu_search_answered(mtu_search_t *search, apr_size_t size, apr_size_t fragment);

/* It was not answered in time. */
void mtu_search_missed(mtu_search_t *search, apr_size_t size);

/* Its reply had other bytes: `length` of them. */
void mtu_search_changed(mtu_search_t *search, apr_size_t size, apr_size_t length);

/* This host did not send it, since it is too big. */
void mtu_search_refused(mtu_search_t *search, apr_size_t size);

/* Somebody claims that the path's MTU is this. */
void mtu_search_hint(mtu_search_t *search, apr_size_t mtu);

#endif
