#ifndef UDPECHO_CONTROL_MESSAGE_H
#define UDPECHO_CONTROL_MESSAGE_H

/* The control messages of a datagram: where it arrived, where its reply leaves from. Internal to
 * platform/. */

#include <sys/socket.h>

#include "udpecho/datagram.h"

/* Room for the control messages of one message, sent and received; multiples of their alignment.
 * What is asked for here needs little. But another process that shares a socket that was handed
 * over may have its kernel tell the time and more, and what finds no room is cut off. */
#define CONTROL_MAX          112
#define CONTROL_RECEIVED_MAX 512

/* Reads from the control messages of `header` where the datagram arrived: the address of `to`
 * (its port stays), the interface, whether it was a broadcast, and whether some of this may be
 * missing. Returns the length of each datagram, bytes, where the kernel put several together; else
 * 0. */
apr_size_t control_messages_read(struct msghdr *header, datagram_t *datagram);

/* Copies the data of one of the control messages of `header`. Returns 0 and copies nothing if it is
 * shorter than `length`: the kernel cuts off what it finds no room for (recvmsg(2), MSG_CTRUNC). */
int control_message_copy(const struct msghdr *header, const struct cmsghdr *control, void *data,
                         size_t length);

/* Makes `header`, whose msg_control has room for CONTROL_MAX bytes and whose msg_controllen says
 * how many of them are in use, send from the address that the datagram arrived at. */
void control_message_write(struct msghdr *header, const datagram_t *datagram);

/* Adds one control message to those of `header`, as control_message_write() does. */
void control_message_add(struct msghdr *header, int level, int type, const void *data,
                         size_t length);

#endif
