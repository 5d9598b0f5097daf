#include "client/targets/targets_file.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>

#include "client/failure.h"
#include "common/lines.h"
#include "udpecho/datagram.h"

typedef struct reading {
    target_list_t *list;
    unsigned targets; /* lines that name one */
} reading_t;

static const char *read_line(void *context, char *line)
{
    static const char blanks[] = " \t";
    reading_t *reading = context;
    target_list_t *list = reading->list;
    char *state;

    line[strcspn(line, "#")] = '\0';
    const char *text = apr_strtok(line, blanks, &state);

    if (text == NULL) {
        return NULL;
    }
    const char *more = apr_strtok(NULL, blanks, &state);

    if (more != NULL) {
        return apr_psprintf(list->pool, "%s: expected one HOST[:PORT] a line", more);
    }
    /* Those that are named twice count as well, or a file of these could fill the memory. */
    if (reading->targets++ == FLOWS_MAX || list->names->nelts == FLOWS_MAX) {
        return apr_psprintf(list->pool, "%s: expected no more than %d targets", text, FLOWS_MAX);
    }
    return target_list_add(list, text);
}

static const char *read_standard_input(reading_t *reading, apr_status_t *refusal)
{
    apr_pool_t *pool = reading->list->pool;
    apr_file_t *file;
    apr_status_t status = apr_file_open_flags_stdin(&file, APR_FOPEN_BUFFERED, pool);

    return status == APR_SUCCESS
               ? lines_read_from(file, TARGETS_STANDARD_INPUT, read_line, reading, refusal, pool)
               : cannot("read standard input", status, pool);
}

const char *targets_file_read(target_list_t *list, const char *path)
{
    reading_t reading = {.list = list};
    apr_status_t refusal;
    const char *error = strcmp(path, TARGETS_STANDARD_INPUT) == 0
                            ? read_standard_input(&reading, &refusal)
                            : lines_read(path, read_line, &reading, &refusal, list->pool);

    if (error == NULL && reading.targets == 0) {
        error = apr_pstrcat(list->pool, path, ": expected HOST[:PORT] in a line of it", NULL);
    }
    return error == NULL ? NULL : apr_pstrcat(list->pool, "--targets=", error, NULL);
}
