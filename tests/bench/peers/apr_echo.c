/* An echo server on APR alone, a datagram at a time: apr_echo ADDRESS PORT */

#include <apr_general.h>
#include <apr_network_io.h>
#include <stdio.h>
#include <stdlib.h>

static char buffer[65536];

static apr_status_t open_socket(apr_socket_t **sock, const char *host, apr_port_t port,
                                apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_status_t status = apr_sockaddr_info_get(&address, host, APR_UNSPEC, port, 0, pool);

    if (status == APR_SUCCESS) {
        status = apr_socket_create(sock, address->family, SOCK_DGRAM, APR_PROTO_UDP, pool);
    }
    return status == APR_SUCCESS ? apr_socket_bind(*sock, address) : status;
}

static void echo_forever(apr_socket_t *sock, apr_sockaddr_t *peer)
{
    for (;;) {
        apr_size_t length = sizeof buffer;

        if (apr_socket_recvfrom(peer, sock, 0, buffer, &length) == APR_SUCCESS) {
            apr_socket_sendto(sock, peer, 0, buffer, &length);
        }
    }
}

int main(int count, char **arguments)
{
    apr_pool_t *pool;
    apr_socket_t *sock;
    apr_sockaddr_t *peer;

    if (count != 3) {
        fputs("usage: apr_echo ADDRESS PORT\n", stderr);
        return 1;
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    apr_status_t status = open_socket(&sock, arguments[1], (apr_port_t)atoi(arguments[2]), pool);

    /* recvfrom writes the sender's address into one that is there already. */
    if (status == APR_SUCCESS) {
        status = apr_socket_addr_get(&peer, APR_LOCAL, sock);
    }
    if (status != APR_SUCCESS) {
        char reason[100];

        fprintf(stderr, "apr_echo: %s\n", apr_strerror(status, reason, sizeof reason));
        return 1;
    }
    echo_forever(sock, peer);
}
