#include "os/posix/notify.h"

#include <apr_strings.h>
#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/main_thread.h"
#include "os/posix/descriptors.h"
#include "os/posix/stop.h"
#include "udpecho/clock.h"

/* How often to tell of the rate where no watchdog waits, and how often before one bites. */
#define STATUS_INTERVAL_US (5 * APR_USEC_PER_SEC)
#define WATCHDOG_LOOKS     4

#define CONNECT_ATTEMPTS 3

/* A longer wait is made of parts of this length, between which a request to end is heard. */
#define PART_MS 100

static int manager = -1; /* the socket */
static int is_stuck;     /* it had no room the last time */
static int owes_ready;   /* it has not heard READY=1 yet, which it waits for */
static apr_interval_time_t interval_us;
static apr_interval_time_t watchdog_us; /* its patience; 0: there is none */
static apr_time_t next_alive;           /* when to tell it from within something long */

/* Returns a socket, or -1. A name that begins with @ is none of a file (unix(7)). */
static int connect_to(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    int descriptor;

    if (length >= sizeof address.sun_path) {
        return -1;
    }
    memcpy(address.sun_path, name, length);
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    descriptor = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (descriptor >= 0 &&
        (fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0 ||
         fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0 ||
         connect(descriptor, (struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) != 0)) {
        close(descriptor);
        descriptor = -1;
    }
    return descriptor;
}

/* The watchdog's patience, microseconds; 0: there is none, or it is another process's. */
static apr_interval_time_t watchdog_patience(void)
{
    const char *patience = getenv("WATCHDOG_USEC");
    const char *process = getenv("WATCHDOG_PID");

    if (patience == NULL || (process != NULL && apr_atoi64(process) != getpid())) {
        return 0;
    }
    return apr_atoi64(patience);
}

void notify_open(void)
{
    assert(is_main_thread());

    const char *name = getenv("NOTIFY_SOCKET");

    for (unsigned i = 0; name != NULL && manager < 0 && i < CONNECT_ATTEMPTS; i++) {
        manager = connect_to(name); /* for a moment the system may be short of something */
    }
    if (manager >= 0) {
        watchdog_us = watchdog_patience();
        interval_us = watchdog_us > 0 ? watchdog_us / WATCHDOG_LOOKS : STATUS_INTERVAL_US;
        next_alive = clock_now() + interval_us;
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

/* Waits for a manager that is slow, once: one that hangs must not hold this process up. */
static int has_room(int patience_ms)
{
    struct pollfd waited = {.fd = manager, .events = POLLOUT};
    int left = !is_stuck || patience_ms >= NOTIFY_READY_MS ? patience_ms : 0;

    do {
        is_stuck = poll(&waited, 1, left < PART_MS ? left : PART_MS) == 0;
        left -= PART_MS;
    } while (is_stuck && left > 0 && !stop_is_asked());
    return !is_stuck;
}

static int is_sent(const char *assignments, int patience_ms)
{
    return manager >= 0 && has_room(patience_ms) &&
           write(manager, assignments, strlen(assignments)) >= 0;
}

void notify_ready(void)
{
    assert(is_main_thread());
    owes_ready = !is_sent("READY=1", NOTIFY_READY_MS);
}

void notify_send(const char *assignments)
{
    assert(is_main_thread());
    if (owes_ready) {
        owes_ready = !is_sent("READY=1", NOTIFY_PATIENCE_MS);
    }
    (void)is_sent(assignments, NOTIFY_PATIENCE_MS); /* there is nobody to tell of an error */
}

void notify_alive(void)
{
    assert(is_main_thread());
    if (watchdog_us > 0 && clock_now() >= next_alive) {
        next_alive = clock_now() + interval_us;
        notify_send("WATCHDOG=1");
    }
}

int notify_is_open(void)
{
    return manager >= 0;
}

apr_status_t notify_send_descriptors(const char *assignments, const int *descriptors,
                                     unsigned count)
{
    assert(is_main_thread());
    if (manager < 0) {
        return APR_SUCCESS;
    }
    return has_room(NOTIFY_PATIENCE_MS)
               ? descriptors_send(manager, assignments, strlen(assignments), descriptors, count)
               : APR_TIMEUP;
}

apr_interval_time_t notify_interval(void)
{
    return interval_us;
}
