#define _GNU_SOURCE /* for recvmmsg */

#include "clients.h"

#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define PATTERN      251 /* different datagrams begin at different bytes of it */
#define CLIENT_SHIFT 40  /* a datagram's number begins with its client's */
#define PATIENCE_S   1

static manner_t how;
static unsigned window, size;
static unsigned char pattern[PAYLOAD_MAX + PATTERN];
static int sends_packet, numbers_packet;

/* A datagram is its number, then the pattern; a packet, its number, then the rest of it. */
static uint64_t numbers[WINDOW_MAX];
static uint32_t packet_number;
static struct iovec sent_parts[WINDOW_MAX][2];
static struct mmsghdr sent[WINDOW_MAX];
static unsigned char answers[WINDOW_MAX][PAYLOAD_MAX + 1];
static struct iovec answer_parts[WINDOW_MAX];
static struct mmsghdr received[WINDOW_MAX];

/* Room for one control message: the length of the segments. */
struct control {
    _Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(int))];
};
static struct control answer_controls[WINDOW_MAX];

outcome_t outcome;

_Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

void clients_set_up(manner_t manner, unsigned datagrams, unsigned bytes)
{
    how = manner;
    window = datagrams;
    size = bytes;
    for (unsigned i = 0; i < sizeof pattern; i++) {
        pattern[i] = (unsigned char)(i * 167 >> 3);
    }
    for (unsigned i = 0; i < window; i++) {
        sent_parts[i][0] = (struct iovec){&numbers[i], sizeof numbers[i]};
        sent[i].msg_hdr = (struct msghdr){.msg_iov = sent_parts[i], .msg_iovlen = 2};
        answer_parts[i] = (struct iovec){answers[i], sizeof answers[i]};
        received[i].msg_hdr = (struct msghdr){
            .msg_iov = &answer_parts[i], .msg_iovlen = 1, .msg_control = &answer_controls[i]};
    }
}

void clients_send_packet(const unsigned char *packet, size_t length, int is_numbered)
{
    memset(pattern, 0, sizeof pattern);
    memcpy(pattern, packet, length);
    sends_packet = 1;
    numbers_packet = is_numbered;
    memcpy(&packet_number, packet, sizeof packet_number);
}

/* Asks for a buffer into which all answers fit, that nothing is lost here. */
static int open_client(const struct addrinfo *server)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int coalesce = how == SEGMENTS, buffer_size = 4 << 20;
    int descriptor = socket(server->ai_family, SOCK_DGRAM, 0);

    if (descriptor < 0 || connect(descriptor, server->ai_addr, server->ai_addrlen) < 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer_size, sizeof buffer_size) < 0 ||
        setsockopt(descriptor, SOL_UDP, UDP_GRO, &coalesce, sizeof coalesce) < 0) {
        fail("socket");
    }
    return descriptor;
}

void clients_open(client_t *clients, unsigned count, const struct addrinfo *server)
{
    for (unsigned i = 0; i < count; i++) {
        clients[i].descriptor = open_client(server);
        clients[i].first = (uint64_t)i << CLIENT_SHIFT;
    }
}

static void begin_window(client_t *client)
{
    client->first += window;
    client->missing = window < WINDOW_MAX ? (UINT64_C(1) << window) - 1 : UINT64_MAX;
}

static void compose_packet(unsigned place)
{
    packet_number += (uint32_t)numbers_packet;
    memcpy(&numbers[place], &packet_number, sizeof packet_number);
    sent_parts[place][0].iov_len = sizeof packet_number;
    sent_parts[place][1] =
        (struct iovec){pattern + sizeof packet_number, size - sizeof packet_number};
}

/* Makes the message at this place of the window the client's. */
static void compose(const client_t *client, unsigned place)
{
    if (sends_packet) {
        compose_packet(place);
        return;
    }
    numbers[place] = client->first + place;
    sent_parts[place][1] =
        (struct iovec){pattern + numbers[place] % PATTERN, size - sizeof numbers[place]};
}

static void send_composed(const client_t *client, unsigned place, unsigned count)
{
    if (sendmmsg(client->descriptor, sent + place, count, 0) != (int)count) {
        fail("sendmmsg");
    }
}

