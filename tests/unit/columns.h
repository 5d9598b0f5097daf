#ifndef UDPECHO_COLUMNS_H
#define UDPECHO_COLUMNS_H

/* How many characters a text in UTF-8 has; all that is drawn here is one column wide. */

static inline unsigned columns_of(const char *text)
{
    unsigned columns = 0;

    for (; *text != '\0'; text++) {
        columns += (*text & 0xc0) != 0x80;
    }
    return columns;
}

#endif
