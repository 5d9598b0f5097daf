#include "core/source_ports.h"

#include <string.h>

#include "core/token_bucket.h"

/* ssdp, nfs, ws-discovery, mdns, llmnr, memcached */
static const apr_port_t throttled[] = {1900, 2049, 3702, 5353, 5355, 11211};

#define THROTTLED_PORTS (sizeof throttled / sizeof throttled[0])

enum { ANSWERED, REFUSED, THROTTLED }; /* THROTTLED + an index of `throttled` */

struct source_ports {
    unsigned char kind[65536];
    token_bucket_t *answers[THROTTLED_PORTS];
};

static int read_port(const char **text, unsigned *port)
{
    const char *start = *text;

    for (*port = 0; **text >= '0' && **text <= '9' && *port <= 65535; ++*text) {
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
        ports->answers[i] = token_bucket_create(THROTTLED_PER_SECOND, 0, pool);
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

int source_ports_throttle(source_ports_t *ports, apr_port_t port, apr_time_t now)
{
    unsigned kind = ports->kind[port];

    if (kind < THROTTLED) {
        return 0;
    }
    /* With so few a second, no worker holds an allowance back. */
    token_hand_t hand = {.bucket = ports->answers[kind - THROTTLED]};

    return !token_hand_take(&hand, 1, now);
}
