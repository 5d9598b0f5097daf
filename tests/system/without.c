/*
 * Runs a program on a kernel that lacks something:
 *     without SO_REUSEPORT,recvmmsg -- udpechod ...
 * A seccomp filter answers the system calls in question with the error that a kernel without them
 * gives. The filter sees arguments, so one socket option can be missing and all others work, and
 * everything runs at full speed.
 */

#define _GNU_SOURCE /* for all that it takes away */

#include <errno.h>
#include <linux/in6.h> /* IPV6_RECVFRAGSIZE, which glibc lacks */
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANY = -1 };

static const struct {
    const char *name;
    int error;
    int call;
    unsigned first; /* the index of the first argument that is looked at, the second follows */
    int values[2];  /* what they are; ANY: whatever they are */
} rules[] = {
    {"SO_REUSEPORT", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {SOL_SOCKET, SO_REUSEPORT}},
    {"IP_PKTINFO", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IP, IP_PKTINFO}},
    {"IPV6_RECVPKTINFO", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IPV6, IPV6_RECVPKTINFO}},
    {"IPV6_V6ONLY", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IPV6, IPV6_V6ONLY}},
    {"IPV6_DONTFRAG", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IPV6, IPV6_DONTFRAG}},
    {"IPV6_RECVERR", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IPV6, IPV6_RECVERR}},
    {"IP_RECVERR", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IP, IP_RECVERR}},
    {"IPV6_MTU_DISCOVER", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IPV6, IPV6_MTU_DISCOVER}},
    {"IP_MTU_DISCOVER", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IP, IP_MTU_DISCOVER}},
    {"SO_TIMESTAMP", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {SOL_SOCKET, SO_TIMESTAMP}},
    {"SO_TIMESTAMPNS", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {SOL_SOCKET, SO_TIMESTAMPNS}},
    {"SO_TIMESTAMPING", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {SOL_SOCKET, SO_TIMESTAMPING}},
    {"IP_RECVTOS", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IP, IP_RECVTOS}},
    {"IP_TOS", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IP, IP_TOS}},
    {"IP_RECVTTL", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IP, IP_RECVTTL}},
    {"IPV6_RECVHOPLIMIT", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IPV6, IPV6_RECVHOPLIMIT}},
    {"IP_RECVFRAGSIZE", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IP, IP_RECVFRAGSIZE}},
    {"IPV6_RECVFRAGSIZE", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IPV6, IPV6_RECVFRAGSIZE}},
    {"IP_PMTUDISC_OMIT", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_IP, IP_MTU_DISCOVER}},
    {"SO_MEMINFO", ENOPROTOOPT, SCMP_SYS(getsockopt), 1, {SOL_SOCKET, SO_MEMINFO}},
    {"UDP_SEGMENT", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_UDP, UDP_SEGMENT}},
    {"UDP_GRO", ENOPROTOOPT, SCMP_SYS(setsockopt), 1, {IPPROTO_UDP, UDP_GRO}},
    {"SO_RCVBUF", EPERM, SCMP_SYS(setsockopt), 1, {SOL_SOCKET, SO_RCVBUF}},
    {"SO_RCVBUF", EPERM, SCMP_SYS(setsockopt), 1, {SOL_SOCKET, SO_RCVBUFFORCE}},
    {"SO_SNDBUF", EPERM, SCMP_SYS(setsockopt), 1, {SOL_SOCKET, SO_SNDBUF}},
    {"SO_SNDBUF", EPERM, SCMP_SYS(setsockopt), 1, {SOL_SOCKET, SO_SNDBUFFORCE}},
    {"AF_INET6", EAFNOSUPPORT, SCMP_SYS(socket), 0, {AF_INET6, ANY}},
    {"epoll", ENOSYS, SCMP_SYS(epoll_create1), 0, {ANY, ANY}},
    {"epoll", ENOSYS, SCMP_SYS(epoll_create), 0, {ANY, ANY}},
    {"timerfd", ENOSYS, SCMP_SYS(timerfd_create), 0, {ANY, ANY}},
    {"recvmmsg", ENOSYS, SCMP_SYS(recvmmsg), 0, {ANY, ANY}},
    {"sendmmsg", ENOSYS, SCMP_SYS(sendmmsg), 0, {ANY, ANY}},
};

/* Returns how many rules have this name; ends the program if one cannot be added. */
static unsigned take_away(scmp_filter_ctx filter, const char *name)
{
    unsigned found = 0;

    for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct scmp_arg_cmp compare[2];
        unsigned count = 0;

        if (strcmp(rules[i].name, name) != 0) {
            continue;
        }
        for (unsigned a = 0; a < 2; a++) {
            if (rules[i].values[a] != ANY) {
                compare[count++] = SCMP_CMP(rules[i].first + a, SCMP_CMP_MASKED_EQ, 0xffffffff,
                                            (scmp_datum_t)rules[i].values[a]);
            }
        }
        if (seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((unsigned)rules[i].error), rules[i].call,
                                   count, compare) != 0) {
            fprintf(stderr, "without: %s: the filter does not take it\n", name);
            exit(125);
        }
        found++;
    }
    return found;
}

int main(int argc, char **argv)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    if (argc < 4 || strcmp(argv[2], "--") != 0 || filter == NULL) {
        fprintf(stderr, "usage: without FEATURE[,FEATURE]... -- PROGRAM [ARGUMENT]...\n");
        return 125;
    }
    for (char *name = strtok(argv[1], ","); name != NULL; name = strtok(NULL, ",")) {
        if (take_away(filter, name) == 0) {
            fprintf(stderr, "without: %s: not known\n", name);
            return 125;
        }
    }
    if (seccomp_load(filter) != 0) {
        fprintf(stderr, "without: this kernel loads no filter\n");
        return 125;
    }
    execvp(argv[3], argv + 3);
    perror(argv[3]);
    return 125;
}
