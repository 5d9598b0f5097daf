/*
 * Linux: when replies left (Documentation/networking/timestamping.rst). The kernel puts a note with
 * the time and a number into the socket's error queue. It counts the messages itself, and counts
 * some that fail; only since 6.13 the sender may give the number, with which no note can be taken
 * for that of another reply.
 */

#include "readiness/details.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#include "readiness/control_message.h"
#include "readiness/message_batch.h"
#include "readiness/socket_options.h"

#ifndef SCM_TS_OPT_ID
#define SCM_TS_OPT_ID 81
#endif

/* SOF_TIMESTAMPING_OPT_RX_FILTER, since 6.12: what is received does not tell the time once more. */
#define RX_FILTER (1 << 17)

int system_allow_departures(int descriptor)
{
    return set_option(descriptor, SOL_SOCKET, SO_TIMESTAMPING,
                      SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
                          SOF_TIMESTAMPING_OPT_TSONLY | RX_FILTER);
}

/* Beside them are the address that a reply leaves from and its traffic class. */
_Static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) + 3 * CMSG_SPACE(sizeof(int)) <= CONTROL_MAX,
               "all control messages have room");

void system_write_departure(struct msghdr *header, apr_uint32_t id)
{
    apr_uint32_t stamps = SOF_TIMESTAMPING_TX_SOFTWARE;

    control_message_add(header, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps);
    control_message_add(header, SOL_SOCKET, SCM_TS_OPT_ID, &id, sizeof id);
}

/* Whether a message may give the number only sending one tells. With MSG_MORE it waits for the rest
 * of a datagram, and goes with the socket. */
int system_ask_departures(int descriptor, int family)
{
    _Alignas(struct cmsghdr) unsigned char control[CONTROL_MAX];
    endpoint_t discard = {.sa.any.sa_family = (sa_family_t)family};
    struct msghdr header = {.msg_name = &discard.sa, .msg_control = control};

    if (family == AF_INET6) {
        discard.sa.v6.sin6_addr = in6addr_loopback;
        header.msg_namelen = sizeof discard.sa.v6;
    } else {
        discard.sa.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        header.msg_namelen = sizeof discard.sa.v4;
    }
    discard.sa.v4.sin_port = htons(9); /* the same place in both families */
    system_write_departure(&header, 0);
    if (system_allow_departures(descriptor) != 0) {
        return -1;
    }
    return sendmsg(descriptor, &header, MSG_MORE) >= 0 || errno != EINVAL ? 0 : -1;
}

/* ---- The error queue ---- */

/* The two fields of a notification that matter here. */
typedef struct note {
    struct timespec left[3]; /* the first is by software */
    struct sock_extended_err error;
} note_t;

static void read_note(struct msghdr *header, note_t *note)
{
    memset(note, 0, sizeof *note);
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
         control = CMSG_NXTHDR(header, control)) {
        int level = control->cmsg_level;
        int type = control->cmsg_type;

        if (level == SOL_SOCKET && type == SO_TIMESTAMPING) {
            control_message_copy(header, control, note->left, sizeof note->left);
        } else if ((level == IPPROTO_IP && type == IP_RECVERR) ||
                   (level == IPPROTO_IPV6 && type == IPV6_RECVERR)) {
            control_message_copy(header, control, &note->error, sizeof note->error);
        }
    }
}

static int is_departure(const note_t *note)
{
    return note->error.ee_origin == SO_EE_ORIGIN_TIMESTAMPING &&
           note->error.ee_info == SCM_TSTAMP_SND && note->left[0].tv_sec != 0;
}

/* By the call that datagrams are received by, which a sandbox allows. The number of notes that were
 * read, or -1. */
static int receive_notes(int descriptor, message_t *messages, unsigned most, int is_batched)
{
    int received = 0;

    if (is_batched) {
        return (int)recvmmsg(descriptor, messages, most, MSG_ERRQUEUE, NULL);
    }
    while (received < (int)most &&
           recvmsg(descriptor, &messages[received].msg_hdr, MSG_ERRQUEUE) >= 0) {
        received++;
    }
    return received;
}

unsigned system_read_departures(int descriptor, departure_t *departures, unsigned most,
                                int is_batched)
{
    _Alignas(struct cmsghdr) unsigned char controls[DEPARTURES_MAX][CONTROL_RECEIVED_MAX];
    message_t messages[DEPARTURES_MAX] = {{.msg_len = 0}};
    unsigned count = 0;

    for (unsigned i = 0; i < most; i++) {
        messages[i].msg_hdr.msg_control = controls[i];
        messages[i].msg_hdr.msg_controllen = sizeof controls[i];
    }
    int received = receive_notes(descriptor, messages, most, is_batched);

    for (int i = 0; i < received; i++) {
        note_t note;

        read_note(&messages[i].msg_hdr, &note);
        if (is_departure(&note)) {
            departures[count++] = (departure_t){
                note.error.ee_data,
                (apr_int64_t)note.left[0].tv_sec * 1000000000 + note.left[0].tv_nsec,
            };
        }
    }
    return count;
}
