#ifndef UDPECHO_SETTING_KINDS_H
#define UDPECHO_SETTING_KINDS_H

/* Kinds of options that udpechod alone has. Each is stored as it is given, text or a list of it,
 * but taken apart at once, so that an error names the line it stands on. */

#include "common/options.h"

/* ADDRESS[:PORT], a list; ADDRESS:PORT, a list; a list of source ports, text; a network or @FILE, a
 * list; the same or "none", a list; the full path of a socket, or where else to be asked, text; a
 * list of DSCPs, text; the full path of a socket, text; what is done to replies, a
 * list. */
extern const option_kind_t option_listen, option_echo_plus, option_source_ports, option_access,
    option_exempt, option_control, option_dscps, option_socket_path, option_impair;

#endif
