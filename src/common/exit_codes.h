#ifndef UDPECHO_EXIT_CODES_H
#define UDPECHO_EXIT_CODES_H

/* How udpechod ends: the numbers of sysexits.h, which not every system has, and 1 for "no". */
typedef enum exit_code {
    EXIT_OK = 0,
    EXIT_NOT_READY = 1,    /* the answer to --ready */
    EXIT_USAGE = 64,       /* the command line is wrong */
    EXIT_NO_USER = 67,     /* a user or group is not known */
    EXIT_NO_HOST = 68,     /* a host name is not known */
    EXIT_UNAVAILABLE = 69, /* an address or path is in use, or not this host's; or the service is
                            * there already, or not there, or does not answer */
    EXIT_SYSTEM = 71,      /* the operating system refused something */
    EXIT_NO_PERMISSION = 77,
    EXIT_CONFIG = 78 /* the configuration file, or what the service manager hands over, is wrong */
} exit_code_t;

#endif
