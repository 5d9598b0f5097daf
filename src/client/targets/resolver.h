#ifndef UDPECHO_RESOLVER_H
#define UDPECHO_RESOLVER_H

/*
 * Looks names up in threads of its own, since the name service may take long to answer. The thread
 * that asks takes the answers later, and never waits. A lookup that takes long holds up neither
 * those of other names nor the end of the process.
 */

#include <apr_pools.h>

#include "common/address.h"

typedef struct resolver resolver_t;

/* The most threads that a resolver starts, and so the most names that it looks up at a time. */
#define RESOLVER_THREADS_MAX 64

typedef struct resolver_options {
    /* Looks an address up as address_resolve() does; called by several threads at a time. */
    apr_status_t (*look_up)(apr_sockaddr_t **list, const address_t *address, apr_pool_t *pool);

    /* Called by a thread of the resolver when there is an answer to take. Must not wait, and must
     * not call the resolver. */
    void (*wake)(void *context);
    void *context;
} resolver_options_t;

/* What a lookup came to. */
typedef struct lookup {
    void *asker;          /* as it was passed to resolver_ask() */
    apr_status_t status;  /* of address_resolve(), or of starting a thread */
    apr_sockaddr_t *list; /* on success */
    apr_pool_t *pool;     /* of all this; the caller of resolver_take() destroys it */
} lookup_t;

/* Starts no thread yet. Errors: those of creating a monitor. */
apr_status_t resolver_create(resolver_t **resolver, const resolver_options_t *options,
                             apr_pool_t *pool);

/* Looks up the address, which is copied. Only one lookup of a name is in progress at a time,
 * whatever the port. The thread that created the resolver. */
void resolver_ask(resolver_t *resolver, const address_t *address, void *asker);

/* Returns the next answer, NULL if there is none at the moment. The thread that created the
 * resolver. */
lookup_t *resolver_take(resolver_t *resolver);

/* Ends the threads. Results that were not taken are lost, and `wake` is not called any more.
 * Does not wait for lookups in progress. The thread that created the resolver. */
void resolver_close(resolver_t *resolver);

/* After resolver_close(): non-zero if a lookup is under way still. The process must then end
 * without apr_terminate(), which takes away the memory of its thread. */
int resolver_is_held_up(const resolver_t *resolver);

#endif
