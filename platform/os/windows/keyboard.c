#include "udpecho/keyboard.h"

#include <apr_errno.h>
#include <apr_thread_proc.h>
#include <windows.h>

struct keyboard {
    HANDLE input;
    DWORD before; /* the modes of the console */
    HANDLE stop;  /* an event */
    void (*press)(void *context, char key);
    void *context;
    apr_thread_t *thread;
};

static struct keyboard the_keyboard;

int keyboard_exists(void)
{
    DWORD mode;

    return GetConsoleMode(GetStdHandle(STD_INPUT_HANDLE), &mode) != 0;
}

/* Returns 0 if there is no console any more. */
static int read_keys(const keyboard_t *keyboard)
{
    INPUT_RECORD events[16];
    DWORD count;

    if (!ReadConsoleInputW(keyboard->input, events, sizeof events / sizeof events[0], &count)) {
        return 0;
    }
    for (DWORD i = 0; i < count; i++) {
        const KEY_EVENT_RECORD *key = &events[i].Event.KeyEvent;

        if (events[i].EventType == KEY_EVENT && key->bKeyDown && key->uChar.UnicodeChar > 0 &&
            key->uChar.UnicodeChar < 0x80) {
            keyboard->press(keyboard->context, (char)key->uChar.UnicodeChar);
        }
    }
    return 1;
}

static void *APR_THREAD_FUNC read_until_stopped(apr_thread_t *thread, void *data)
{
    const keyboard_t *keyboard = data;
    const HANDLE waited[] = {keyboard->stop, keyboard->input};

    (void)thread;
    while (WaitForMultipleObjects(2, waited, FALSE, INFINITE) == WAIT_OBJECT_0 + 1 &&
           read_keys(keyboard)) {
    }
    return NULL;
}

/* Nobody is suspended here. */
apr_status_t keyboard_start(keyboard_t **keyboard, apr_file_t *screen,
                            void (*press)(void *context, char key), void *context, apr_pool_t *pool)
{
    keyboard_t *own = *keyboard = &the_keyboard;

    (void)screen;
    own->press = press;
    own->context = context;
    own->input = GetStdHandle(STD_INPUT_HANDLE);
    own->stop = CreateEventW(NULL, TRUE, FALSE, NULL);
    /* ENABLE_PROCESSED_INPUT, which has Ctrl-C end the process, stays as it is. */
    if (own->stop == NULL || !GetConsoleMode(own->input, &own->before) ||
        !SetConsoleMode(own->input,
                        own->before & ~(DWORD)(ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT))) {
        return (apr_status_t)apr_get_os_error();
    }
    apr_status_t status = apr_thread_create(&own->thread, NULL, read_until_stopped, own, pool);

    if (status != APR_SUCCESS) {
        SetConsoleMode(own->input, own->before);
    }
    return status;
}

void keyboard_stop(keyboard_t *keyboard)
{
    apr_status_t status;

    SetEvent(keyboard->stop);
    apr_thread_join(&status, keyboard->thread);
    CloseHandle(keyboard->stop);
    SetConsoleMode(keyboard->input, keyboard->before);
}
