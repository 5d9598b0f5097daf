#include "common/dscp_text.h"

#include <apr_cstr.h>

#include "common/units.h"

#define DSCP_MAX 63

static const struct {
    const char *name;
    int code_point;
} names[] = {
    {"CS0", 0},   {"LE", 1},    {"CS1", 8},   {"AF11", 10}, {"AF12", 12}, {"AF13", 14},
    {"CS2", 16},  {"AF21", 18}, {"AF22", 20}, {"AF23", 22}, {"CS3", 24},  {"AF31", 26},
    {"AF32", 28}, {"AF33", 30}, {"CS4", 32},  {"AF41", 34}, {"AF42", 36}, {"AF43", 38},
    {"CS5", 40},  {"VA", 44},   {"EF", 46},   {"CS6", 48},  {"CS7", 56},
};

int dscp_read(apr_int64_t *dscp, const char *text)
{
    if (parse_number(text, dscp) == APR_SUCCESS) {
        return *dscp <= DSCP_MAX;
    }
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (apr_cstr_casecmp(text, names[i].name) == 0) {
            *dscp = names[i].code_point;
            return 1;
        }
    }
    return 0;
}
