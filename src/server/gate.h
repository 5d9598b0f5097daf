#ifndef UDPECHO_GATE_H
#define UDPECHO_GATE_H

/* Where threads wait until all of them are there and may begin, or are not to. */

#include <apr_pools.h>

typedef struct gate gate_t;

/* A closed gate. Errors: those of creating a mutex or a condition. */
apr_status_t gate_create(gate_t **gate, apr_pool_t *pool);

/* Waits until the gate is opened or abandoned. Returns non-zero if it was opened. Any thread. */
int gate_pass(gate_t *gate);

/* Waits until as many threads wait at the closed gate: they are done with all that the system does
 * to start a thread. */
void gate_await(gate_t *gate, unsigned threads);

/* Lets everyone pass, for good. Any thread. */
void gate_open(gate_t *gate);

/* Has everyone know, for good, that there is nothing to begin. Any thread. */
void gate_abandon(gate_t *gate);

#endif
