#ifndef UDPECHO_SANITIZER_H
#define UDPECHO_SANITIZER_H

/* Whether a sanitizer's runtime is in the process: it traces the process at its end, starts threads
 * and reads the process's files. gcc says so by a macro, clang by a feature. */

#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||       \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

#endif
