#ifndef UDPECHO_REPORT_TEXT_PARTS_H
#define UDPECHO_REPORT_TEXT_PARTS_H

/* What an event says to people: whole lines, "" if there is nothing to say, from `pool`. Pure
 * functions of the event. Lines are shorter than 80 columns for the usual addresses. */

#include <apr_pools.h>

#include "client/output/event.h"

const char *report_text_start(const event_t *event, apr_pool_t *pool);

/* The line of one datagram; all have the same form, with "from" or "to" after the length. */
const char *report_text_reply(const event_t *event, apr_pool_t *pool);
const char *report_text_missing(const event_t *event, apr_pool_t *pool);
const char *report_text_refused(const event_t *event, apr_pool_t *pool);
const char *report_text_not_sent(const event_t *event, apr_pool_t *pool);

/* What a reply tells of each way, as a part of its line. */
const char *report_text_one_way(const event_t *event, apr_pool_t *pool);

/* Parts of a summary that has directions. */
const char *report_text_losses(const event_t *event, apr_pool_t *pool);
const char *report_text_path(const event_t *event, apr_pool_t *pool);
const char *report_text_directions(const event_t *event, apr_pool_t *pool);

/* ", 3 late", but nothing of what there was none of. */
const char *if_any(apr_uint64_t count, const char *what, apr_pool_t *pool);

/* What became of the datagrams, and how many the host missed: the measurement was not the one that
 * was asked for. */
const char *report_text_counts(const probe_summary_t *summary, apr_pool_t *pool);
const char *report_text_missed(const probe_summary_t *summary, apr_pool_t *pool);

/* The bitrates sent and received, of a summary. */
const char *report_text_bitrate(const event_t *event, apr_pool_t *pool);

/* Results. */
const char *report_text_sweep(const event_t *event, apr_pool_t *pool);
const char *report_text_mtu(const event_t *event, apr_pool_t *pool);
const char *report_text_load(const event_t *event, apr_pool_t *pool);
const char *report_text_summary(const event_t *event, apr_pool_t *pool);

/* ---- report_text_peers.c: where several peers are asked ---- */

/* How wide the first columns of the table of peers are. */
typedef struct peer_columns {
    unsigned target;
    unsigned address; /* 0: it has none, since every target is an address */
} peer_columns_t;

/* Makes room for the peer of this run. Returns non-zero if that changes the columns. */
int peer_columns_fit(peer_columns_t *columns, const run_t *run, apr_pool_t *pool);

/* The same for a terminal of `width`, where addresses are left out if there is no room for them,
 * and long targets move the rest of their rows. */
peer_columns_t peer_columns_within(peer_columns_t columns, unsigned width);

/* The heading of the table, and the rows that an EVENT_SUMMARY and an EVENT_NOT_ASKED are. */
const char *report_text_peers_heading(const peer_columns_t *columns, apr_pool_t *pool);
const char *report_text_peer(const peer_columns_t *columns, const event_t *event, apr_pool_t *pool);
const char *report_text_not_asked(const peer_columns_t *columns, const event_t *event,
                                  apr_pool_t *pool);

/* A line about one target. */
const char *report_text_address(const event_t *event, apr_pool_t *pool);
const char *report_text_lookup(const event_t *event, apr_pool_t *pool);
const char *report_text_interval(const event_t *event, apr_pool_t *pool);

/* The last lines, about all of them. */
const char *report_text_total(const event_t *event, apr_pool_t *pool);

#endif
