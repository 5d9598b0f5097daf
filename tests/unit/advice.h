#ifndef UDPECHO_ADVICE_H
#define UDPECHO_ADVICE_H

#include "unit.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "common/options.h"

/* Fails unless every option that has bounds takes each value that its error shows. */
static void assert_advice_is_taken(const option_t *table, apr_pool_t *pool)
{
    for (const option_t *option = table; option->name != NULL; option++) {
        apr_int64_t place;
        char *rest;

        if (option->maximum == 0) {
            continue;
        }
        const char *error = option->kind->read(option, &place, "nonsense", pool);
        char *word = apr_strtok(apr_pstrdup(pool, error), " (),", &rest);

        for (; word != NULL; word = apr_strtok(NULL, " (),", &rest)) {
            if (apr_isdigit(*word) && option->kind->read(option, &place, word, pool) != NULL) {
                fail_msg("--%s refuses %s of its own error: %s", option->name, word, error);
            }
        }
    }
}

#endif
