/* The processors of a process on Linux: those it may run on, and how much of them it may use. */

#include "os/linux/processors.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "udpecho/machine.h"

#define PATH_ROOM 4096
#define LINE_ROOM 64

/* ---- Control groups ---- */

/* Reads the first line of a file of a group; returns where it starts, or NULL. */
static const char *read_line(char line[LINE_ROOM], const char *group, const char *name)
{
    char path[PATH_ROOM];

    if (snprintf(path, sizeof path, "%s/%s", group, name) >= (int)sizeof path) {
        return NULL;
    }
    FILE *file = fopen(path, "re");
    const char *read = file != NULL ? fgets(line, LINE_ROOM, file) : NULL;

    if (file != NULL) {
        fclose(file);
    }
    return read;
}

/* Reads a number and moves behind it; 0, which is no limit, if there is none. */
static long long take_number(const char **text)
{
    char *end;
    long long number = strtoll(*text, &end, 10);

    *text = end;
    return number;
}

/* The two numbers of cpu.max are "QUOTA PERIOD" or "max PERIOD" (cgroup v2). */
static int read_limit_v2(const char *group, long long *quota, long long *period)
{
    char line[LINE_ROOM];
    const char *text = read_line(line, group, "cpu.max");

    if (text == NULL) {
        return 0;
    }
    *quota = take_number(&text);
    *period = take_number(&text);
    return 1;
}

static int read_number(const char *group, const char *name, long long *number)
{
    char line[LINE_ROOM];
    const char *text = read_line(line, group, name);

    if (text != NULL) {
        *number = take_number(&text);
    }
    return text != NULL;
}

/* Version 1 has -1 for no quota. */
static int read_limit(const char *group, long long *quota, long long *period)
{
    return read_limit_v2(group, quota, period) || (read_number(group, "cpu.cfs_quota_us", quota) &&
                                                   read_number(group, "cpu.cfs_period_us", period));
}

/* The tightest limit of a group and those that it is in: `path` below `mount`, which is cut. */
static unsigned tightest(char *path, size_t mount)
{
    unsigned processors = 0;

    for (;;) {
        long long quota, period;

        if (read_limit(path, &quota, &period) && quota > 0 && period > 0) {
            unsigned allowed = (unsigned)((quota + period - 1) / period);

            processors = processors == 0 || allowed < processors ? allowed : processors;
        }
        char *end = strrchr(path + mount, '/');

        if (end == NULL) {
            return processors;
        }
        *end = '\0';
    }
}

static int names_processors(const char *controllers, size_t length)
{
    for (const char *next = controllers; next < controllers + length;) {
        size_t word = strcspn(next, ",:");

        if (word == 3 && strncmp(next, "cpu", 3) == 0) {
            return 1;
        }
        next += word + 1;
    }
    return 0;
}

/* One line is HIERARCHY:CONTROLLERS:PATH. Version 2 has no controllers there. */
static unsigned processors_of_line(const char *line, const char *root)
{
    char path[PATH_ROOM];
    const char *controllers = strchr(line, ':');
    const char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;

    if (group == NULL) {
        return 0;
    }
    size_t length = (size_t)(group - ++controllers);
    size_t mount = strlen(root);

    if (length > 0 && !names_processors(controllers, length)) {
        return 0;
    }
    mount += length > 0 ? strlen("/cpu") : 0;
    if (snprintf(path, sizeof path, "%s%s%s", root, length > 0 ? "/cpu" : "", group + 1) >=
        (int)sizeof path) {
        return 0;
    }
    return tightest(path, mount);
}

unsigned processors_of_groups(const char *list, const char *root)
{
    char line[PATH_ROOM];
    unsigned processors = 0;
    FILE *file = fopen(list, "re");

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        unsigned allowed = processors_of_line(line, root);

        if (allowed > 0 && (processors == 0 || allowed < processors)) {
            processors = allowed;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return processors;
}

/* ---- The host's ---- */

unsigned host_processors(void)
{
    cpu_set_t allowed;
    unsigned groups = processors_of_groups("/proc/self/cgroup", "/sys/fs/cgroup");
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned processors = online > 0 ? (unsigned)online : 1;

    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        processors = (unsigned)CPU_COUNT(&allowed);
    }
    return groups > 0 && groups < processors ? groups : processors;
}

apr_status_t host_pin(unsigned number)
{
    cpu_set_t allowed;
    cpu_set_t one;
    unsigned count;

    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return errno;
    }
    count = (unsigned)CPU_COUNT(&allowed);
    CPU_ZERO(&one);
    for (unsigned processor = 0, left = number % count; processor < CPU_SETSIZE; processor++) {
        if (CPU_ISSET(processor, &allowed) && left-- == 0) {
            CPU_SET(processor, &one);
            break;
        }
    }
    return pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}
