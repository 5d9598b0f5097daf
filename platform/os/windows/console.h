#ifndef UDPECHO_WINDOWS_CONSOLE_H
#define UDPECHO_WINDOWS_CONSOLE_H

/* Puts back what terminal_describe() changed of the console, if anything, for a process that ends
 * out of order. Any thread. */
void console_restore(void);

#endif
