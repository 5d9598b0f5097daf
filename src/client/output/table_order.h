#ifndef UDPECHO_TABLE_ORDER_H
#define UDPECHO_TABLE_ORDER_H

/* The order of the rows of a table. Pure functions. */

#include "client/output/table.h"

/* What rows are sorted by, as people read it. Static. */
const char *table_order_name(table_order_t order);

/* Sorts `rows`, an array of const table_row_t *. */
void table_sort(apr_array_header_t *rows, table_order_t order, int is_reversed);

#endif
