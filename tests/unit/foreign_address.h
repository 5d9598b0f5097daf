#ifndef UDPECHO_FOREIGN_ADDRESS_H
#define UDPECHO_FOREIGN_ADDRESS_H

/* TEST-NET-1, RFC 5737: nobody's address. */

#include <apr_network_io.h>

#define FOREIGN_ADDRESS "192.0.2.1"

/* Skips the scene where a socket may be bound to any address: under Wine, and on Linux with
 * net.ipv4.ip_nonlocal_bind. */
static void need_foreign_addresses_refused(apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_socket_t *socket;

    assert_int_equal(apr_sockaddr_info_get(&address, FOREIGN_ADDRESS, APR_INET, 0, 0, pool),
                     APR_SUCCESS);
    assert_int_equal(apr_socket_create(&socket, APR_INET, SOCK_DGRAM, APR_PROTO_UDP, pool),
                     APR_SUCCESS);
    if (apr_socket_bind(socket, address) == APR_SUCCESS) {
        skip_test("this system binds to addresses that it does not have");
    }
}

#endif
