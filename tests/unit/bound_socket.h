#ifndef UDPECHO_BOUND_SOCKET_H
#define UDPECHO_BOUND_SOCKET_H

#include <apr_network_io.h>

/* The address, on the loopback, of a UDP socket that takes what comes and says nothing. From
 * `pool`, with the socket. */
static inline apr_sockaddr_t *bound_socket(apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_socket_t *socket;

    assert_int_equal(apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, 0, 0, pool),
                     APR_SUCCESS);
    assert_int_equal(apr_socket_create(&socket, APR_INET, SOCK_DGRAM, APR_PROTO_UDP, pool),
                     APR_SUCCESS);
    assert_int_equal(apr_socket_bind(socket, address), APR_SUCCESS);
    assert_int_equal(apr_socket_addr_get(&address, APR_LOCAL, socket), APR_SUCCESS);
    return address;
}

#endif
