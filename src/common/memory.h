#ifndef UDPECHO_MEMORY_H
#define UDPECHO_MEMORY_H

/*
 * What happens when memory runs out. All memory comes from APR's pools, and neither this program
 * nor APR itself checks what an allocation from a pool returns. A pool's abort function (see
 * apr_pool_abort_set()) is therefore the one place to handle it. Here it ends the program,
 * except within memory_try(), which abandons only the function that it called.
 */

#include <apr_pools.h>

/*
 * Makes the pool that all others descend from. It never returns NULL: `give_up` is called instead,
 * here and whenever an allocation outside memory_try() fails. It says that there is no memory and
 * ends the process; it must not return and must not allocate. Main thread, before any pool is made
 * that it is to answer for.
 */
apr_pool_t *memory_start(void (*give_up)(void));

/* Makes a pool below `parent`, never NULL. Any thread that may use `parent`. */
apr_pool_t *memory_pool(apr_pool_t *parent);

/* The same, with memory of its own that goes back to the system when the pool is destroyed; what
 * other pools had is kept for later ones. For what is large. */
apr_pool_t *memory_pool_apart(apr_pool_t *parent);

/*
 * Calls `attempt` with `context`. Returns APR_SUCCESS when it has returned. When an allocation in
 * it fails, it is left where it is and APR_ENOMEM is returned. So it must not hold a mutex while it
 * allocates, and what it opens must belong to a pool that the caller destroys. Calls may be nested.
 * Any thread.
 */
apr_status_t memory_try(void (*attempt)(void *context), void *context);

/* The same for what needs memory only while it is at work: `scratch` is a pool below `parent` that
 * is destroyed when it returns and when it is left. */
apr_status_t memory_try_scratch(void (*attempt)(void *context, apr_pool_t *scratch), void *context,
                                apr_pool_t *parent);

#endif
