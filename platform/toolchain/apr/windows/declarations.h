#ifndef UDPECHO_DECLARATIONS_H
#define UDPECHO_DECLARATIONS_H

/* What APR's sources use, and mingw-w64 does not give to all of them. */

#include <apr.h>
#include <ifdef.h>
#include <process.h>

/* Declarations of netioapi.h, which they do not include. mingw-w64's own cannot be included
 * before them: it needs the parts of windows.h that apr.h leaves out. */
#define IF_NAMESIZE   (IF_MAX_STRING_SIZE + 1)
#define NETIOAPI_API_ NTAPI

PCHAR NETIOAPI_API_ if_indextoname(NET_IFINDEX index, PCHAR name);
NET_IFINDEX NETIOAPI_API_ if_nametoindex(PCSTR name);

/* Which the C library does not have on ARM. */
#define getpid() ((int)GetCurrentProcessId())

#endif
