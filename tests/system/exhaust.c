/*
 * Preloaded, it lets allocations fail: the Nth from when a test says so, by a file of this layout
 * that both have mapped, UDPECHO_EXHAUST. So it works in the sandbox, too. What it lets fail is
 * what can fail in a real process: APR gives a new pool a block of 8 KiB, and only what no longer
 * fits needs another one.
 */

#include <apr_pools.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Kinds of calls, as bits. */
enum { HEAP = 1, POOLS = 2, THREADS = 4 };

typedef struct plan {
    _Atomic long long kinds; /* that are counted, and fail */
    _Atomic long long at;    /* the one that fails, from 0; -1: none does */
    _Atomic long long lasts; /* whether all later ones fail as well */
    _Atomic long long count; /* of those that came */
} plan_t;

/* The least room of a new pool. */
#define POOL_ROOM 7600

#define POOLS_MAX 65536 /* a power of two */

typedef struct pool_use {
    apr_pool_t *pool;
    apr_size_t used;
} pool_use_t;

static plan_t *plan;

/* Whether memory was asked for beforehand, for a library that needs it: libseccomp. */
static int is_provided_for;
static pool_use_t uses[POOLS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* NOLINTBEGIN(bugprone-reserved-identifier): by these names glibc has what is replaced here */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

__attribute__((constructor)) static void map_plan(void)
{
    const char *path = getenv("UDPECHO_EXHAUST");
    int file = path != NULL ? open(path, O_RDWR) : -1;

    if (file >= 0) {
        void *mapped = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

        close(file);
        plan = mapped != MAP_FAILED ? mapped : NULL;
    }
}

static int fails(int kind)
{
    if (plan == NULL || is_provided_for || (atomic_load(&plan->kinds) & kind) == 0) {
        return 0;
    }
    long long at = atomic_load(&plan->at);
    long long number = atomic_fetch_add(&plan->count, 1);

    return at >= 0 && (number == at || (number > at && atomic_load(&plan->lasts)));
}

/* ---- The heap ---- */

static void *nothing(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size)
{
    return fails(HEAP) ? nothing() : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails(HEAP) ? nothing() : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return fails(HEAP) ? nothing() : __libc_realloc(memory, size);
}

/* Debian's APR allocates the blocks of its pools with it. */
void *mmap(void *wanted, size_t length, int protection, int flags, int file, off_t offset)
{
    static void *(*next)(void *, size_t, int, int, int, off_t);

    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "mmap");
    }
    if ((flags & MAP_ANONYMOUS) != 0 && fails(HEAP)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return next(wanted, length, protection, flags, file, offset);
}

/* ---- Pools ---- */

/* Adds to what is used of a pool, or begins anew with 0. Returns it. */
static apr_size_t use(apr_pool_t *pool, apr_size_t more, int is_new)
{
    size_t index = ((size_t)pool >> 4) * 2654435761U % POOLS_MAX;

    pthread_mutex_lock(&lock);
    while (uses[index].pool != NULL && uses[index].pool != pool) {
        index = (index + 1) % POOLS_MAX;
    }
    uses[index].pool = pool;
    uses[index].used = is_new ? 0 : uses[index].used + (more + 7) / 8 * 8;
    apr_size_t used = uses[index].used;

    pthread_mutex_unlock(&lock);
    return used;
}

apr_status_t apr_pool_create_ex(apr_pool_t **pool, apr_pool_t *parent, apr_abortfunc_t on_abort,
                                apr_allocator_t *allocator)
{
    static apr_status_t (*next)(apr_pool_t **, apr_pool_t *, apr_abortfunc_t, apr_allocator_t *);

    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "apr_pool_create_ex");
    }
    apr_status_t status = next(pool, parent, on_abort, allocator);

    if (status == APR_SUCCESS) {
        use(*pool, 0, 1);
    }
    return status;
}

void *apr_palloc(apr_pool_t *pool, apr_size_t size)
{
    static void *(*next)(apr_pool_t *, apr_size_t);

    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "apr_palloc");
    }
    if (use(pool, size, 0) <= POOL_ROOM || !fails(POOLS)) {
        return next(pool, size);
    }
    if (apr_pool_abort_get(pool) != NULL) {
        apr_pool_abort_get(pool)(APR_ENOMEM);
    }
    return NULL;
}

/* ---- Threads ---- */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *context)
{
    static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
    }
    return fails(THREADS) ? EAGAIN : next(thread, attributes, start, context);
}

/* For a thread that was never created glibc returns an error; musl ends the process. */
int pthread_join(pthread_t thread, void **result)
{
    static int (*next)(pthread_t, void **);

    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "pthread_join");
    }
    if (thread == 0) {
        abort();
    }
    return next(thread, result);
}

/* ---- libseccomp ---- */

/* Its own header need not be here. */
void *seccomp_init(unsigned action);
void seccomp_release(void *filter);

void *seccomp_init(unsigned action)
{
    void *(*next)(unsigned);

    *(void **)&next = dlsym(RTLD_NEXT, "seccomp_init");
    is_provided_for = 1;
    return next(action);
}

void seccomp_release(void *filter)
{
    void (*next)(void *);

    *(void **)&next = dlsym(RTLD_NEXT, "seccomp_release");
    next(filter);
    is_provided_for = 0;
}
