#ifndef UDPECHO_DELAY_LINE_H
#define UDPECHO_DELAY_LINE_H

/*
 * Copies of replies that are to leave later, in a fixed amount of memory. Belongs to one worker,
 * except where a function says otherwise. Times are microseconds of clock_now().
 */

#include <apr_pools.h>
#include <apr_time.h>

#include "udpecho/datagram.h"

typedef struct delay_line delay_line_t;

/* The least that a line may have, bytes: room for a datagram of any length. */
#define DELAY_LINE_MIN (256 << 10)

/* How many replies may wait at once to be overtaken. */
#define OVERTAKEN_MAX 64

/* How long a reply that is due waits to be overtaken. */
#define OVERTAKE_MAX_US (1 * APR_USEC_PER_SEC)

/* Takes `bytes` of memory, DELAY_LINE_MIN or more, from `pool`, and nothing later. Each reply that
 * waits takes its record, and a block for each 512 bytes of its payload that it begins. Any thread.
 */
delay_line_t *delay_line_create(apr_size_t bytes, apr_pool_t *pool);

/* Non-zero if there is room for a reply with a payload of `length` bytes. */
int delay_line_has_room(const delay_line_t *line, apr_size_t length);

/* Copies a reply that is to leave at `due`. Replies that are due at the same time leave in the
 * order in which they were held. Returns 0 if there is no room. */
int delay_line_hold(delay_line_t *line, const datagram_t *reply, apr_time_t due);

/* The same for a reply that waits to be overtaken by another one to its peer, until OVERTAKE_MAX_US
 * after `due`. Returns 0 if there is no room for it; negative, and held nothing, if OVERTAKEN_MAX
 * wait already. */
int delay_line_hold_back(delay_line_t *line, const datagram_t *reply, apr_time_t due);

/* Non-zero if a reply waits to be overtaken by one to this peer from this address. */
int delay_line_holds_back(const delay_line_t *line, const datagram_t *reply);

/* A reply to the same peer leaves at `due`: the one that waits to be overtaken, if any, leaves
 * after it, but neither before its own time nor OVERTAKE_MAX_US later. */
void delay_line_release(delay_line_t *line, const datagram_t *reply, apr_time_t due);

/* When the next reply is due; -1: none is held. */
apr_time_t delay_line_next(const delay_line_t *line);

/* Takes out replies that are due at `now`, the earliest first, all of one listener, as many as a
 * batch holds. They are valid until the next call. Returns their number. */
unsigned delay_line_take(delay_line_t *line, batch_t *batch, apr_time_t now);

/* Moves the replies that wait in `from` to `line`, which holds none: they leave at the same times
 * and in the same order. Returns how many had no room there and are lost. */
unsigned delay_line_move(delay_line_t *line, delay_line_t *from);

/* Takes out, without a look at them, the replies of listeners for which `is_kept` is 0; where it is
 * NULL, all. Returns their number. */
unsigned delay_line_discard(delay_line_t *line,
                            int (*is_kept)(void *context, const struct listener *listener),
                            void *context);

#endif
