/* Completion ports leave nothing to choose. */

#include "variants.h"

const variant_t variants[] = {
    {"as the server opens it", transport_open},
};

const unsigned variant_count = sizeof variants / sizeof variants[0];
