#ifndef UDPECHO_NAME_VALUES_H
#define UDPECHO_NAME_VALUES_H

/* Properties of an object as names and values, for people and for programs. An array of
 * name_value_t; all memory is from the pools of the array and of each call. */

#include <apr_pools.h>
#include <apr_tables.h>

typedef struct name_value {
    const char *name;               /* of letters, digits and underscores */
    const char *text;               /* NULL: the list, or the number */
    const apr_array_header_t *list; /* of const char *; NULL: the number */
    int is_bare;                    /* text or list are numbers, true or false */
    apr_int64_t number;
} name_value_t;

/* Add one; name, text and list are kept. The list is one of const char *. A reader takes no number
 * below 0. */
void name_values_add_text(apr_array_header_t *values, const char *name, const char *text);
void name_values_add_list(apr_array_header_t *values, const char *name,
                          const apr_array_header_t *list);
/* The same of words that are numbers, true or false, which JSON has no quotes around. */
void name_values_add_bare_list(apr_array_header_t *values, const char *name,
                               const apr_array_header_t *list);
void name_values_add_number(apr_array_header_t *values, const char *name, apr_int64_t number);
void name_values_add_truth(apr_array_header_t *values, const char *name, int truth);

/* The value of this name, or NULL. */
const name_value_t *name_values_find(const apr_array_header_t *values, const char *name);

/* Its text, its list or its number, in words. */
const char *name_value_words(const name_value_t *value, apr_pool_t *pool);

/* Its name in words: "port sharing". */
const char *name_value_title(const name_value_t *value, apr_pool_t *pool);

/* The members of a JSON object (RFC 8259), without its braces: "a":1,"b":"two" */
const char *name_values_json(const apr_array_header_t *values, apr_pool_t *pool);

/* Adds the members of an object that name_values_json() wrote, "{" and "}" around it. Returns 0 if
 * the text is something else. */
int name_values_read_json(apr_array_header_t *values, const char *text, apr_pool_t *pool);

#endif
