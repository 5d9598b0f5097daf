#ifndef UDPECHO_SORT_H
#define UDPECHO_SORT_H

#include <apr.h>

/*
 * Sorts `count` items of `size` bytes in place. Equal items may change places. Unlike qsort(3)
 * it needs no memory: that of glibc allocates above 1,024 bytes, and first asks how much the
 * machine has (sysinfo(2)), which the sandbox does not permit at a reload. With millions of
 * items it takes seconds and calls work_on() repeatedly, unless that is NULL. Any thread.
 */
void sort_items(void *items, apr_size_t count, apr_size_t size,
                int (*compare)(const void *one, const void *other), void (*work_on)(void));

#endif
