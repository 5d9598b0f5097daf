#ifndef UDPECHO_ERROR_TEXT_H
#define UDPECHO_ERROR_TEXT_H

#include <apr_errno.h>
#include <string.h>

/* Writes the system's text for an error to `text`, which has room for `size` bytes, and returns
 * it, like apr_strerror() but without the trailing blanks that APR leaves for the line ends of
 * Windows's messages. Any thread. */
static inline char *error_text(apr_status_t status, char *text, apr_size_t size)
{
    apr_strerror(status, text, size);
    for (apr_size_t length = strlen(text); length > 0 && text[length - 1] == ' '; length--) {
        text[length - 1] = '\0';
    }
    return text;
}

#endif
