#ifndef UDPECHO_TARGETS_FILE_H
#define UDPECHO_TARGETS_FILE_H

/* The file of --targets: one target a line. */

#include "client/targets/target_list.h"

/* Stands for standard input, which can be read once only. */
#define TARGETS_STANDARD_INPUT "-"

/*
 * Adds the targets of the file to the list: one HOST[:PORT] a line; blank lines and what follows #
 * are ignored; LF or CRLF. TARGETS_STANDARD_INPUT is waited for until its end. Returns NULL, or the
 * error as a sentence that begins with the option, the file and, if it is about one, the number of
 * the line; the list may then have some of the file's targets. A file that names no target is an
 * error, since it may not be written yet; so is one of more than FLOWS_MAX. Main thread; memory
 * from the list's pool.
 */
const char *targets_file_read(target_list_t *list, const char *path);

#endif
