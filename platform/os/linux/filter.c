/* The system calls that are left once the server serves: seccomp(2), by libseccomp. */

#include "os/linux/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "os/linux/refusals.h"

#define MEMORY_WANTED (1 << 20)

/* Some calls have an old and a new version. glibc uses the old one where the processor has it;
 * musl does the opposite for epoll_wait. */
#if defined(__GLIBC__) && defined(__NR_epoll_wait)
#define CALL_EPOLL_WAIT SCMP_SYS(epoll_wait)
#else
#define CALL_EPOLL_WAIT SCMP_SYS(epoll_pwait)
#endif
#if defined(__NR_poll)
#define CALL_POLL SCMP_SYS(poll)
#else
#define CALL_POLL SCMP_SYS(ppoll)
#endif
#if defined(__NR_unlink)
#define CALL_UNLINK SCMP_SYS(unlink)
#else
#define CALL_UNLINK SCMP_SYS(unlinkat)
#endif
#if !defined(__GLIBC__) && defined(__NR_open)
#define CALL_OPEN  SCMP_SYS(open)
#define OPEN_FLAGS 1 /* the argument that has them */
#else
#define CALL_OPEN  SCMP_SYS(openat)
#define OPEN_FLAGS 2
#endif

/* All bits of the type of a socket, except whether it blocks and whether execve(2) closes it. */
#define SOCKET_TYPE ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK)

/* When a call is needed: always, to read files again, to open listeners, to have them kept, to hand
 * them over, to accept connections, to speak HTTP on them, to ask how good the clock is, or with or
 * without a feature. */
typedef enum need {
    ALWAYS,
    TO_RELOAD,
    TO_LISTEN,
    TO_STORE,
    TO_HAND_OVER,
    TO_ACCEPT,
    TO_SERVE_HTTP,
    TO_ASK_CLOCK,
    WITH,
    WITHOUT
} need_t;

typedef struct rule {
    int call;
    need_t need;
    feature_t feature;
    int error; /* 0: allowed; otherwise the call does nothing and ends with this, which the C
                * library takes well */
    unsigned conditions; /* on arguments: which, a mask, and what is left under it */
    struct scmp_arg_cmp arguments[2];
} rule_t;

