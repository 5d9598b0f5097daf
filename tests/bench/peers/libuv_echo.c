/* An echo server on libuv: libuv_echo ADDRESS PORT */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* A reply that is being sent, and the buffer that is its payload. */
typedef struct {
    uv_udp_send_t request;
    uv_buf_t buffer;
} reply_t;

static void allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    buffer->base = malloc(suggested);
    buffer->len = buffer->base != NULL ? suggested : 0;
}

static void on_sent(uv_udp_send_t *request, int status)
{
    reply_t *reply = (reply_t *)request;

    (void)status;
    free(reply->buffer.base);
    free(reply);
}

static void on_received(uv_udp_t *handle, ssize_t length, const uv_buf_t *buffer,
                        const struct sockaddr *peer, unsigned flags)
{
    (void)flags;
    reply_t *reply = length >= 0 && peer != NULL ? malloc(sizeof *reply) : NULL;

    if (reply == NULL) {
        free(buffer->base);
        return;
    }
    reply->buffer = uv_buf_init(buffer->base, (unsigned)length);
    if (uv_udp_send(&reply->request, handle, &reply->buffer, 1, peer, on_sent) != 0) {
        on_sent(&reply->request, 0);
    }
}

static int read_address(const char *host, int port, struct sockaddr_storage *address)
{
    if (strchr(host, ':') != NULL) {
        return uv_ip6_addr(host, port, (struct sockaddr_in6 *)address);
    }
    return uv_ip4_addr(host, port, (struct sockaddr_in *)address);
}

int main(int count, char **arguments)
{
    struct sockaddr_storage address;
    uv_udp_t handle;

    if (count != 3 || read_address(arguments[1], atoi(arguments[2]), &address) != 0) {
        fputs("usage: libuv_echo ADDRESS PORT\n", stderr);
        return 1;
    }
    uv_udp_init(uv_default_loop(), &handle);
    int error = uv_udp_bind(&handle, (const struct sockaddr *)&address, 0);

    if (error != 0 || (error = uv_udp_recv_start(&handle, allocate, on_received)) != 0) {
        fprintf(stderr, "libuv_echo: %s\n", uv_strerror(error));
        return 1;
    }
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
