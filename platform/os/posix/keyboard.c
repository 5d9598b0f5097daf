#include "udpecho/keyboard.h"

#include <apr_portable.h>
#include <apr_thread_proc.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

/* How often to look whether another job has given the terminal back. */
#define LOOK_INTERVAL_MS 300

struct keyboard {
    struct termios before; /* the modes of the terminal */
    int screen;            /* a descriptor */
    int stop[2];           /* a pipe, whose end is closed */
    void (*press)(void *context, char key);
    void *context;
    struct sigaction on_suspend_before;
    apr_thread_t *thread;
};

static struct keyboard the_keyboard; /* a signal handler looks at it */

int keyboard_exists(void)
{
    return isatty(STDIN_FILENO);
}

/* ---- The terminal's modes ---- */

/* A terminal that does not control this process does not tell which job has it. */
static int is_foreground(void)
{
    pid_t foreground = tcgetpgrp(STDIN_FILENO);

    return foreground < 0 || foreground == getpgrp();
}

/* Also after a shell has set them, as some do for a job that they continue. */
static void set_modes(void)
{
    struct termios modes;

    if (tcgetattr(STDIN_FILENO, &modes) == 0 && (modes.c_lflag & (ICANON | ECHO)) != 0) {
        modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        modes.c_cc[VMIN] = 1;
        modes.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    }
}

static void restore_modes(void)
{
    if (is_foreground()) {
        tcsetattr(STDIN_FILENO, TCSANOW, &the_keyboard.before);
    }
}

/* ---- Suspension ---- */

/* Runs in any thread. The process stops where the signal is let in, as it would without this. */
static void on_suspend(int number)
{
    static const char erase[] = "\r\033[J";
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    int error = errno;
    struct sigaction own;
    sigset_t suspension, before;

    if (is_foreground() && write(the_keyboard.screen, erase, sizeof erase - 1) < 0) {
        /* then the picture stays above the prompt */
    }
    restore_modes();
    sigaction(number, &usual, &own);
    pthread_kill(pthread_self(), number);
    sigemptyset(&suspension);
    sigaddset(&suspension, number);
    pthread_sigmask(SIG_UNBLOCK, &suspension, &before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sigaction(number, &own, NULL);
    errno = error;
}

static apr_status_t handle_suspension(keyboard_t *keyboard)
{
    struct sigaction action = {.sa_handler = on_suspend, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGTTOU);
    if (sigaction(SIGTSTP, NULL, &keyboard->on_suspend_before) != 0) {
        return errno;
    }
    if (keyboard->on_suspend_before.sa_handler == SIG_IGN) {
        return APR_SUCCESS; /* it is started so that nobody can suspend it */
    }
    return sigaction(SIGTSTP, &action, NULL) == 0 ? APR_SUCCESS : errno;
}

/* ---- Reading ---- */

/* Returns 0 if there is no terminal any more. */
static int read_keys(const keyboard_t *keyboard)
{
    char keys[16];
    ssize_t count = read(STDIN_FILENO, keys, sizeof keys);

    for (ssize_t i = 0; i < count; i++) {
        if ((keys[i] & 0x80) == 0) {
            keyboard->press(keyboard->context, keys[i]);
        }
    }
    /* EIO: another job took the terminal right now. */
    return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN || !is_foreground()));
}

static void *APR_THREAD_FUNC read_until_stopped(apr_thread_t *thread, void *data)
{
    const keyboard_t *keyboard = data;
    struct pollfd waited[] = {{.fd = keyboard->stop[0], .events = POLLIN},
                              {.fd = STDIN_FILENO, .events = POLLIN}};
    int exists = 1;
    sigset_t all;

    (void)thread;
    /* The process's signals are for others, and with SIGTTIN and SIGTTOU blocked, a call that comes
     * too late fails instead of stopping the process. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    while (exists) {
        int has_terminal = is_foreground();

        if (has_terminal) {
            set_modes();
        }
        waited[1].fd = has_terminal ? STDIN_FILENO : -1;
        int ready = poll(waited, 2, LOOK_INTERVAL_MS);

        if (ready > 0 && waited[0].revents != 0) {
            break;
        }
        /* Source: poll(2) of macOS, which supports no devices. read() would wait past the stop. */
        if (ready > 0 && (waited[1].revents & POLLNVAL) != 0) {
            break;
        }
        if (ready > 0 && waited[1].revents != 0 && is_foreground()) {
            exists = read_keys(keyboard);
        }
    }
    return NULL;
}

/* ---- Start and stop ---- */

static apr_status_t open_pipe(int ends[2])
{
    if (pipe(ends) != 0) {
        return errno;
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return APR_SUCCESS;
}

apr_status_t keyboard_start(keyboard_t **keyboard, apr_file_t *screen,
                            void (*press)(void *context, char key), void *context, apr_pool_t *pool)
{
    keyboard_t *own = *keyboard = &the_keyboard;
    apr_os_file_t descriptor;
    apr_status_t status = apr_os_file_get(&descriptor, screen);

    own->screen = descriptor;
    own->press = press;
    own->context = context;
    if (status == APR_SUCCESS && tcgetattr(STDIN_FILENO, &own->before) != 0) {
        status = errno;
    }
    if (status == APR_SUCCESS) {
        status = open_pipe(own->stop);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    status = handle_suspension(own);
    if (status == APR_SUCCESS) {
        status = apr_thread_create(&own->thread, NULL, read_until_stopped, own, pool);
        if (status != APR_SUCCESS) {
            sigaction(SIGTSTP, &own->on_suspend_before, NULL);
        }
    }
    if (status != APR_SUCCESS) {
        close(own->stop[0]);
        close(own->stop[1]);
    }
    return status;
}

void keyboard_stop(keyboard_t *keyboard)
{
    apr_status_t status;
    sigset_t output, before;

    close(keyboard->stop[1]);
    apr_thread_join(&status, keyboard->thread);
    close(keyboard->stop[0]);
    sigaction(SIGTSTP, &keyboard->on_suspend_before, NULL);
    sigemptyset(&output);
    sigaddset(&output, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &output, &before);
    restore_modes();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
