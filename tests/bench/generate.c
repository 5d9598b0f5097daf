/*
 * Clients that measure an echo server of this host:
 *     generate ADDRESS PORT CLIENTS WINDOW SIZE HOW
 * Each line of standard input is a number of milliseconds, for which every client, on a port of its
 * own, sends WINDOW datagrams of SIZE bytes, waits for the answers, and begins again. HOW they are
 * sent:
 *     bursts       a client sends all of its own, then the next client does
 *     interleaved  each client sends one, then each the next
 *     segments     as bursts, as one message that the kernel cuts (UDP_SEGMENT), and answers are
 *                  taken as the kernel puts them together (UDP_GRO)
 * The answer is a line of numbers: datagrams that came back as they were sent; that did not come
 * back within a second; that came back as something else; that were another client's; that came
 * twice or too late; and the median time, in nanoseconds, from the first datagram that is sent to
 * the last that comes back before all clients begin again.
 */

#define _GNU_SOURCE /* for recvmmsg */

#include <inttypes.h>
#include <netdb.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define WINDOW_MAX  64
#define PAYLOAD_MAX 65507
#define PATTERN     251 /* different datagrams begin at different bytes of it */

static enum { BURSTS, INTERLEAVED, SEGMENTS } how;
static unsigned window, size;
static unsigned char pattern[PAYLOAD_MAX + PATTERN];

#define CLIENT_SHIFT 40 /* a datagram's number begins with its client's */
#define PATIENCE_S   1

/* A datagram is its number, then the pattern. */
static uint64_t numbers[WINDOW_MAX];
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

static struct {
    uint64_t echoed, lost, changed, misdelivered, again;
} result;

/* How long passes took, of those that there is room for. */
static int64_t passes_ns[1 << 16];
static size_t pass_count;

struct client {
    int descriptor;
    uint64_t first;   /* the number of the first datagram that is out */
    uint64_t missing; /* a bit for each of them */
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

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

static void set_up_messages(void)
{
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

static void begin_window(struct client *client)
{
    client->first += window;
    client->missing = ~UINT64_C(0) >> (64 - window);
}

/* Makes the message at this place of the window the client's. */
static void compose(const struct client *client, unsigned place)
{
    numbers[place] = client->first + place;
    sent_parts[place][1] =
        (struct iovec){pattern + numbers[place] % PATTERN, size - sizeof numbers[place]};
}

static void send_composed(const struct client *client, unsigned place, unsigned count)
{
    if (sendmmsg(client->descriptor, sent + place, count, 0) != (int)count) {
        fail("sendmmsg");
    }
}

static void send_segments(const struct client *client)
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
    if (sendmsg(client->descriptor, &message, 0) != (ssize_t)size * window) {
        fail("sendmsg");
    }
}

static void send_window(struct client *client)
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

static void send_windows(struct client *clients, unsigned count)
{
    for (unsigned c = 0; c < count; c++) {
        how == INTERLEAVED ? begin_window(&clients[c]) : send_window(&clients[c]);
    }
    for (unsigned i = 0; how == INTERLEAVED && i < window; i++) {
        for (unsigned c = 0; c < count; c++) {
            compose(&clients[c], i);
            send_composed(&clients[c], i, 1);
        }
    }
}

static void check_answer(struct client *client, const unsigned char *answer, unsigned length)
{
    uint64_t number;

    memcpy(&number, answer, sizeof number);
    uint64_t place = number - client->first;
    int expected = place < window && (client->missing >> place & 1) != 0;

    if (expected) {
        client->missing &= ~(UINT64_C(1) << place);
    }
    if (length != size ||
        memcmp(answer + sizeof number, pattern + number % PATTERN, size - sizeof number) != 0) {
        result.changed++;
    } else if (expected) {
        result.echoed++;
    } else if (number >> CLIENT_SHIFT == client->first >> CLIENT_SHIFT) {
        result.again++;
    } else {
        result.misdelivered++;
    }
}

/* Checks each datagram of a message. */
static void check_message(struct client *client, struct mmsghdr *message)
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
static int receive_messages(const struct client *client, unsigned wanted, int flags)
{
    for (unsigned i = 0; i < wanted; i++) {
        received[i].msg_hdr.msg_controllen = sizeof answer_controls[i];
    }
    return recvmmsg(client->descriptor, received, wanted,
                    flags | (how == SEGMENTS ? MSG_WAITFORONE : 0), NULL);
}

/* Returns the flags for the next client: once one has waited in vain, all have. */
static int receive_window(struct client *client, int flags)
{
    while (client->missing != 0) {
        unsigned wanted = (unsigned)__builtin_popcountll(client->missing);
        int count = receive_messages(client, wanted, flags);

        if (count <= 0) {
            result.lost += wanted;
            return MSG_DONTWAIT;
        }
        for (int i = 0; i < count; i++) {
            check_message(client, &received[i]);
        }
    }
    return flags;
}

/* A number from 1 to `most`. */
static unsigned number_of(const char *text, unsigned most)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (end == text || (*end != '\0' && *end != '\n') || number < 1 || number > most) {
        fprintf(stderr, "generate: %s: expected a number from 1 to %u\n", text, most);
        exit(1);
    }
    return (unsigned)number;
}

static void read_how(const char *text)
{
    static const char *const names[] = {"bursts", "interleaved", "segments"};

    for (how = BURSTS; strcmp(text, names[how]) != 0; how++) {
        if (how == SEGMENTS) {
            fprintf(stderr, "generate: %s: expected bursts, interleaved or segments\n", text);
            exit(1);
        }
    }
}

static void make_pass(struct client *clients, unsigned count)
{
    int64_t begin = now_ns();
    int flags = 0;

    send_windows(clients, count);
    for (unsigned c = 0; c < count; c++) {
        flags = receive_window(&clients[c], flags);
    }
    if (pass_count < sizeof passes_ns / sizeof passes_ns[0]) {
        passes_ns[pass_count++] = now_ns() - begin;
    }
}

static int compare_times(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

static void take_turn(struct client *clients, unsigned count, int64_t milliseconds)
{
    int64_t end = now_ns() + milliseconds * 1000000;

    memset(&result, 0, sizeof result);
    pass_count = 0;
    while (now_ns() < end) {
        make_pass(clients, count);
    }
    qsort(passes_ns, pass_count, sizeof passes_ns[0], compare_times);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 "\n",
           result.echoed, result.lost, result.changed, result.misdelivered, result.again,
           passes_ns[pass_count / 2]);
    fflush(stdout);
}

int main(int count, char **arguments)
{
    if (count != 7) {
        fputs("usage: generate ADDRESS PORT CLIENTS WINDOW SIZE HOW\n", stderr);
        return 1;
    }
    struct addrinfo *server = read_server(arguments[1], arguments[2]);
    unsigned client_count = number_of(arguments[3], 1000);
    char line[32];

    window = number_of(arguments[4], WINDOW_MAX);
    size = number_of(arguments[5], PAYLOAD_MAX);
    read_how(arguments[6]);
    if (size < sizeof numbers[0]) {
        fputs("generate: SIZE is 8 or more, for the number that each datagram has\n", stderr);
        return 1;
    }
    struct client *clients = calloc(client_count, sizeof *clients);

    if (clients == NULL) {
        fail("calloc");
    }
    set_up_messages();
    for (unsigned i = 0; i < client_count; i++) {
        clients[i].descriptor = open_client(server);
        clients[i].first = (uint64_t)i << CLIENT_SHIFT;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        take_turn(clients, client_count, number_of(line, 60000));
    }
    free(clients);
    freeaddrinfo(server);
    return 0;
}
