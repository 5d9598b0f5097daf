#include <apr_strings.h>
#include <string.h>

#include "client/output/record.h"

/* A single datagram is one row, with its fields in these columns. All else is a row for each field,
 * with its name and value in the last two columns, and only the first ones filled besides. */
static const char *const columns[] = {
    "record",          "time",          "target",    "address",   "source_port",
    "sequence",        "verdict",       "from",      "length",    "truncated",
    "expected_length", "round_trip_us", "reordered", "hop_limit", "fragment",
    "error",           "mtu",           "name",      "value",
};

/* The same of a protocol that tells more than plain echo. */
static const char *const one_way_columns[] = {
    "record",
    "time",
    "target",
    "address",
    "source_port",
    "sequence",
    "verdict",
    "from",
    "length",
    "truncated",
    "expected_length",
    "round_trip_us",
    "reordered",
    "hop_limit",
    "fragment",
    "error",
    "mtu",
    "number",
    "peer_number",
    "t1_ns",
    "t2_ns",
    "t3_ns",
    "t4_ns",
    "peer_us",
    "forward_us",
    "backward_us",
    "own_synchronised",
    "own_error_us",
    "peer_synchronised",
    "peer_error_us",
    "peer_hop_limit",
    "peer_dscp",
    "peer_ecn",
    "dscp",
    "ecn",
    "seen_from",
    "peer_requests",
    "peer_replies",
    "previous_number",
    "previous_left_ns",
    "name",
    "value",
};

#define COLUMNS_MAX   (sizeof one_way_columns / sizeof one_way_columns[0])
#define COLUMNS_FIRST 5 /* record, time, target, address, source_port */

typedef struct table {
    const char *const *columns;
    unsigned count;
} table_t;

static table_t table_of(protocol_t protocol)
{
    return protocol == PROTOCOL_ECHO ? (table_t){columns, sizeof columns / sizeof columns[0]}
                                     : (table_t){one_way_columns, COLUMNS_MAX};
}

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

static const char *row_text(const char *const *cells, unsigned count, apr_pool_t *pool)
{
    apr_array_header_t *row = apr_array_make(pool, (int)count, sizeof(const char *));

    for (unsigned i = 0; i < count; i++) {
        APR_ARRAY_PUSH(row, const char *) = cell_text(cells[i], pool);
    }
    return apr_pstrcat(pool, apr_array_pstrcat(pool, row, ','), "\n", NULL);
}

/* Puts the field into its column, if that is one of the first `count`. Returns 0 if not. */
static int fill(const char **cells, table_t table, const field_t *field)
{
    for (unsigned i = 0; i < table.count; i++) {
        if (strcmp(table.columns[i], field->name) == 0) {
            cells[i] = field->text;
            return 1;
        }
    }
    return 0;
}

static const char *rows_text(const record_t *record, protocol_t protocol, apr_pool_t *pool)
{
    const char *cells[COLUMNS_MAX] = {NULL};
    const table_t table = table_of(protocol);
    const table_t filled = {table.columns, record->is_datagram ? table.count : COLUMNS_FIRST};
    int count = record->fields->nelts;
    apr_array_header_t *rows = apr_array_make(pool, count, sizeof(const char *));

    for (int i = 0; i < count; i++) {
        const field_t *field = &APR_ARRAY_IDX(record->fields, i, field_t);

        if (!fill(cells, filled, field)) {
            cells[table.count - 2] = field->name;
            cells[table.count - 1] = field->text;
            APR_ARRAY_PUSH(rows, const char *) = row_text(cells, table.count, pool);
        }
    }
    return record->is_datagram ? row_text(cells, table.count, pool)
                               : apr_array_pstrcat(pool, rows, '\0');
}

report_t *report_csv(const report_options_t *options, apr_pool_t *pool)
{
    const table_t table = table_of(options->protocol);

    return report_records(options, row_text(table.columns, table.count, pool), rows_text, pool);
}
