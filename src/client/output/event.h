#ifndef UDPECHO_EVENT_H
#define UDPECHO_EVENT_H

/*
 * Events of a measurement, and their receivers. Every output format gets the same events with
 * the same numbers, so that no two formats can disagree.
 */

#include "client/core/directions.h"
#include "client/core/probe.h"
#include "client/output/output.h"
#include "udpecho/flows.h"

typedef enum measurement {
    MEASURE_PING,  /* one datagram after the other */
    MEASURE_FLOOD, /* as many as asked for, or as come back */
    MEASURE_SWEEP, /* many source ports, to find the bad path among several */
    MEASURE_MTU,   /* the largest datagram that comes back whole */
    MEASURE_LOAD   /* one datagram after the other, without and with load */
} measurement_t;

/* What is measured; lives as long as the run. */
typedef struct run {
    measurement_t measurement;
    protocol_t protocol;
    const char *host;   /* as the user wrote it */
    endpoint_t peer;    /* length 0: its address is not known */
    int is_one_of_many; /* several peers are asked at the same time, each as a run of its own */
    apr_size_t size;    /* payload, bytes */
    int dscp;           /* of the datagrams */
    unsigned flows;
    const apr_port_t *ports; /* the source port of each flow; NULL: not known */
    apr_interval_time_t timeout;
    apr_uint64_t load;                   /* of MEASURE_LOAD, bits per second */
    apr_uint64_t bitrate;                /* that was asked for, bits per second; 0: none was */
    const apr_array_header_t *addresses; /* of this host, of host_address_t; NULL: not known */
} run_t;

/* The result of one source port of a sweep. */
typedef struct sweep_row {
    apr_port_t port;
    int is_suspect; /* its results are worse than the others': see sweep.h */
    probe_summary_t summary;
    int is_counted;       /* which way datagrams were lost is known: */
    loss_counts_t losses; /* of this port */
} sweep_row_t;

typedef struct sweep_result {
    unsigned count;
    const sweep_row_t *rows; /* the worst first */
    unsigned suspects;
    const char *verdict; /* a sentence */
} sweep_result_t;

/* Where the largest datagram ended, as far as an echo can tell. */
typedef enum mtu_limit {
    MTU_LIMIT_NONE,    /* the largest UDP payload came back */
    MTU_LIMIT_LOCAL,   /* this host's interface */
    MTU_LIMIT_BUFFER,  /* the buffers of this host's sockets; the path may carry more */
    MTU_LIMIT_FORWARD, /* the way there */
    MTU_LIMIT_RETURN,  /* the way back, or the peer */
    MTU_LIMIT_PEER,    /* the peer, which sends back something else */
    MTU_LIMIT_UNKNOWN, /* one of these */
    MTU_NO_ANSWER,     /* nothing came back as it was sent, at any size */
    MTU_NOT_FOUND      /* the search ended before it had found the limit */
} mtu_limit_t;

typedef struct mtu_result {
    apr_size_t payload;   /* the largest that came back unfragmented, bytes; 0: none */
    apr_size_t mtu;       /* with UDP and IP header */
    apr_size_t too_large; /* the smallest payload that did not come back so; 0: none did not */
    mtu_limit_t limit;
    apr_size_t hint;      /* the smallest MTU that the network claimed in ICMP; 0: none */
    endpoint_t hint_from; /* who did; length 0: none */
    int tells_fragments;  /* 0: replies may have come in fragments, this system does not tell */
} mtu_result_t;

/* Latency without and with load. */
typedef struct load_result {
    probe_summary_t idle, loaded; /* of the pings */
    int has_load;                 /* 0: there was none, and what follows is of no meaning: */
    probe_summary_t load;
    const run_t *run; /* of the load */
} load_result_t;

