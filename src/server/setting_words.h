#ifndef UDPECHO_SETTING_WORDS_H
#define UDPECHO_SETTING_WORDS_H

/* The words of the options of udpechod that are a choice, by their values; a NULL ends them. */

extern const char *const port_reuse_words[];    /* port_reuse_t */
extern const char *const sandbox_words[];       /* sandbox_mode_t */
extern const char *const stamp_session_words[]; /* stamp_sessions_mode_t */
extern const char *const stamp_mode_words[];    /* stamp_mode_t */
extern const char *const stamp_short_words[];   /* 0: refuse */
extern const char *const stamp_clock_words[];   /* stamp_clock_t */

#endif
