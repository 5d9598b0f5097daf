#ifndef UDPECHO_QWAVE_H
#define UDPECHO_QWAVE_H

/*
 * The calls of qwave.dll, "Quality Windows Audio/Video Experience (qWAVE)" in Microsoft's
 * documentation, that are in use. They are declared here because qos2.h of mingw-w64 10 does not
 * compile. Internal to platform/iocp.
 */

#include <winsock2.h>

typedef struct qwave_version {
    USHORT major;
    USHORT minor;
} qwave_version_t;

#define QWAVE_BEST_EFFORT  0 /* QOSTrafficTypeBestEffort */
#define QWAVE_NON_ADAPTIVE 2 /* QOS_NON_ADAPTIVE_FLOW */
#define QWAVE_SET_DSCP     2 /* QOSSetOutgoingDSCPValue */

typedef BOOL WINAPI qwave_create_t(qwave_version_t *version, HANDLE *handle);
typedef BOOL WINAPI qwave_close_t(HANDLE handle);
typedef BOOL WINAPI qwave_add_t(HANDLE handle, SOCKET socket, struct sockaddr *peer, int traffic,
                                DWORD flags, UINT32 *flow);
typedef BOOL WINAPI qwave_remove_t(HANDLE handle, SOCKET socket, UINT32 flow, DWORD flags);
typedef BOOL WINAPI qwave_set_t(HANDLE handle, UINT32 flow, int operation, ULONG size, void *value,
                                DWORD flags, OVERLAPPED *overlapped);

typedef struct qwave {
    qwave_create_t *create_handle;
    qwave_close_t *close_handle;
    qwave_add_t *add_socket;
    qwave_remove_t *remove_socket;
    qwave_set_t *set_flow;
} qwave_t;

/* Loads the DLL, from the system's directory only, until the process ends: on Windows Server it is
 * there where a feature was added. Any thread. 0 or an error of LoadLibraryExW() or
 * GetProcAddress(). */
DWORD qwave_load(qwave_t *calls);

#endif
