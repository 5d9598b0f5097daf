/*
 * Control messages, whatever they are: nothing behind them is read, the sender and the port stay
 * what they were, and a reply has room for its own. An input is a byte for the address family, one
 * for the flags of the message, and the control messages.
 */

#include "fuzz.h"

#include <netinet/in.h>

#include "readiness/control_message.h"

static endpoint_t wildcard_of(int family)
{
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v4};

    if (family == AF_INET6) {
        endpoint.length = sizeof endpoint.sa.v6;
    }
    endpoint.sa.any.sa_family = (sa_family_t)family;
    endpoint.sa.v4.sin_port = htons(8888);
    return endpoint;
}

static void check_reply(const datagram_t *datagram)
{
    struct msghdr header = {.msg_control = malloc(CONTROL_MAX)};
    datagram_t again = {.to = wildcard_of(datagram->to.sa.any.sa_family)};

    require(header.msg_control != NULL);
    control_message_write(&header, datagram);
    require(header.msg_controllen <= CONTROL_MAX);
    require(CMSG_FIRSTHDR(&header) != NULL);
    require(CMSG_NXTHDR(&header, CMSG_FIRSTHDR(&header)) == NULL);
    control_messages_read(&header, &again);
    if (datagram->to.sa.any.sa_family == AF_INET6) {
        require(memcmp(&again.to.sa.v6.sin6_addr, &datagram->to.sa.v6.sin6_addr,
                       sizeof again.to.sa.v6.sin6_addr) == 0);
    }
    free(header.msg_control);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input_t input = {data, size};
    int family = take_byte(&input) % 2 == 0 ? AF_INET : AF_INET6;
    struct msghdr header = {.msg_flags = (int)take_byte(&input)};
    datagram_t datagram = {.from = wildcard_of(family), .to = wildcard_of(family)};
    endpoint_t from = datagram.from;

    header.msg_controllen = input.size;
    header.msg_control = take_block(&input, input.size);
    control_messages_read(&header, &datagram);
    require(endpoint_equal(&datagram.from, &from));
    require(datagram.to.sa.any.sa_family == family);
    require(endpoint_port(&datagram.to) == 8888);
    check_reply(&datagram);
    free(header.msg_control);
    return 0;
}
