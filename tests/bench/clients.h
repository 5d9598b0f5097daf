/* Clients of an echo server, each with a socket of its own, and what becomes of their datagrams. */

#ifndef UDPECHO_BENCH_CLIENTS_H
#define UDPECHO_BENCH_CLIENTS_H

#include <netdb.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_MAX  64 /* bits of `missing` */
#define PAYLOAD_MAX 65507

/* A datagram begins with its number. */
#define PAYLOAD_MIN 8

/* How datagrams are sent; generate.c says what the words mean. */
typedef enum { BURSTS, INTERLEAVED, SEGMENTS } manner_t;

/* Counts of datagrams since the reader last set them to 0. */
typedef struct {
    uint64_t echoed;       /* came back as they were sent */
    uint64_t lost;         /* did not come back within a second */
    uint64_t changed;      /* came back as something else */
    uint64_t misdelivered; /* were another client's */
    uint64_t again;        /* came twice, or too late */
} outcome_t;

extern outcome_t outcome;

typedef struct {
    int descriptor;
    uint64_t first;   /* the number of the first datagram that is out */
    uint64_t missing; /* a bit for each of them */
} client_t;

/* Prints what could not be done, and the system's reason, and ends the program. */
_Noreturn void fail(const char *what);

/* To be called first: every client will send `window` datagrams of `size` bytes this way. */
void clients_set_up(manner_t manner, unsigned window, unsigned size);

/* Then has every datagram begin with this packet, of which what comes back has the length only; its
 * first four bytes are a number that counts up, if it is_numbered. */
void clients_send_packet(const unsigned char *packet, size_t length, int is_numbered);

/* Opens the `count` clients of a server. */
void clients_open(client_t *clients, unsigned count, const struct addrinfo *server);

/* Every client sends its window. */
void clients_send(client_t *clients, unsigned count);

/* Every client receives what it has sent, or has waited for it for a second. */
void clients_receive(client_t *clients, unsigned count);

#endif
