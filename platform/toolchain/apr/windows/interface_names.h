#ifndef UDPECHO_INTERFACE_NAMES_H
#define UDPECHO_INTERFACE_NAMES_H

/* What APR's sources use of netioapi.h and do not include. mingw-w64's own cannot be included in
 * front of them: it needs the parts of windows.h that apr.h leaves out. */

#include <apr.h>
#include <ifdef.h>

#define IF_NAMESIZE   (IF_MAX_STRING_SIZE + 1)
#define NETIOAPI_API_ NTAPI

PCHAR NETIOAPI_API_ if_indextoname(NET_IFINDEX index, PCHAR name);
NET_IFINDEX NETIOAPI_API_ if_nametoindex(PCSTR name);

#endif
