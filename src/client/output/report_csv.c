#include <apr_strings.h>
#include <string.h>

#include "client/output/record.h"

/* A single datagram is one row, with its fields in these columns. All else is a row for each field,
 * with its name and value in the last two columns, and only the first ones filled besides. */
static const char *const columns[] = {
    "record",    "time",      "source_port", "sequence",        "verdict",
    "from",      "length",    "truncated",   "expected_length", "round_trip_us",
    "reordered", "hop_limit", "fragment",    "error",           "mtu",
    "name",      "value",
};

#define COLUMNS       (sizeof columns / sizeof columns[0])
#define COLUMNS_FIRST 3 /* record, time, source_port */
#define COLUMN_NAME   (COLUMNS - 2)
#define COLUMN_VALUE  (COLUMNS - 1)

static const char *quoted(const char *text, apr_pool_t *pool)
{
    char *copy = apr_palloc(pool, 2 * strlen(text) + sizeof "\"\"");
    char *end = copy;

    *end++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            *end++ = '"';
        }
        *end++ = *text;
    }
    *end++ = '"';
    *end = '\0';
    return copy;
}

static const char *cell_text(const char *text, apr_pool_t *pool)
{
    if (text == NULL) {
        return "";
    }
    return strpbrk(text, ",\"\r\n") != NULL ? quoted(text, pool) : text;
}

static const char *row_text(const char *const *cells, apr_pool_t *pool)
{
    apr_array_header_t *row = apr_array_make(pool, COLUMNS, sizeof(const char *));

    for (unsigned i = 0; i < COLUMNS; i++) {
        APR_ARRAY_PUSH(row, const char *) = cell_text(cells[i], pool);
    }
    return apr_pstrcat(pool, apr_array_pstrcat(pool, row, ','), "\n", NULL);
}

/* Puts the field into its column, if that is one of the first `count`. Returns 0 if not. */
static int fill(const char **cells, unsigned count, const field_t *field)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(columns[i], field->name) == 0) {
            cells[i] = field->text;
            return 1;
        }
    }
    return 0;
}

static const char *rows_text(const record_t *record, apr_pool_t *pool)
{
    const char *cells[COLUMNS] = {NULL};
    int count = record->fields->nelts;
    apr_array_header_t *rows = apr_array_make(pool, count, sizeof(const char *));

    for (int i = 0; i < count; i++) {
        const field_t *field = &APR_ARRAY_IDX(record->fields, i, field_t);

        if (!fill(cells, record->is_datagram ? COLUMNS : COLUMNS_FIRST, field)) {
            cells[COLUMN_NAME] = field->name;
            cells[COLUMN_VALUE] = field->text;
            APR_ARRAY_PUSH(rows, const char *) = row_text(cells, pool);
        }
    }
    return record->is_datagram ? row_text(cells, pool) : apr_array_pstrcat(pool, rows, '\0');
}

report_t *report_csv(const report_options_t *options, apr_pool_t *pool)
{
    return report_records(options, row_text(columns, pool), rows_text, pool);
}
