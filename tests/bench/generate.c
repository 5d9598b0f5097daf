/*
 * Clients that measure an echo server of this host:
 *     generate ADDRESS PORT CLIENTS WINDOW SIZE HOW [numbered|same PACKET]
 * Each line of standard input is a number of milliseconds, for which every client, on a port of its
 * own, sends WINDOW datagrams of SIZE bytes, waits for the answers, and begins again. HOW they are
 * sent:
 *     bursts       a client sends all of its own, then the next client does
 *     interleaved  each client sends one, then each the next
 *     segments     as bursts, as one message that the kernel cuts (UDP_SEGMENT), and answers are
 *                  taken as the kernel puts them together (UDP_GRO)
 * PACKET, in hexadecimal, is what all datagrams begin with, but for a number in the first four
 * bytes; or all are the same. Of their answers only the length is looked at.
 *
 * The answer is a line of numbers: datagrams that came back as they were sent; that did not come
 * back within a second; that came back as something else; that were another client's; that came
 * twice or too late; and the median time, in nanoseconds, from the first datagram that is sent to
 * the last that comes back before all clients begin again.
 */

#define _GNU_SOURCE /* for getaddrinfo and clocks */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "clients.h"

/* How long passes took, of those that there is room for. */
static int64_t passes_ns[1 << 16];
static size_t pass_count;

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static struct addrinfo *read_server(const char *address, const char *port)
{
    struct addrinfo *server,
        hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};
    int error = getaddrinfo(address, port, &hints, &server);

    if (error != 0) {
        fprintf(stderr, "generate: %s %s: %s\n", address, port, gai_strerror(error));
        exit(1);
    }
    return server;
}

static unsigned number_of(const char *text, unsigned least, unsigned most)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (end == text || (*end != '\0' && *end != '\n') || number < least || number > most) {
        fprintf(stderr, "generate: %s: expected a number from %u to %u\n", text, least, most);
        exit(1);
    }
    return (unsigned)number;
}

static manner_t read_manner(const char *text)
{
    static const char *const names[] = {
        [BURSTS] = "bursts", [INTERLEAVED] = "interleaved", [SEGMENTS] = "segments"};

    for (manner_t manner = BURSTS; manner <= SEGMENTS; manner++) {
        if (strcmp(text, names[manner]) == 0) {
            return manner;
        }
    }
    fprintf(stderr, "generate: %s: expected bursts, interleaved or segments\n", text);
    exit(1);
}

/* The bytes that the hexadecimal digits say; their number becomes `length`. */
static unsigned char *read_packet(const char *text, size_t *length)
{
    unsigned char *packet = calloc(strlen(text) / 2 + 1, 1);

    if (packet == NULL) {
        fail("calloc");
    }
    *length = 0;
    for (const char *digits = text; *digits != '\0'; digits += 2) {
        char pair[] = {digits[0], digits[1], '\0'};
        char *end;

        packet[(*length)++] = (unsigned char)strtoul(pair, &end, 16);
        if (end != pair + 2) {
            fprintf(stderr, "generate: %s: expected pairs of hexadecimal digits\n", text);
            exit(1);
        }
    }
    return packet;
}

static void set_up(char **arguments, int has_packet)
{
    unsigned size = number_of(arguments[5], PAYLOAD_MIN, PAYLOAD_MAX);

    clients_set_up(read_manner(arguments[6]), number_of(arguments[4], 1, WINDOW_MAX), size);
    if (has_packet) {
        size_t length;
        unsigned char *packet = read_packet(arguments[8], &length);

        clients_send_packet(packet, length, strcmp(arguments[7], "numbered") == 0);
        free(packet);
    }
}

static void make_pass(client_t *clients, unsigned count)
{
    int64_t begin = now_ns();

    clients_send(clients, count);
    clients_receive(clients, count);
    if (pass_count < sizeof passes_ns / sizeof passes_ns[0]) {
        passes_ns[pass_count++] = now_ns() - begin;
    }
}

static int compare_times(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

static void take_turn(client_t *clients, unsigned count, int64_t milliseconds)
{
    int64_t end = now_ns() + milliseconds * 1000000;

    memset(&outcome, 0, sizeof outcome);
    pass_count = 0;
    while (now_ns() < end) {
        make_pass(clients, count);
    }
    qsort(passes_ns, pass_count, sizeof passes_ns[0], compare_times);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 "\n",
           outcome.echoed, outcome.lost, outcome.changed, outcome.misdelivered, outcome.again,
           passes_ns[pass_count / 2]);
    fflush(stdout);
}

int main(int count, char **arguments)
{
    if (count != 7 && count != 9) {
        fputs("usage: generate ADDRESS PORT CLIENTS WINDOW SIZE HOW [numbered|same PACKET]\n",
              stderr);
        return 1;
    }
    struct addrinfo *server = read_server(arguments[1], arguments[2]);
    unsigned client_count = number_of(arguments[3], 1, 1000);
    client_t *clients = calloc(client_count, sizeof *clients);
    char line[32];

    if (clients == NULL) {
        fail("calloc");
    }
    set_up(arguments, count == 9);
    clients_open(clients, client_count, server);
    while (fgets(line, sizeof line, stdin) != NULL) {
        take_turn(clients, client_count, number_of(line, 1, 60000));
    }
    free(clients);
    freeaddrinfo(server);
    return 0;
}
