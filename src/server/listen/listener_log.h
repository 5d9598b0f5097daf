#ifndef UDPECHO_LISTENER_LOG_H
#define UDPECHO_LISTENER_LOG_H

/* Why a listener could not be opened, in the log. */

#include "common/exit_codes.h"
#include "server/log/log.h"
#include "udpecho/transport.h"

/* Ends the line, which was begun with what could not be opened, with why, and with what an operator
 * can do about it. Returns the code to end with. Main thread. */
exit_code_t listener_failure_log(log_line_t *line, apr_status_t status,
                                 const listener_error_t *error);

/* The code to end with where a call about the address or the path of another socket has failed:
 * what the address is to blame for is told from what the system lacks. Any thread. */
exit_code_t listener_failure_code(apr_status_t status);

#endif
