/* Completion ports leave nothing to choose. */

#include "variants.h"

#include <windows.h>

const variant_t variants[] = {
    {"as the server opens it", transport_open, 0},
};

const unsigned variant_count = sizeof variants / sizeof variants[0];

const char *no_reply_source_here(void)
{
    return GetProcAddress(GetModuleHandleA("ntdll"), "wine_get_version") != NULL
               ? "Wine's WSASendMsg drops control messages"
               : NULL;
}
