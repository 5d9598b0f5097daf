#ifndef UDPECHO_REPORT_TEXT_PARTS_H
#define UDPECHO_REPORT_TEXT_PARTS_H

/* What an event says to people: whole lines, "" if there is nothing to say, from `pool`. Pure
 * functions of the event. Lines are shorter than 80 columns for the usual addresses. */

#include <apr_pools.h>

#include "client/output/event.h"

const char *report_text_start(const event_t *event, apr_pool_t *pool);

/* Of one datagram each; all have the same form, with "from" or "to" after the length. */
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

/* Results. */
const char *report_text_sweep(const event_t *event, apr_pool_t *pool);
const char *report_text_mtu(const event_t *event, apr_pool_t *pool);
const char *report_text_summary(const event_t *event, apr_pool_t *pool);

#endif
