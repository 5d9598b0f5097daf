#ifndef UDPECHO_AGENDA_H
#define UDPECHO_AGENDA_H

/*
 * Which of several things is due next: a binary heap of times. Things are known by numbers from 0
 * on. Setting and removing a time take logarithmic time, finding the first takes constant time.
 */

#include <apr_pools.h>
#include <apr_time.h>

typedef struct agenda agenda_t;

/* An agenda for the numbers below `capacity`, empty at first. Lives as long as `pool`. */
agenda_t *agenda_create(unsigned capacity, apr_pool_t *pool);

/* Thing `number` is due at `time`, and at no other time. */
void agenda_set(agenda_t *agenda, unsigned number, apr_time_t time);

/* The same, unless it is due earlier. */
void agenda_hasten(agenda_t *agenda, unsigned number, apr_time_t time);

/* Thing `number` is not due. */
void agenda_remove(agenda_t *agenda, unsigned number);

/* How many things are due at some time. */
unsigned agenda_count(const agenda_t *agenda);

/* When the first thing is due; APR_INT64_MAX: there is none. */
apr_time_t agenda_time(const agenda_t *agenda);

/* The thing that is due first, of which there is one. */
unsigned agenda_first(const agenda_t *agenda);

#endif
