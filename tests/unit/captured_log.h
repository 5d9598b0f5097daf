#ifndef UDPECHO_CAPTURED_LOG_H
#define UDPECHO_CAPTURED_LOG_H

/* A log whose lines a test can read. */

#include <apr_file_io.h>
#include <apr_strings.h>

#include "server/log/log.h"

typedef struct captured_log {
    log_t *log;
    apr_file_t *file;
    apr_pool_t *pool;
} captured_log_t;

/* Opens a log in text form at level info. */
static captured_log_t capture_log(apr_pool_t *pool)
{
    captured_log_t captured = {.pool = pool};
    char *path = apr_pstrdup(pool, "udpecho-log-XXXXXX");

    /* Removed when it is closed, with the pool. */
    assert_int_equal(apr_file_mktemp(&captured.file, path, 0, pool), APR_SUCCESS);
    assert_int_equal(log_open(&captured.log, log_to_file(captured.file), LOG_LEVEL_INFO,
                              LOG_FORMAT_TEXT, 64, pool),
                     APR_SUCCESS);
    return captured;
}

/* Ends the log and returns all that it wrote. */
static const char *captured_text(captured_log_t *captured)
{
    apr_size_t length = 1 << 16;
    char *text = apr_pcalloc(captured->pool, length + 1);
    apr_off_t start = 0;

    log_close(captured->log);
    apr_file_seek(captured->file, APR_SET, &start);
    apr_file_read_full(captured->file, text, length, &length);
    return text;
}

#endif
