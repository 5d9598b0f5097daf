/* A daemon on POSIX: signals come in, each as one byte through a pipe to the main thread. */

#include "udpecho/host.h"
#include "udpecho/clock.h"

#include <apr_strings.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "os/main_thread.h"
#include "os/posix/notify.h"
#include "os/posix/stop.h"
#include "os/posix/takeover.h"

/* How often to try to write an event, and how long to wait when none could be read. */
#define PUT_ATTEMPTS_MAX 100
#define READ_PAUSE_US    10000

/* How long stopping may take in addition to the time given to host_stopping(): draining takes up
 * to a second, and the log may be slow. */
#define END_US (5 * APR_USEC_PER_SEC)

struct host {
    int events[2]; /* a pipe: events are read from [0], written to [1] */
    sigset_t signals;
    sigset_t stops;             /* those of them that ask it to end */
    const takeover_t *takeover; /* NULL: no process hands over to another */
    apr_time_t next_look;       /* where a service manager wants to hear of the service */
    apr_interval_time_t lame_duck_us;
    apr_time_t lame_duck_until; /* by clock_now(); 0: it has not begun, or is over */
    volatile sig_atomic_t has_lame_duck;
    volatile sig_atomic_t is_lame_duck; /* the first request to end was heard */
};

static struct host the_host;

/* For each event, whether it is on its way: a flood of SIGUSR1 or SIGHUP must not fill the pipe, or
 * the events that end the process would find no room. One that could not be written comes without
 * the pipe, as soon as something ends the wait: the signal itself for one. */
enum { NOT_PENDING, IN_THE_PIPE, NOT_WRITTEN };
static atomic_int pending[HOST_FINISHED + 1]; /* host_finish() is for any thread */

/* A pipe that is almost empty takes a byte, but the kernel may briefly have no memory for it.
 * Nobody sends the request again, so this tries again. */
static void put_event(host_event_t event)
{
    unsigned char byte = (unsigned char)event;
    int attempts = 0;
    int interrupted = errno; /* a signal handler comes between a call and a look at its error */

    pending[event] = IN_THE_PIPE;
    while (write(the_host.events[1], &byte, 1) != 1) {
        if (++attempts == PUT_ATTEMPTS_MAX) {
            pending[event] = NOT_WRITTEN;
            break;
        }
    }
    errno = interrupted;
}

/* What may ask it to end: SIGHUP, where nothing can be reloaded. */
static const int stop_signals[] = {SIGTERM, SIGINT, SIGHUP};
#define STOP_SIGNALS (sizeof stop_signals / sizeof stop_signals[0])

/* A user who asks again does not want to wait: from now on these signals end the process. */
static void begin_stop(void)
{
    for (unsigned i = 0; i < STOP_SIGNALS; i++) {
        if (sigismember(&the_host.stops, stop_signals[i])) {
            signal(stop_signals[i], SIG_DFL);
        }
    }
    stop_ask();
}

static void on_stop(int signal_number)
{
    (void)signal_number;
    if (the_host.has_lame_duck && !the_host.is_lame_duck) {
        the_host.is_lame_duck = 1;
        put_event(HOST_LAME_DUCK);
        return;
    }
    begin_stop();
    put_event(HOST_STOP);
}

static void put_event_once(host_event_t event)
{
    if (!pending[event]) {
        put_event(event);
    }
}

static void on_report(int signal_number)
{
    (void)signal_number;
    put_event_once(HOST_REPORT);
}

static void on_reload(int signal_number)
{
    (void)signal_number;
    put_event_once(HOST_RELOAD);
}

