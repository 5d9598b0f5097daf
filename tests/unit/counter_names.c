/* Writes the name of every counter, a line each, an empty line, and a scrape of a service to which
 * nothing has happened, but for one packet that a STAMP listener dropped: for counter_names.py. */

#include <apr_general.h>
#include <stdio.h>

#include "endpoints.h"
#include "server/listen/listeners.h"
#include "server/observe/metrics_text.h"

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    status_t status = {
        .listeners = apr_array_make(pool, 1, sizeof(listener_info_t)),
        .services = apr_array_make(pool, 1, sizeof(service_reading_t)),
        .backend = "",
        .batching = "",
        .has_kernel_drops = 1,
    };

    service_reading_t *service = apr_array_push((apr_array_header_t *)status.services);

    APR_ARRAY_PUSH((apr_array_header_t *)status.listeners, listener_info_t) =
        (listener_info_t){.local = ipv4(0x7f000001, 862), .reason = SHARING_OFF};
    *service = (service_reading_t){.protocol = PROTOCOL_STAMP};
    service->value[SERVICE_DROPPED] = 1;
    for (unsigned i = 0; i < COUNTERS_TOLD; i++) {
        printf("%s\n", counter_row(i)->name);
    }
    printf("\n%s", metrics_text(&status, pool));
    apr_terminate();
    return 0;
}