static void send_segments(const client_t *client)
{
    uint16_t segment = (uint16_t)size;
    struct control room = {{0}};
    struct msghdr message = {.msg_iov = sent_parts[0],
                             .msg_iovlen = 2 * window,
                             .msg_control = &room,
                             .msg_controllen = CMSG_SPACE(sizeof segment)};
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);

    control->cmsg_level = SOL_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(control), &segment, sizeof segment);
    if (sendmsg(client->descriptor, &message, 0) != (ssize_t)size * (ssize_t)window) {
        fail("sendmsg");
    }
}

static void send_window(client_t *client)
{
    begin_window(client);
    for (unsigned i = 0; i < window; i++) {
        compose(client, i);
    }
    if (how == SEGMENTS) {
        send_segments(client);
    } else {
        send_composed(client, 0, window);
    }
}

void clients_send(client_t *clients, unsigned count)
{
    for (unsigned c = 0; c < count; c++) {
        if (how == INTERLEAVED) {
            begin_window(&clients[c]);
        } else {
            send_window(&clients[c]);
        }
    }
    for (unsigned i = 0; how == INTERLEAVED && i < window; i++) {
        for (unsigned c = 0; c < count; c++) {
            compose(&clients[c], i);
            send_composed(&clients[c], i, 1);
        }
    }
}

/* The reply is not matched to a request. */
static void check_packet(client_t *client, unsigned length)
{
    if (length == size) {
        client->missing &= client->missing - 1;
        outcome.echoed++;
    } else {
        outcome.changed++;
    }
}

static void check_answer(client_t *client, const unsigned char *answer, unsigned length)
{
    uint64_t number;

    if (sends_packet) {
        check_packet(client, length);
        return;
    }

    memcpy(&number, answer, sizeof number);
    uint64_t place = number - client->first;
    int expected = place < window && (client->missing >> place & 1) != 0;

    if (expected) {
        client->missing &= ~(UINT64_C(1) << place);
    }
    if (length != size ||
        memcmp(answer + sizeof number, pattern + number % PATTERN, size - sizeof number) != 0) {
        outcome.changed++;
    } else if (expected) {
        outcome.echoed++;
    } else if (number >> CLIENT_SHIFT == client->first >> CLIENT_SHIFT) {
        outcome.again++;
    } else {
        outcome.misdelivered++;
    }
}

/* Checks each datagram of a message. */
static void check_message(client_t *client, struct mmsghdr *message)
{
    const unsigned char *answer = message->msg_hdr.msg_iov->iov_base;
    struct cmsghdr *control = CMSG_FIRSTHDR(&message->msg_hdr);
    int segment = (int)message->msg_len;
    unsigned left = message->msg_len;

    if (control != NULL && control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO) {
        memcpy(&segment, CMSG_DATA(control), sizeof segment);
    }
    do {
        unsigned length = left < (unsigned)segment ? left : (unsigned)segment;

        check_answer(client, answer, length);
        answer += length;
        left -= length;
    } while (left > 0);
}

/* Returns how many messages came; at most 0 if none did in time. */
static int receive_messages(const client_t *client, unsigned wanted, int flags)
{
    for (unsigned i = 0; i < wanted; i++) {
        received[i].msg_hdr.msg_controllen = sizeof answer_controls[i];
    }
    return recvmmsg(client->descriptor, received, wanted,
                    flags | (how == SEGMENTS ? MSG_WAITFORONE : 0), NULL);
}

/* Returns the flags for the next client: once one has waited in vain, all have. */
static int receive_window(client_t *client, int flags)
{
    while (client->missing != 0) {
        unsigned wanted = (unsigned)__builtin_popcountll(client->missing);
        int count = receive_messages(client, wanted, flags);

        if (count <= 0) {
            outcome.lost += wanted;
            return MSG_DONTWAIT;
        }
        for (int i = 0; i < count; i++) {
            check_message(client, &received[i]);
        }
    }
    return flags;
}

void clients_receive(client_t *clients, unsigned count)
{
    int flags = 0;

    for (unsigned c = 0; c < count; c++) {
        flags = receive_window(&clients[c], flags);
    }
}
