#ifndef UDPECHO_LINUX_NETLINK_H
#define UDPECHO_LINUX_NETLINK_H

/* The socket of rtnetlink(7) that the calling thread has, which is opened the first time and kept,
 * since a process in the sandbox may not open any. Few threads may ask, and none that ends before
 * the process does. Internal to platform/os/linux. */

/* What the kernel fills at most with one part of an answer. */
#define NETLINK_PART_MAX 32768

/* The descriptor, or -1 and errno. */
int netlink_socket(void);

/* A number for the next question, by which its answer is known from those to questions that were
 * given up. */
unsigned netlink_question(void);

#endif
