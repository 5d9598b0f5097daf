#ifndef UDPECHO_INTERFACES_H
#define UDPECHO_INTERFACES_H

/* Reads the names of all interfaces, from which host_interface_name() answers from then on. Before
 * any other thread calls that. */
void interfaces_remember(void);

#endif
