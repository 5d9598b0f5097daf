#include "client/targets/target_list.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <assert.h>
#include <string.h>

#include "common/endpoint_text.h"
#include "common/ip_address.h"
#include "common/json_text.h"

target_list_t *target_list_create(apr_port_t port, const char *device, apr_pool_t *pool)
{
    target_list_t *list = apr_pcalloc(pool, sizeof *list);

    list->names = apr_array_make(pool, 1, sizeof(target_name_t));
    list->keys = apr_hash_make(pool);
    list->port = port;
    list->device = device;
    list->pool = pool;
    return list;
}

/* The host in the form that all ways to write it share. */
static const char *plain_host(const char *host, apr_pool_t *pool)
{
    endpoint_t endpoint;

    if (ip_address_parse(&endpoint, host)) {
        char *text = apr_palloc(pool, ENDPOINT_TEXT_MAX);

        endpoint_format(text, &endpoint);
        return text;
    }
    char *lower = apr_pstrdup(pool, host);

    for (char *letter = lower; *letter != '\0'; letter++) {
        *letter = (char)apr_tolower(*letter);
    }
    return lower;
}

static const char *key_of(const address_t *address, apr_pool_t *pool)
{
    const char *scope = address->scope != NULL ? address->scope : "";
    const char *device = address->device != NULL ? address->device : "";

    return apr_psprintf(pool, "%s %s %s %u", plain_host(address->host, pool), scope, device,
                        (unsigned)address->port);
}

/* HOST%eth0 is HOST with --interface=eth0. */
static const char *set_device(address_t *address, const char *device, const char *text,
                              apr_pool_t *pool)
{
    if (address->device != NULL && device != NULL && strcmp(address->device, device) != 0) {
        return apr_psprintf(pool, "--interface=%s and %s: expected one of them, not both", device,
                            text);
    }
    address->device = address->device != NULL ? address->device : device;
    return NULL;
}

const char *target_list_add(target_list_t *list, const char *text)
{
    target_name_t name = {.text = apr_pstrdup(list->pool, text)};
    const char *error = address_parse_host(&name.address, name.text, list->port, list->pool);

    if (strcmp(printable_text(text, list->pool), text) != 0) {
        error = "no name has control or invisible characters"; /* a terminal obeys or hides them */
    } else if (error == NULL && name.address.host == NULL) {
        error = "* is not a host";
    } else if (error == NULL && name.address.port == 0) {
        error = list->port == 0 ? "--echo-plus has no standard port" : "0 is not a port";
    }
    if (error != NULL) {
        return apr_psprintf(list->pool, "%s: expected HOST%s (%s)", text,
                            list->port == 0 ? ":PORT" : "[:PORT]", error);
    }
    error = set_device(&name.address, list->device, text, list->pool);
    if (error != NULL) {
        return error;
    }
    name.key = key_of(&name.address, list->pool);
    if (apr_hash_get(list->keys, name.key, APR_HASH_KEY_STRING) == NULL) {
        apr_hash_set(list->keys, name.key, APR_HASH_KEY_STRING, name.key);
        APR_ARRAY_PUSH(list->names, target_name_t) = name;
    }
    return NULL;
}

target_list_t *target_list_copy(const target_list_t *list, apr_pool_t *pool)
{
    target_list_t *copy = target_list_create(list->port, list->device, pool);

    for (int i = 0; i < list->names->nelts; i++) {
        const char *error =
            target_list_add(copy, APR_ARRAY_IDX(list->names, i, target_name_t).text);

        assert(error == NULL);
        (void)error;
    }
    return copy;
}
