#ifndef UDPECHO_EXCLUDED_PORT_H
#define UDPECHO_EXCLUDED_PORT_H

/* What both programs say where a port is refused that no socket has: LISTENER_EXCLUDED, and
 * is_excluded of a flows_error_t. */
#define EXCLUDED_PORT_HINT                                                                     \
    "no socket has this port, and Windows lets nobody have it: it is in a range that \"netsh " \
    "interface ipv4 show excludedportrange udp\" lists, or a filter is in the way; choose "    \
    "another "                                                                                 \
    "port"

#endif
