/* Numbers with units: what is formatted is read back, and a fraction is exact. */

#include "fuzz.h"

#include <apr_strings.h>

#include "common/units.h"

typedef apr_status_t parse_t(const char *text, apr_int64_t *value);
typedef const char *format_t(apr_int64_t value, apr_pool_t *pool);

static const char *format_number(apr_int64_t value, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT, value);
}

/* Without its point, "1.25h" is 100 times as much. */
static void check_fraction(const char *text, apr_int64_t value, parse_t *parse, apr_pool_t *pool)
{
    const char *fraction = text + strspn(text, "0123456789") + 1;
    size_t digits = fraction[-1] == '.' ? strspn(fraction, "0123456789") : 0;
    apr_int64_t shifted;

    if (digits == 0 || strpbrk(fraction + digits, "0123456789") != NULL) {
        return;
    }
    apr_size_t whole_length = (apr_size_t)(fraction - text) - 1;
    const char *whole = apr_pstrmemdup(pool, text, whole_length);

    if (parse(apr_pstrcat(pool, whole, fraction, NULL), &shifted) == APR_SUCCESS) {
        for (; digits > 0; digits--) {
            shifted /= 10;
        }
        require(value == shifted);
    }
}

static void check(const char *text, parse_t *parse, format_t *format, apr_pool_t *pool)
{
    apr_int64_t value;
    apr_int64_t again;

    if (parse(text, &value) == APR_SUCCESS) {
        require(value >= 0);
        require(parse(format(value, pool), &again) == APR_SUCCESS);
        require(again == value);
        check_fraction(text, value, parse, pool);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input_t input = {data, size};
    apr_pool_t *pool = pool_create();
    char *text = take_text(&input);

    check(text, parse_number, format_number, pool);
    check(text, parse_size, format_size, pool);
    check(text, parse_duration, format_duration, pool);
    free(text);
    apr_pool_destroy(pool);
    return 0;
}