static apr_status_t open_pipe(int ends[2])
{
    if (pipe(ends) != 0) {
        return errno;
    }
    for (int i = 0; i < 2; i++) {
        /* A signal handler must never wait, and who reads waits by poll(2). */
        if (fcntl(ends[i], F_SETFD, FD_CLOEXEC) != 0 || fcntl(ends[i], F_SETFL, O_NONBLOCK) != 0) {
            return errno;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t handle(int signal_number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    action.sa_mask = the_host.signals;
    return sigaction(signal_number, &action, NULL) == 0 ? APR_SUCCESS : errno;
}

/* A shell in the background, and nohup(1), start a process that is to ignore it. */
static int is_ignored(int signal_number)
{
    struct sigaction before;

    return sigaction(signal_number, NULL, &before) == 0 && before.sa_handler == SIG_IGN;
}

/* SIGTERM is nobody's to ignore. */
static apr_status_t handle_stops(int reloads)
{
    apr_status_t status = APR_SUCCESS;

    sigemptyset(&the_host.stops);
    for (unsigned i = 0; i < STOP_SIGNALS && status == APR_SUCCESS; i++) {
        int number = stop_signals[i];

        if (number == SIGTERM || (!is_ignored(number) && !(number == SIGHUP && reloads))) {
            sigaddset(&the_host.stops, number);
            status = handle(number, on_stop);
        }
    }
    return status;
}

apr_status_t host_run(int as_service, int (*body)(void *context), int (*is_final)(int code),
                      void *context, int *code)
{
    (void)is_final;
    if (as_service) {
        return APR_ENOTIMPL;
    }
    main_thread_begin();
    *code = body(context);
    return APR_SUCCESS;
}

apr_status_t host_start(host_t **host, int reloads, apr_pool_t *pool)
{
    assert(is_main_thread());

    apr_status_t status;

    (void)pool;
    notify_open();
    status = open_pipe(the_host.events);
    sigemptyset(&the_host.signals);
    sigaddset(&the_host.signals, SIGTERM);
    sigaddset(&the_host.signals, SIGINT);
    sigaddset(&the_host.signals, SIGUSR1);
    sigaddset(&the_host.signals, SIGHUP);
    if (status == APR_SUCCESS) {
        /* Threads inherit the mask, so that only the main thread, once it waits, is ever
         * interrupted. */
        status = pthread_sigmask(SIG_BLOCK, &the_host.signals, NULL);
    }
    if (status == APR_SUCCESS) {
        status = handle_stops(reloads);
    }
    if (status == APR_SUCCESS) {
        status = handle(SIGUSR1, on_report);
    }
    if (status == APR_SUCCESS && reloads) {
        status = handle(SIGHUP, on_reload);
    }
    host_ignore_hang_ups();
    *host = &the_host;
    return status;
}

apr_status_t host_ready(host_t *host)
{
    assert(is_main_thread());

    apr_status_t status;

    stop_unblock(NULL);
    status = host->takeover != NULL ? host->takeover->tell_ready() : APR_SUCCESS;
    if (status == APR_SUCCESS) {
        host->next_look = clock_now() + notify_interval();
        notify_ready();
    }
    return status;
}

void host_reloading(host_t *host)
{
    assert(is_main_thread());

    char assignments[64];

    (void)host;
    apr_snprintf(assignments, sizeof assignments, "RELOADING=1\nMONOTONIC_USEC=%" APR_TIME_T_FMT,
                 clock_now());
    notify_send(assignments);
}

void host_reloaded(host_t *host)
{
    assert(is_main_thread());
    (void)host;
    notify_ready();
}

void host_stopping(host_t *host, apr_interval_time_t duration)
{
    assert(is_main_thread());

    char assignments[64];

    (void)host;
    if (duration == 0) {
        notify_send("STOPPING=1");
        return;
    }
    apr_snprintf(assignments, sizeof assignments,
                 "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" APR_TIME_T_FMT, duration + END_US);
    notify_send(assignments);
}

void host_set_lame_duck(host_t *host, apr_interval_time_t duration)
{
    assert(is_main_thread());
    if (host->lame_duck_until == 0) {
        host->lame_duck_us = duration;
        host->has_lame_duck = duration > 0;
    }
}

void host_tell(host_t *host, const char *status, int is_alive)
{
    assert(is_main_thread());
    assert(strlen(status) <= 100);

    char assignments[128];

    (void)host;
    apr_snprintf(assignments, sizeof assignments, "STATUS=%s%s", status,
                 is_alive ? "\nWATCHDOG=1" : "");
    notify_send(assignments);
}

/* Milliseconds until this time of clock_now(). */
static int until(apr_time_t time)
{
    apr_interval_time_t left = time - clock_now();

    return left > 0 ? (int)((left + 999) / 1000) : 0;
}

/* Milliseconds until it is time for a look; -1: there is none. */
static int until_look(const host_t *host)
{
    return notify_interval() == 0 ? -1 : until(host->next_look);
}

/* Milliseconds until the lame-duck time is over; -1: there is none. */
static int until_drained(const host_t *host)
{
    return host->lame_duck_until == 0 ? -1 : until(host->lame_duck_until);
}

/* Returns 0 if it lasts, or if a second request to end is on its way. */
static int ends_lame_duck(host_t *host)
{
    sigset_t before;

    if (host->lame_duck_until == 0 || clock_now() < host->lame_duck_until) {
        return 0;
    }
    host->lame_duck_until = 0;
    pthread_sigmask(SIG_BLOCK, &host->stops, &before);
    int is_first = !stop_is_asked();

    if (is_first) {
        begin_stop();
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_first;
}

static int is_time_to_look(host_t *host)
{
    apr_time_t now = clock_now();

    if (notify_interval() == 0 || now < host->next_look) {
        return 0;
    }
    host->next_look = now + notify_interval();
    return 1;
}

/* The shorter of two times to wait, of which -1 is without limit. */
static int sooner(int one, int other)
{
    return one < 0 || (other >= 0 && other < one) ? other : one;
}

/* Returns 0 if there is none. */
static int take_unwritten(host_event_t *event)
{
    for (int i = 0; i <= HOST_FINISHED; i++) {
        if (pending[i] == NOT_WRITTEN) {
            pending[i] = NOT_PENDING;
            *event = (host_event_t)i;
            return 1;
        }
    }
    return 0;
}

/* Waits, and returns non-zero if there is an event then. */
static int next_event(host_t *host, host_event_t *event)
{
    if (take_unwritten(event)) {
        return 1;
    }
    const takeover_t *takeover = host->takeover;
    struct pollfd waited[] = {
        {.fd = host->events[0], .events = POLLIN},
        {.fd = takeover != NULL ? takeover->descriptor() : -1, .events = POLLIN}};
    int timeout = takeover != NULL ? takeover->timeout() : -1;
    int ready = poll(waited, 2, sooner(sooner(until_look(host), until_drained(host)), timeout));
    int error = errno;
    unsigned char byte;

    /* If poll(2) fails each time, a request to stop is still noticed. */
    if ((ready < 0 || waited[0].revents != 0) && read(host->events[0], &byte, 1) == 1 &&
        byte <= HOST_FINISHED) {
        pending[byte] = NOT_PENDING;
        *event = (host_event_t)byte;
        return 1;
    }
    /* Also after SIGSTOP and SIGCONT: everything that arrived is read before anything is judged
     * late. */
    if (ready < 0 && error == EINTR) {
        return 0;
    }
    if (takeover != NULL && ready > 0 && waited[1].revents != 0 && takeover->take_event(event)) {
        return 1;
    }
    if (takeover != NULL && takeover->gives_up()) {
        *event = HOST_GAVE_UP;
        return 1;
    }
    if (ends_lame_duck(host)) {
        *event = HOST_STOP;
        return 1;
    }
    if (is_time_to_look(host)) {
        *event = HOST_LOOK;
        return 1;
    }
    /* What is ready and cannot be taken is ready again at once. */
    if (ready != 0) {
        clock_pause(READ_PAUSE_US);
    }
    return 0;
}

void host_watch(const takeover_t *takeover)
{
    assert(is_main_thread());
    the_host.takeover = takeover;
}

host_event_t host_wait(host_t *host)
{
    assert(is_main_thread());

    host_event_t event;

    /* They stay open: a main thread that is held up elsewhere, by a log that nobody reads, must
     * still hear a user who asks twice. */
    pthread_sigmask(SIG_UNBLOCK, &host->signals, NULL);
    while (!next_event(host, &event)) {
    }
    if (event == HOST_LAME_DUCK) {
        host->lame_duck_until = clock_now() + host->lame_duck_us;
    } else if (event == HOST_STOP || event == HOST_HANDED_OVER) {
        host->lame_duck_until = 0;
    }
    return event;
}

int host_pause(apr_interval_time_t duration)
{
    assert(is_main_thread());

    sigset_t before;

    stop_unblock(&before);
    if (!stop_is_asked()) {
        clock_pause(duration);
    }
    stop_block(&before);
    notify_alive();
    return !stop_is_asked();
}

void host_work_on(void)
{
    assert(is_main_thread());
    notify_alive();
}

/* Which nobody can have started this process to ignore. */
void host_stop(host_t *host)
{
    (void)host;
    kill(getpid(), SIGTERM);
}

void host_finish(host_t *host)
{
    (void)host;
    put_event(HOST_FINISHED);
    /* No signal comes with it, so nothing else need end the wait of the main thread. */
    while (pending[HOST_FINISHED] == NOT_WRITTEN) {
        clock_pause(READ_PAUSE_US);
        put_event(HOST_FINISHED);
    }
}