static const rule_t rules[] = {
    /* Datagrams, many at a time or one. */
    {.call = SCMP_SYS(recvmmsg), .need = WITH, .feature = FEATURE_BATCHED_RECEIVE},
    {.call = SCMP_SYS(recvmsg), .need = WITHOUT, .feature = FEATURE_BATCHED_RECEIVE},
    {.call = SCMP_SYS(sendmmsg), .need = WITH, .feature = FEATURE_BATCHED_SEND},
    {.call = SCMP_SYS(sendmsg), .need = WITHOUT, .feature = FEATURE_BATCHED_SEND},
    /* A worker waits for them. */
    {.call = CALL_EPOLL_WAIT, .need = WITH, .feature = FEATURE_POLL_METHOD},
    {.call = SCMP_SYS(timerfd_settime), .need = WITH, .feature = FEATURE_TIMER},
#if defined(__NR_timerfd_settime64)
    {.call = SCMP_SYS(timerfd_settime64), .need = WITH, .feature = FEATURE_TIMER},
#endif
    /* The same without epoll; the main thread, for signals; the log, for room in its output. */
    {.call = CALL_POLL},
    /* A pause after any call that failed. */
    {.call = SCMP_SYS(clock_nanosleep)},
    /* These two, and futex(2) with a timeout, after SIGSTOP and SIGCONT: interrupted is as good. */
    {.call = SCMP_SYS(restart_syscall), .error = EINTR},
    /* What the kernel dropped, socket by socket, and what buffers it gave. */
    {.call = SCMP_SYS(getsockopt),
     .conditions = 1,
     .arguments = {{1, SCMP_CMP_MASKED_EQ, ~0U, SOL_SOCKET}}},
    /* Log lines; wakes and events, which are bytes in pipes; what a reload reads, of files and of
     * this host's addresses. */
    {.call = SCMP_SYS(read)},
    {.call = SCMP_SYS(write)},
    /* Locks, and waiting for a thread's end. */
    {.call = SCMP_SYS(futex)},
    /* The clocks, where the machine's cannot be read without the kernel (vdso(7)). */
    {.call = SCMP_SYS(clock_gettime)},
    {.call = SCMP_SYS(gettimeofday)},
#if defined(__NR_time)
    {.call = SCMP_SYS(time), .need = TO_SERVE_HTTP},
#endif
    /* Reads whether the wall clock is synchronised. Setting it requires a capability, which was
     * dropped. */
    {.call = SCMP_SYS(clock_adjtime),
     .need = TO_ASK_CLOCK,
     .conditions = 1,
     .arguments = {{0, SCMP_CMP_MASKED_EQ, ~0U, CLOCK_REALTIME}}},
    /* Signals: the main thread lets them in, a handler returns, the first SIGTERM makes the second
     * one deadly. */
    {.call = SCMP_SYS(rt_sigprocmask)},
    {.call = SCMP_SYS(rt_sigreturn)},
    {.call = SCMP_SYS(rt_sigaction)},
    /* Those who ask for the status; reading and writing do for the rest. No thread can make
     * a socket listen, so only the sockets that listen already can be accepted from. */
    {.call = SCMP_SYS(accept4), .need = TO_ACCEPT},
    /* HTTP: on its connections this is reading and writing by other names. */
    {.call = SCMP_SYS(recvfrom), .need = TO_SERVE_HTTP},
    {.call = SCMP_SYS(sendto), .need = TO_SERVE_HTTP},
    {.call = SCMP_SYS(sendmsg), .need = TO_SERVE_HTTP},
    {.call = SCMP_SYS(epoll_ctl), .need = TO_SERVE_HTTP},
    {.call = SCMP_SYS(shutdown), .need = TO_SERVE_HTTP},
    /* It wants TCP_NODELAY, and does without. */
    {.call = SCMP_SYS(setsockopt), .need = TO_SERVE_HTTP, .error = ENOSYS},
    /* At the end APR would remove the path of a socket. It stays, for the next start to replace. */
    {.call = CALL_UNLINK, .need = TO_ACCEPT, .error = ENOSYS},
    /* Reading files again, and only reading; fstat by either name, depending on the C library. */
    {.call = SCMP_SYS(fstat), .need = TO_RELOAD},
    {.call = SCMP_SYS(newfstatat), .need = TO_RELOAD},
    {.call = CALL_OPEN,
     .need = TO_RELOAD,
     .conditions = 1,
     .arguments = {{OPEN_FLAGS, SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY}}},
    /* Listeners that a reload adds: creating, binding and polling UDP sockets. */
    {.call = SCMP_SYS(socket),
     .need = TO_LISTEN,
     .conditions = 2,
     .arguments = {{0, SCMP_CMP_EQ, AF_INET, 0}, {1, SCMP_CMP_MASKED_EQ, SOCKET_TYPE, SOCK_DGRAM}}},
    {.call = SCMP_SYS(socket),
     .need = TO_LISTEN,
     .conditions = 2,
     .arguments = {{0, SCMP_CMP_EQ, AF_INET6, 0},
                   {1, SCMP_CMP_MASKED_EQ, SOCKET_TYPE, SOCK_DGRAM}}},
    {.call = SCMP_SYS(bind), .need = TO_LISTEN},
    {.call = SCMP_SYS(connect), .need = TO_LISTEN},
    {.call = SCMP_SYS(getsockname), .need = TO_LISTEN},
    {.call = SCMP_SYS(setsockopt), .need = TO_LISTEN},
    {.call = SCMP_SYS(fcntl),
     .need = TO_LISTEN,
     .conditions = 1,
     .arguments = {{1, SCMP_CMP_EQ, F_GETFL, 0}}},
    {.call = SCMP_SYS(fcntl),
     .need = TO_LISTEN,
     .conditions = 1,
     .arguments = {{1, SCMP_CMP_EQ, F_SETFL, 0}}},
    {.call = SCMP_SYS(epoll_ctl), .need = TO_LISTEN},
    /* Their sockets, for the service manager to keep. */
    {.call = SCMP_SYS(sendmsg), .need = TO_STORE},
    /* A successor who connects, and what he gets. He says by a byte that he serves. */
    {.call = SCMP_SYS(accept), .need = TO_HAND_OVER},
    {.call = SCMP_SYS(sendmsg), .need = TO_HAND_OVER},
    /* Memory to do it, which is neither a file's nor for code to run in. */
    {.call = SCMP_SYS(mmap),
     .conditions = 2,
     .arguments = {{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0},
                   {3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS}}},
    {.call = SCMP_SYS(brk)},
#if defined(__GLIBC__)
    /* Grows the heaps of other threads than the main thread; malloc(3) then takes mmap(2). */
    {.call = SCMP_SYS(mprotect),
     .error = ENOMEM,
     .conditions = 1,
     .arguments = {{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}}},
#else
    {.call = SCMP_SYS(mprotect),
     .conditions = 1,
     .arguments = {{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}}},
    /* Sets FD_CLOEXEC on what open(2) has opened with it. */
    {.call = SCMP_SYS(fcntl),
     .error = ENOSYS,
     .conditions = 1,
     .arguments = {{1, SCMP_CMP_EQ, F_SETFD, 0}}},
#endif
    /* The end: of memory and descriptors, of a thread, of its stack, of the process. */
    {.call = SCMP_SYS(munmap)},
    {.call = SCMP_SYS(close)},
    {.call = SCMP_SYS(exit)},
    {.call = SCMP_SYS(madvise), .error = ENOSYS},
    {.call = SCMP_SYS(exit_group)},
    /* No call at all: what a tracer puts in the place of one that it takes away. */
    {.call = -1, .error = ENOSYS},
};

#define RULE_COUNT (sizeof rules / sizeof rules[0])

/*
 * What nothing here calls, neither this program nor a library that it uses, whatever they read: who
 * does is foreign code, and the process ends. Any other call that has no rule above might be made
 * by a library, of this version or the next, on input that nobody has tried; a reload must not be
 * able to end the service, so that call fails and the log says so.
 */
