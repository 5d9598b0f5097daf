#include <apr_strings.h>

#include "client/output/record.h"
#include "common/json_text.h"

static const char *value_text(const field_t *field, apr_pool_t *pool)
{
    if (field->text == NULL) {
        return "null";
    }
    return field->is_string ? json_text(field->text, pool) : field->text;
}

static const char *object_text(const record_t *record, protocol_t protocol, apr_pool_t *pool)
{
    (void)protocol; /* every record says what it has */

    int count = record->fields->nelts;
    apr_array_header_t *members = apr_array_make(pool, count, sizeof(const char *));

    for (int i = 0; i < count; i++) {
        const field_t *field = &APR_ARRAY_IDX(record->fields, i, field_t);

        APR_ARRAY_PUSH(members, const char *) =
            apr_pstrcat(pool, json_text(field->name, pool), ":", value_text(field, pool), NULL);
    }
    return apr_pstrcat(pool, "{", apr_array_pstrcat(pool, members, ','), "}\n", NULL);
}

report_t *report_json(const report_options_t *options, apr_pool_t *pool)
{
    return report_records(options, "", object_text, pool);
}
