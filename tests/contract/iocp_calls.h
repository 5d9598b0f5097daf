#ifndef UDPECHO_IOCP_CALLS_H
#define UDPECHO_IOCP_CALLS_H

/*
 * A kernel that fails, below the real transport of Windows: linked in place of
 * platform/iocp/calls.c, its calls fail on demand, and else do the same over the loopback.
 */

#include "fixture.h"

#include <limits.h>
#include <stdatomic.h>

#include "iocp/iocp.h"

#define FOR_EVER UINT_MAX

typedef struct fault {
    int error;
    unsigned spared; /* calls before the first that fails */
    unsigned times;
    apr_port_t port; /* of the listener on which it fails; 0: on all */
} fault_t;

extern fault_t on_post;
extern fault_t on_completion; /* of a receive */
extern fault_t on_send;
extern DWORD on_arrival; /* what is told of each datagram: MSG_BCAST, MSG_MCAST */
extern fault_t on_reply; /* on its completion */
extern fault_t on_take;  /* on a wait for the port, by any thread */
extern fault_t on_wake;

/* The kernel keeps the replies that it is given, each until release_reply(), the last one first. */
extern int are_replies_held;
void release_reply(void);

/*
 * A kernel that knows USO and URO, where `has_offloads`: it takes the options of UDP, cuts messages
 * apart that say so, and tells of each message that it received that it put it together of
 * datagrams of `coalesced` bytes; 0: it does not.
 */
extern int has_offloads;
extern DWORD coalesced;
extern DWORD coalesced_max;  /* as it was asked for last */
extern fault_t on_cut;       /* on a message that is to be cut apart */
extern fault_t on_cut_later; /* on its completion: WSAEINVAL, whatever `error` says */

/* The messages that were cut apart. */
typedef struct cut {
    unsigned parts;
    DWORD segment;
    apr_size_t length;
    int has_source; /* it says which address to leave from */
} cut_t;

extern cut_t cuts[16];
extern unsigned cut_count;

extern atomic_int posted; /* receives that the kernel has */
extern atomic_uint posts; /* calls to post one */
extern SOCKET last_socket;

/* A fixture on 127.0.0.1 with no fault in force, for payloads of up to 1,000 bytes. */
fixture_t *open_without_faults(void);

/* The same with a kernel that knows USO and URO. */
fixture_t *open_with_offloads(const char *address, apr_size_t payload_max);

/* A look finds nothing. It leaves all receives posted. */
void assert_nothing_waits(fixture_t *fixture);

#endif
