#include "source_ports.h"

#include <apr_lib.h>
#include <stdatomic.h>
#include <string.h>

/* ssdp, nfs, ws-discovery, mdns, llmnr, memcached */
static const apr_port_t throttled[] = {1900, 2049, 3702, 5353, 5355, 11211};

#define THROTTLED_PORTS (sizeof throttled / sizeof throttled[0])
#define TOKEN_US        (APR_USEC_PER_SEC / THROTTLED_PER_SECOND)

enum { ANSWERED, REFUSED, THROTTLED }; /* THROTTLED + an index of `throttled` */

struct source_ports {
    unsigned char kind[65536];
    _Atomic apr_time_t full_at[THROTTLED_PORTS]; /* when the port's bucket will be full */
};

static int read_port(const char **text, unsigned *port)
{
    const char *start = *text;

    for (*port = 0; apr_isdigit(**text) && *port <= 65535; ++*text) {
        *port = *port * 10 + (unsigned)(**text - '0');
    }
    return *text > start && *port <= 65535;
}

/* Returns 0 if the text is no list of ports and ranges. */
static int refuse_list(source_ports_t *ports, const char *text)
{
    do {
        unsigned first;
        unsigned last;

        if (!read_port(&text, &first)) {
            return 0;
        }
        last = first;
        if (*text == '-') {
            text++;
            if (!read_port(&text, &last) || last < first) {
                return 0;
            }
        }
        memset(ports->kind + first, REFUSED, last - first + 1);
    } while (*text++ == ',');
    return text[-1] == '\0';
}

const char *source_ports_create(source_ports_t **created, const char *list, apr_pool_t *pool)
{
    source_ports_t *ports = apr_pcalloc(pool, sizeof *ports);

    *created = ports;
    ports->kind[0] = REFUSED;
    if (strcmp(list, "none") == 0) {
        return NULL;
    }
    for (unsigned i = 0; i < THROTTLED_PORTS; i++) {
        ports->kind[throttled[i]] = (unsigned char)(THROTTLED + i);
    }
    if (strcmp(list, "below-1024") == 0) {
        list = "0-1023";
    }
    return refuse_list(ports, list)
               ? NULL
               : "ports and ranges from 0 to 65535 (7,9,1000-1010), below-1024 or none";
}

int source_ports_refuse(const source_ports_t *ports, apr_port_t port)
{
    return ports->kind[port] == REFUSED;
}

static int take_token(_Atomic apr_time_t *full_at, apr_time_t now)
{
    apr_time_t before = atomic_load_explicit(full_at, memory_order_relaxed);
    apr_time_t after;

    do {
        after = (before > now ? before : now) + TOKEN_US;
        if (after - now > THROTTLED_PER_SECOND * TOKEN_US) {
            return 0;
        }
    } while (!atomic_compare_exchange_weak_explicit(full_at, &before, after, memory_order_relaxed,
                                                    memory_order_relaxed));
    return 1;
}

int source_ports_throttle(source_ports_t *ports, apr_port_t port, apr_time_t now)
{
    unsigned kind = ports->kind[port];

    return kind >= THROTTLED && !take_token(&ports->full_at[kind - THROTTLED], now);
}
