/* What libmicrohttpd's configure would find out for mingw-w64, and what it is told to leave out:
 * TLS, poll(), messages, authentication, forms and upgrades. */

#define WINDOWS     1
#define _GNU_SOURCE 1

/* ---- The compiler ---- */
#define HAVE_C_VARARRAYS             1
#define HAVE___FUNC__                1
#define INLINE_FUNC                  1
#define SIZEOF_SIZE_T                __SIZEOF_SIZE_T__
#define SIZEOF_STRUCT_TIMEVAL_TV_SEC __SIZEOF_LONG__
#define SIZEOF_UINT64_T              8
#define SIZEOF_UNSIGNED_INT          __SIZEOF_INT__
#define SIZEOF_UNSIGNED_LONG_LONG    __SIZEOF_LONG_LONG__
#define _MHD_NORETURN                _Noreturn
#define _MHD_static_inline           static inline

/* ---- The system ---- */
#define HAVE_CALLOC         1
#define HAVE_ERRNO_H        1
#define HAVE_FCNTL_H        1
#define HAVE_GETSOCKNAME    1
#define HAVE_INET6          1
#define HAVE_INTTYPES_H     1
#define HAVE_LIMITS_H       1
#define HAVE_SDKDDKVER_H    1
#define HAVE_SNPRINTF       1
#define HAVE_STDBOOL_H      1
#define HAVE_STDDEF_H       1
#define HAVE_STDINT_H       1
#define HAVE_STDIO_H        1
#define HAVE_STDLIB_H       1
#define HAVE_STRING_H       1
#define HAVE_SYS_STAT_H     1
#define HAVE_SYS_TYPES_H    1
#define HAVE_TIME_H         1
#define HAVE_W32_GMTIME_S   1
#define HAVE_WINDOWS_H      1
#define HAVE_WINSOCK2_H     1
#define HAVE_WS2TCPIP_H     1
#define HAVE___LSEEKI64     1
#define MHD_USE_GETSOCKNAME 1
#define MHD_USE_W32_THREADS 1
#define _MHD_ITC_SOCKETPAIR 1
