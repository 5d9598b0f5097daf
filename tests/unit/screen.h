#ifndef UDPECHO_SCREEN_H
#define UDPECHO_SCREEN_H

/* A terminal that a test makes up, and a screen that shows what a terminal would. */

#include <apr_env.h>
#include <stdlib.h>

#include "udpecho/terminal.h"

static struct {
    int exists;
    terminal_t is;
} made_up;

int terminal_describe(terminal_t *terminal, apr_file_t *file)
{
    (void)file;
    if (made_up.exists) {
        *terminal = made_up.is;
    }
    return made_up.exists;
}

static void use_terminal(unsigned columns, unsigned rows, int has_utf8, apr_pool_t *pool)
{
    made_up.exists = 1;
    made_up.is = (terminal_t){.columns = columns, .rows = rows, .has_utf8 = has_utf8};
    apr_env_delete("NO_COLOR", pool);
}

/* ---- The screen ---- */

#define SCREEN_ROWS    400
#define SCREEN_COLUMNS 256

/* It never scrolls: rows are added below. What a row holds is told in characters. */
typedef struct screen {
    char character[SCREEN_ROWS][SCREEN_COLUMNS]; /* the first byte of each */
    unsigned row, column;
    unsigned longest;
} screen_t;

static void erase_line(screen_t *screen)
{
    memset(&screen->character[screen->row][screen->column], 0, SCREEN_COLUMNS - screen->column);
}

static void erase_below(screen_t *screen)
{
    erase_line(screen);
    for (unsigned row = screen->row + 1; row < SCREEN_ROWS; row++) {
        memset(screen->character[row], 0, SCREEN_COLUMNS);
    }
}

/* Returns where the sequence ends. */
static const char *move(screen_t *screen, const char *sequence)
{
    char *end;
    unsigned number = (unsigned)strtoul(sequence + 2, &end, 10);

    assert_int_equal(sequence[1], '[');
    if (*end == 'A') {
        assert_in_range(number, 1, screen->row);
        screen->row -= number;
    } else if (*end == 'J') {
        assert_int_equal(number, 0);
        erase_below(screen);
    } else if (*end == 'K') {
        assert_int_equal(number, 0);
        erase_line(screen);
    } else {
        assert_int_equal(*end, 'm');
    }
    return end + 1;
}

static void show(screen_t *screen, const char *text)
{
    while (*text != '\0') {
        if (*text == '\033') {
            text = move(screen, text);
            continue;
        }
        if (*text == '\n' || *text == '\r') {
            screen->column = 0;
            screen->row += *text == '\n';
            assert_in_range(screen->row, 0, SCREEN_ROWS - 1);
        } else if ((*text & 0xc0) != 0x80) {
            screen->character[screen->row][screen->column++] = *text;
            assert_in_range(screen->column, 1, SCREEN_COLUMNS - 1);
            screen->longest = screen->column > screen->longest ? screen->column : screen->longest;
        }
        text++;
    }
}

static const char *row_of(const screen_t *screen, unsigned row)
{
    return screen->character[row];
}

#endif
