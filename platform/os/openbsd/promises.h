#ifndef UDPECHO_PROMISES_H
#define UDPECHO_PROMISES_H

/* The promises of pledge(2) that cover what a server does in the sandbox. Needs nothing of OpenBSD,
 * so that it is tested on every system. */

#include "udpecho/confinement.h"

#define PROMISES_MAX 64

/* Writes those for `needs`, with blanks between them and a final null. Any thread. */
void promises_write(char text[PROMISES_MAX], const sandbox_needs_t *needs);

#endif
