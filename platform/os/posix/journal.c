/* systemd's journal takes what a service writes to standard error, and from each line the level, if
 * it begins with it (sd-daemon(3)). */

#include "os/main_thread.h"
#include "udpecho/clock.h"
#include "udpecho/host.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long to wait before trying again where standard error is full in the middle of a line. */
#define FULL_PAUSE_US 10000

/* JOURNAL_STREAM tells which file is the journal's, since a process that inherits the variable may
 * have another standard error (systemd.exec(5)). */
static int is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat file;
    char name[64];

    if (stream == NULL || fstat(STDERR_FILENO, &file) != 0) {
        return 0;
    }
    snprintf(name, sizeof name, "%llu:%llu", (unsigned long long)file.st_dev,
             (unsigned long long)file.st_ino);
    return strcmp(stream, name) == 0;
}

static int has_room(int timeout_ms)
{
    struct pollfd waited = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&waited, 1, timeout_ms) != 0;
}

static apr_status_t write_all(const char *bytes, apr_size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, length);

        if (written >= 0) {
            bytes += written;
            length -= (apr_size_t)written;
        } else if (errno == EAGAIN) {
            clock_pause(FULL_PAUSE_US);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t write_line(void *context, log_level_t level, const char *line,
                               apr_size_t length, apr_interval_time_t timeout)
{
    static const char prefixes[][4] = {
        [LOG_LEVEL_ERROR] = "<3>",
        [LOG_LEVEL_WARNING] = "<4>",
        [LOG_LEVEL_INFO] = "<6>",
        [LOG_LEVEL_DEBUG] = "<7>",
    };

    (void)context;
    if (!has_room((int)(timeout / 1000))) {
        return APR_TIMEUP;
    }
    apr_status_t status = write_all(prefixes[level], 3);

    return status == APR_SUCCESS ? write_all(line, length) : status;
}

const log_sink_t *host_log(void)
{
    assert(is_main_thread());

    static const log_sink_t sink = {write_line, NULL};

    return is_journal() ? &sink : NULL;
}
