#ifndef UDPECHO_WRITTEN_FILE_H
#define UDPECHO_WRITTEN_FILE_H

/* A file for what is tested to read. */

#include <apr_file_io.h>

/* Replaces what is there; the caller removes it. */
static void write_file(const char *path, const char *content, apr_pool_t *pool)
{
    apr_int32_t flags = APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE | APR_FOPEN_BINARY;
    apr_file_t *file;

    assert_int_equal(apr_file_open(&file, path, flags, APR_FPROT_OS_DEFAULT, pool), APR_SUCCESS);
    assert_int_equal(apr_file_write_full(file, content, strlen(content), NULL), APR_SUCCESS);
    apr_file_close(file);
}

#endif
