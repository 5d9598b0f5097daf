#ifndef UDPECHO_ERROR_TEXT_H
#define UDPECHO_ERROR_TEXT_H

#include <apr_errno.h>
#include <string.h>

/* The system's words for an error, written to `text`, which has room for `size` bytes, and
 * returned, as apr_strerror() does, but for the blanks at the end, into which APR turns the line
 * ends that all texts of Windows have. Any thread. */
static inline char *error_text(apr_status_t status, char *text, apr_size_t size)
{
    apr_strerror(status, text, size);
    for (apr_size_t length = strlen(text); length > 0 && text[length - 1] == ' '; length--) {
        text[length - 1] = '\0';
    }
    return text;
}

#endif
