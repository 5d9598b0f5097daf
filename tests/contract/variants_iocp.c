/* Completion ports leave nothing to choose. */

#include "variants.h"

#include <windows.h>

const variant_t variants[] = {
    {"as the server opens it", transport_open, 0},
};

const unsigned variant_count = sizeof variants / sizeof variants[0];

const flows_variant_t flows_variants[] = {
    {"as the client opens them", 0},
};

const unsigned flows_variant_count = sizeof flows_variants / sizeof flows_variants[0];

static const char *under_wine(const char *reason)
{
    return GetProcAddress(GetModuleHandleA("ntdll"), "wine_get_version") != NULL ? reason : NULL;
}

const char *no_reply_source_here(void)
{
    return under_wine("Wine's WSASendMsg drops control messages");
}

const char *no_arrival_time_here(void)
{
    return "Windows does not tell when a datagram came";
}

const char *no_hop_limit_here(void)
{
    return NULL;
}

const char *no_traffic_class_here(void)
{
    return "the flows of Windows neither send nor tell it";
}

const char *no_fragments_here(void)
{
    return "Windows does not tell of fragments";
}

const char *no_refusals_here(void)
{
    return "Windows does not tell which datagram was refused";
}