static const int deadly[] = {
    /* Running a program; a process or a thread, all of which are there. */
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    /* Other processes: their memory, their descriptors, their end. */
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kill),
    /* Other users, roots and namespaces. */
    SCMP_SYS(setuid),
    SCMP_SYS(setresuid),
    SCMP_SYS(chroot),
    SCMP_SYS(mount),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    /* Code for the kernel, and calls that no filter sees. */
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(bpf),
    SCMP_SYS(io_uring_setup),
};

static int is_needed(const rule_t *rule, const platform_t *platform, const sandbox_needs_t *needs)
{
    switch (rule->need) {
    case WITH:
        return platform_has(platform, rule->feature);
    case WITHOUT:
        return !platform_has(platform, rule->feature);
    case TO_RELOAD:
        return needs->files->nelts > 0;
    case TO_STORE:
        return needs->stores_listeners;
    case TO_HAND_OVER:
        return needs->hands_over;
    case TO_LISTEN:
        return needs->opens_listeners;
    case TO_ACCEPT:
        return needs->connections > 0;
    case TO_SERVE_HTTP:
        return needs->serves_http;
    case TO_ASK_CLOCK:
        return needs->asks_clock_quality;
    case ALWAYS:
        break;
    }
    return 1;
}

/* Whether a rule before the one of this index allows the call: there is need for some calls in more
 * than one way. */
static int is_allowed(int call, unsigned end, const platform_t *platform,
                      const sandbox_needs_t *needs)
{
    for (unsigned i = 0; i < end; i++) {
        if (rules[i].call == call && rules[i].error == 0 && is_needed(&rules[i], platform, needs)) {
            return 1;
        }
    }
    return 0;
}

unsigned filter_size(const platform_t *platform, const sandbox_needs_t *needs)
{
    unsigned size = 0;

    for (unsigned i = 0; i < RULE_COUNT; i++) {
        size += rules[i].error == 0 && is_needed(&rules[i], platform, needs) &&
                !is_allowed(rules[i].call, i, platform, needs);
    }
    return size;
}

/* Errors of libseccomp are negative errno values. */
static int fill(scmp_filter_ctx filter, const platform_t *platform, const sandbox_needs_t *needs)
{
    int error = 0;

    for (unsigned i = 0; error == 0 && i < RULE_COUNT; i++) {
        const rule_t *rule = &rules[i];

        /* What one need refuses is allowed where another wants it. */
        int is_overruled = rule->error != 0 && rule->conditions == 0 &&
                           is_allowed(rule->call, RULE_COUNT, platform, needs);

        if (is_needed(rule, platform, needs) && !is_overruled) {
            error = seccomp_rule_add_array(
                filter, rule->error == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO((unsigned)rule->error),
                rule->call, rule->conditions, rule->arguments);
        }
    }
    for (unsigned i = 0; error == 0 && i < sizeof deadly / sizeof deadly[0]; i++) {
        error = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
    }
    return error;
}

static int set_attributes(scmp_filter_ctx filter)
{
    static const struct {
        enum scmp_filter_attr attribute;
        uint32_t value;
    } wanted[] = {
        /* All threads at once, or none. */
        {SCMP_FLTATR_CTL_TSYNC, 1},
        /* Nothing here makes calls of another architecture, such as those of 32 bits. */
        {SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS},
        /* Kernels before 5.16 take a filter for a sign of foreign code and slow the processor's
         * speculation down. There is no foreign code here. */
        {SCMP_FLTATR_CTL_SSB, 1},
        /* A rule for -1 may be added. */
        {SCMP_FLTATR_API_TSKIP, 1},
    };
    int error = 0;

    for (unsigned i = 0; error == 0 && i < sizeof wanted / sizeof wanted[0]; i++) {
        error = seccomp_attr_set(filter, wanted[i].attribute, wanted[i].value);
    }
    return error;
}

/* Whether libseccomp will find memory. Without it, libseccomp 2.5.4 crashes, hangs or silently
 * leaves rules out, so memory is allocated before, ten times the maximum that it needs. No other
 * thread allocates at the same time. */
static int has_memory(void)
{
    void *volatile memory = malloc(MEMORY_WANTED);

    free(memory);
    return memory != NULL;
}

apr_status_t filter_load(const platform_t *platform, const sandbox_needs_t *needs,
                         const char **found)
{
    uint32_t processor = seccomp_arch_native();

    if (processor != SCMP_ARCH_X86_64 && processor != SCMP_ARCH_AARCH64) {
        *found = "none: the calls of this processor are not known";
        return APR_ENOTIMPL;
    }
    if (!has_memory()) {
        *found = "none: no memory for a filter";
        return APR_ENOMEM;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    int error = filter != NULL ? set_attributes(filter) : -ENOSYS;

    if (error == 0) {
        error = -refusals_catch(needs->refusals);
    }
    if (error == 0) {
        error = fill(filter, platform, needs);
    }
    if (error == 0) {
        error = seccomp_load(filter);
    }
    seccomp_release(filter);
    *found = error == 0 ? "seccomp" : "none: the kernel refuses a filter";
    return -error;
}