typedef enum event_kind {
    EVENT_START,    /* the first of all */
    EVENT_REPLY,    /* reply, arrival; one_way if the reply tells of it */
    EVENT_MISSING,  /* request: not answered in time */
    EVENT_REFUSED,  /* arrival; request.sequence if has_sequence */
    EVENT_NOT_SENT, /* request, status */
    EVENT_PROGRESS, /* summary, and losses if it is known which way they were: how it goes on, a few
                     * times a second */
    EVENT_INTERVAL, /* summary: of the last interval of the interim reports only */
    EVENT_SWEEP,    /* sweep */
    EVENT_MTU,      /* mtu */
    EVENT_LOAD,     /* load */
    EVENT_SUMMARY,  /* summary, and directions if the protocol tells of them; with is_interim not
                     * the last of this run */
    EVENT_ADDRESS,  /* the name stands for another address now, which is the run's; former */
    EVENT_LOOKUP,   /* status: looking up the name of the run failed; with is_found its address is
                     * known and cannot be asked. If the run has no address, its memory is that of
                     * this event only */
    EVENT_NOT_ASKED, /* the run of this target is over, and it had no address; status and is_found
                      * as of EVENT_LOOKUP, APR_SUCCESS if no lookup came to an end */
    EVENT_TOTAL      /* total: the last of all, where several peers were asked; with is_interim so
                      * far */
} event_kind_t;

/* What all peers of a run came to together, those that are no longer asked included. */
typedef struct total {
    unsigned peers;              /* asked at some time: a datagram was due */
    unsigned answered;           /* of these, those that answered */
    apr_uint64_t failures;       /* lookups that failed */
    probe_summary_t summary;     /* of all */
    const histogram_t *lateness; /* how much later than due each datagram left, microseconds */
} total_t;

/* What is said above to come with the kind is set; it lives until the listener returns. */
typedef struct event {
    event_kind_t kind;
    int is_interim;
    apr_time_t wall_clock; /* when, microseconds since 1970 */
    apr_time_t now;        /* the same in the time of clock_now(), which nobody sets */
    const run_t *run;
    const reply_t *reply;
    const arrival_t *arrival;
    const one_way_t *one_way; /* NULL: nothing is told */
    const request_t *request;
    int has_sequence;
    int is_found;
    apr_status_t status;
    const probe_summary_t *summary;
    const directions_summary_t *directions; /* NULL: nothing is told */
    const loss_counts_t *losses;            /* NULL: nothing is told */
    const sweep_result_t *sweep;
    const mtu_result_t *mtu;
    const load_result_t *load;
    const endpoint_t *former;
    const total_t *total;
} event_t;

/* Non-zero if all is set that is said above to come with the kind. */
static inline int event_is_whole(const event_t *event)
{
    switch (event->kind) {
    case EVENT_START:
    case EVENT_NOT_ASKED:
        return 1;
    case EVENT_REPLY:
        return event->reply != NULL && event->arrival != NULL;
    case EVENT_MISSING:
    case EVENT_NOT_SENT:
        return event->request != NULL;
    case EVENT_REFUSED:
        return event->arrival != NULL && (!event->has_sequence || event->request != NULL);
    case EVENT_SWEEP:
        return event->sweep != NULL;
    case EVENT_MTU:
        return event->mtu != NULL;
    case EVENT_LOAD:
        return event->load != NULL;
    case EVENT_ADDRESS:
        return event->former != NULL;
    case EVENT_LOOKUP:
        return event->status != APR_SUCCESS;
    case EVENT_TOTAL:
        return event->total != NULL;
    case EVENT_PROGRESS:
    case EVENT_INTERVAL:
    case EVENT_SUMMARY:
        break;
    }
    return event->summary != NULL;
}

/* One format of the output. */
typedef struct report {
    void (*tell)(void *context, const event_t *event);
    void *context;
    output_t *output; /* where it writes; NULL: it does not */
    int is_live;      /* where several peers are asked, it wants EVENT_PROGRESS of each of them once
                       * a second */
    void (*take_key)(void *context, char key); /* the user pressed it; any thread. NULL: it takes
                                                * none */
} report_t;

#endif
