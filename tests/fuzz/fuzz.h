#ifndef UDPECHO_FUZZ_H
#define UDPECHO_FUZZ_H

/* What every fuzz target starts from. The fuzzer calls LLVMFuzzerTestOneInput() with one input
 * after the other in the same process; to end the process is to report the input. */

#include <apr_general.h>
#include <apr_pools.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not true: %s\n", file, line, condition);
    abort();
}

#define require(condition) ((condition) ? (void)0 : require_failed(#condition, __FILE__, __LINE__))

/* A pool for one input, which destroys it at its end. */
static inline apr_pool_t *pool_create(void)
{
    static int initialized;
    apr_pool_t *pool;

    require(initialized || apr_initialize() == APR_SUCCESS);
    initialized = 1;
    require(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    return pool;
}

/* ---- Taking an input to pieces; where it ends, zeros follow ---- */

typedef struct input {
    const uint8_t *data;
    size_t size;
} input_t;

static inline void take_bytes(input_t *input, void *bytes, size_t size)
{
    size_t taken = size < input->size ? size : input->size;

    memset(bytes, 0, size);
    if (taken > 0) {
        memcpy(bytes, input->data, taken);
        input->data += taken;
        input->size -= taken;
    }
}

static inline unsigned take_byte(input_t *input)
{
    uint8_t byte;

    take_bytes(input, &byte, 1);
    return byte;
}

static inline apr_uint16_t take_port(input_t *input)
{
    unsigned high = take_byte(input);

    return (apr_uint16_t)(high << 8 | take_byte(input));
}

/* A copy in a block of its own, so that the sanitizer sees who reads past its end. To be freed. */
static inline void *take_block(input_t *input, size_t size)
{
    /* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): not a byte of nothing is read */
    void *block = malloc(size);

    require(block != NULL);
    take_bytes(input, block, size);
    return block;
}

/* The same as text, up to a zero byte, which is taken too, or to the end. */
static inline char *take_text(input_t *input)
{
    size_t length = 0;

    while (length < input->size && input->data[length] != 0) {
        length++;
    }
    return take_block(input, length + 1);
}

#endif
