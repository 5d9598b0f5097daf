#ifndef UDPECHO_CMOCKA_VERSIONS_H
#define UDPECHO_CMOCKA_VERSIONS_H

/* cmocka with the headers it needs, and one name for what cmocka 1 and 2 call differently. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* cmocka 1 compares unsigned numbers. cmocka 2 has it for signed and for unsigned ones and
 * deprecates the old name; its unsigned one warns of its own conversions (2.0.2). No test has
 * numbers that the signed one cannot compare. */
#ifdef assert_int_in_range
#undef assert_in_range
#define assert_in_range(value, minimum, maximum) \
    assert_int_in_range((intmax_t)(value), (intmax_t)(minimum), (intmax_t)(maximum))
#endif

#endif
