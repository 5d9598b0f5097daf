/* What names targets: two texts are one target if, and only if, they mean the same. An input is a
 * text, each line of which may name a target. */

#include "fuzz.h"

#include <apr_cstr.h>

#include "client/targets/target_list.h"
#include "common/ip_address.h"

#define PORT 7

static int same_text(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static int same_host(const char *one, const char *other)
{
    endpoint_t endpoints[2];

    return ip_address_parse(&endpoints[0], one) && ip_address_parse(&endpoints[1], other)
               ? endpoint_equal(&endpoints[0], &endpoints[1])
               : apr_cstr_casecmp(one, other) == 0;
}

static int same_target(const address_t *one, const address_t *other)
{
    return one->port == other->port && same_text(one->scope, other->scope) &&
           same_text(one->device, other->device) && same_host(one->host, other->host);
}

static const target_name_t *name_at(const target_list_t *list, int index)
{
    return &APR_ARRAY_IDX(list->names, index, target_name_t);
}

/* How many of the list mean the same as the text. */
static int count_same(const target_list_t *list, const char *text, apr_pool_t *pool)
{
    target_list_t *alone = target_list_create(list->port, list->device, pool);
    int count = 0;

    require(target_list_add(alone, text) == NULL);
    for (int i = 0; i < list->names->nelts; i++) {
        count += same_target(&name_at(list, i)->address, &name_at(alone, 0)->address);
    }
    return count;
}

static void check_copy(const target_list_t *list, apr_pool_t *pool)
{
    const target_list_t *copy = target_list_copy(list, pool);

    require(copy->names->nelts == list->names->nelts);
    for (int i = 0; i < copy->names->nelts; i++) {
        require(strcmp(name_at(copy, i)->key, name_at(list, i)->key) == 0);
        require(same_target(&name_at(copy, i)->address, &name_at(list, i)->address));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input_t input = {data, size};
    apr_pool_t *pool = pool_create();
    target_list_t *list = target_list_create(PORT, NULL, pool);
    char *text = take_text(&input);
    char *line = text;

    while (line != NULL && list->names->nelts < 100) {
        char *end = strchr(line, '\n');

        if (end != NULL) {
            *end++ = '\0';
        }
        if (target_list_add(list, line) == NULL) {
            require(count_same(list, line, pool) == 1);
        }
        line = end;
    }
    check_copy(list, pool);
    free(text);
    apr_pool_destroy(pool);
    return 0;
}
