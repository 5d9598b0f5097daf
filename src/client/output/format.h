#ifndef UDPECHO_FORMAT_H
#define UDPECHO_FORMAT_H

/* The numbers and words that the formats of the output share. What is returned is static, or comes
 * from `pool`. Any thread. */

#include <apr_pools.h>

#include "client/output/event.h"

/* "answer", "late", "duplicate" and so on: the words of the machines' formats. */
const char *verdict_word(reply_verdict_t verdict);
const char *measurement_word(measurement_t measurement);
const char *protocol_word(protocol_t protocol);
const char *clocks_word(clocks_t clocks);
const char *limit_word(mtu_limit_t limit);

/* Text for why the network refused a datagram, from arrival_t: "port unreachable". */
const char *refusal_words(apr_status_t status, apr_pool_t *pool);

/* Text for why this host refused one, from flows_send(). */
const char *not_sent_words(apr_status_t status, apr_pool_t *pool);

/* Why a lookup failed. */
const char *lookup_words(apr_status_t status, apr_pool_t *pool);

/* The source port of a flow; 0: not known. */
apr_port_t source_port(const run_t *run, unsigned flow);

/* Non-zero if requests arrived there from another address than one of this host, or from another
 * port than they were sent from. */
int is_translated(const run_t *run, const path_facts_t *facts);

/* The endpoint in text, and the same without its port and what stands around an address before
 * one: routers refuse, and have none. */
const char *endpoint_text(const endpoint_t *endpoint, apr_pool_t *pool);
const char *address_text(const endpoint_t *endpoint, apr_pool_t *pool);

/* The address of the peer as above, or "" if it is not known or the user wrote it. */
const char *other_address(const run_t *run, apr_pool_t *pool);

/* Non-zero if the event is a reply whose round trip counts. */
int is_round_trip(const event_t *event);

/* The closest number of microseconds. */
apr_int64_t microseconds_of(apr_int64_t nanoseconds);

/* 1234 as "1.234", -5 as "-0.005": milliseconds of microseconds, exact. */
const char *thousandths(apr_int64_t number, apr_pool_t *pool);

/* How many decimals a number of microseconds needs in milliseconds, from 0 to 3: of 1500 it is 1.
 */
unsigned decimals_needed(apr_int64_t microseconds);

/* Microseconds, 0 or more, as milliseconds with `decimals` (0 to 3) decimals; further ones are cut
 * off: 1500 with 1 is "1.5". */
const char *milliseconds(apr_int64_t microseconds, unsigned decimals, apr_pool_t *pool);

/* The same for tables: with as many decimals as there is room for in six characters, up to three;
 * of 10,000 seconds and more it is longer. */
const char *short_milliseconds(apr_int64_t microseconds, apr_pool_t *pool);

/*
 * The share of lost datagrams among those whose fate is known, in percent with up to four decimals
 * and no zeros at the end: "0", "33.3333". It is "0" only if nothing and "100" only if everything
 * was lost: one in a billion is "0.0001". NULL if no fate is known yet.
 */
const char *loss_percent(const probe_summary_t *summary, apr_pool_t *pool);

/* The same for tables, with two decimals between "0" and "100"; "-" if no fate is known yet. */
const char *short_loss(const probe_summary_t *summary, apr_pool_t *pool);

/* How many were lost of which nothing tells the way, of an event with directions. */
apr_uint64_t lost_either_way(const event_t *event);

/* How many datagrams came due, of a summary with a schedule: those that were sent, those that this
 * host refused and those that it missed. */
apr_uint64_t asked(const probe_summary_t *summary);

/* What all datagrams sent, and all received, come to in bits per second, UDP and IP headers
 * included; 0: nothing, or a single datagram, which has no rate. Those sent are of the run's size.
 * At a pace, the time for the last one counts too. */
apr_uint64_t bitrate_sent(const event_t *event);
apr_uint64_t bitrate_received(const event_t *event);

/* `count` things in `elapsed` microseconds, for each second; 0 if no time has passed. */
apr_uint64_t per_second(apr_uint64_t count, apr_interval_time_t elapsed);

#endif
