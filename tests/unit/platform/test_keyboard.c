#include "unit.h"

#include <apr_env.h>
#include <apr_file_io.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "child.h"
#include "udpecho/clock.h"
#include "udpecho/keyboard.h"

/* Each scene runs in a child, which leads a session whose terminal is its standard input. */

#define PATIENCE_US (20 * APR_USEC_PER_SEC)
#define LOOK_US     5000

static int far; /* the other end of the terminal */

static void take_terminal(void)
{
    far = posix_openpt(O_RDWR | O_NOCTTY);
    require(far >= 0 && grantpt(far) == 0 && unlockpt(far) == 0 && setsid() > 0);
    int near = open(ptsname(far), O_RDWR | O_NOCTTY);

    require(near >= 0 && ioctl(near, TIOCSCTTY, 0) == 0 && dup2(near, STDIN_FILENO) >= 0);
    require(fcntl(far, F_SETFL, O_NONBLOCK) == 0);
    signal(SIGTTOU, SIG_IGN); /* it hands the terminal to its children */
}

static void type(const char *keys)
{
    require(write(far, keys, strlen(keys)) == (ssize_t)strlen(keys));
}

static int waits_for_lines(void)
{
    struct termios modes;

    require(tcgetattr(STDIN_FILENO, &modes) == 0);
    require(((modes.c_lflag & ICANON) != 0) == ((modes.c_lflag & ECHO) != 0));
    require((modes.c_lflag & ISIG) != 0);
    return (modes.c_lflag & ICANON) != 0;
}

static void await_modes(int waits)
{
    for (apr_time_t end = clock_now() + PATIENCE_US; waits_for_lines() != waits;) {
        require(clock_now() < end);
        clock_pause(LOOK_US);
    }
}

/* ---- A program that has a keyboard ---- */

static char pressed[8];
static atomic_uint count;

static void press(void *context, char key)
{
    char *keys = context;

    require(count < sizeof pressed - 1);
    keys[count] = key;
    atomic_fetch_add(&count, 1);
}

static keyboard_t *start(apr_pool_t *pool)
{
    keyboard_t *keyboard;
    apr_file_t *screen;

    require(apr_file_open_stdin(&screen, pool) == APR_SUCCESS);
    require(keyboard_start(&keyboard, screen, press, pressed, pool) == APR_SUCCESS);
    return keyboard;
}

static void await_keys(const char *keys)
{
    for (apr_time_t end = clock_now() + PATIENCE_US; atomic_load(&count) < strlen(keys);) {
        require(clock_now() < end);
        clock_pause(LOOK_US);
    }
    require(strcmp(pressed, keys) == 0);
}

/* It ends when it is told the key. */
static pid_t start_job(apr_pool_t *pool, const char *key)
{
    pid_t job = fork();

    if (job == 0) {
        require(setpgid(0, 0) == 0);
        signal(SIGTTOU, SIG_DFL);
        keyboard_t *keyboard = start(pool);

        await_keys(key);
        keyboard_stop(keyboard);
        _exit(0);
    }
    setpgid(job, job); /* whichever of them comes first */
    return job;
}

static void require_end(pid_t job)
{
    int status;

    require(waitpid(job, &status, WUNTRACED) == job && WIFEXITED(status) &&
            WEXITSTATUS(status) == 0);
}

/* ---- Scenes ---- */

static void press_keys(apr_pool_t *pool)
{
    char echoed;

    take_terminal();
    require(keyboard_exists());
    keyboard_t *keyboard = start(pool);

    await_modes(0);
    type("sq\xc3\xa9\n");
    await_keys("sq\n");
    require(read(far, &echoed, 1) < 0); /* nothing is echoed */
    keyboard_stop(keyboard);
    require(waits_for_lines());
}

static void keys_come_at_once_and_are_not_echoed(void **state)
{
    assert_int_equal(status_of_child(press_keys, *state), 0);
}

static void come_from_the_background(apr_pool_t *pool)
{
    take_terminal();
    pid_t job = start_job(pool, "x");

    clock_pause(500000); /* for what it must not do */
    require(waits_for_lines());
    require(tcsetpgrp(STDIN_FILENO, job) == 0);
    await_modes(0);
    type("x");
    require_end(job);
    require(waits_for_lines());
}

static void a_job_in_the_background_leaves_the_terminal_alone(void **state)
{
    assert_int_equal(status_of_child(come_from_the_background, *state), 0);
}

static void suspend(apr_pool_t *pool)
{
    char written[16];
    int status;

    take_terminal();
    pid_t job = start_job(pool, "x");

    require(tcsetpgrp(STDIN_FILENO, job) == 0);
    for (unsigned i = 0; i < 2; i++) {
        await_modes(0);
        type("\032"); /* Ctrl-Z */
        require(waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status) &&
                WSTOPSIG(status) == SIGTSTP);
        require(waits_for_lines());
        require(read(far, written, sizeof written) == 4 && memcmp(written, "\r\033[J", 4) == 0);
        require(kill(job, SIGCONT) == 0);
    }
    await_modes(0);
    type("x");
    require_end(job);
    require(waits_for_lines());
}

static void a_job_that_is_suspended_gives_the_terminal_back(void **state)
{
    assert_int_equal(status_of_child(suspend, *state), 0);
}

static void lose_terminal(apr_pool_t *pool)
{
    take_terminal();
    signal(SIGHUP, SIG_IGN);
    keyboard_t *keyboard = start(pool);

    await_modes(0);
    close(far);
    keyboard_stop(keyboard);
}

static void a_terminal_that_hangs_up_is_no_obstacle(void **state)
{
    assert_int_equal(status_of_child(lose_terminal, *state), 0);
}

static void redirect(apr_pool_t *pool)
{
    (void)pool;
    require(dup2(open("/dev/null", O_RDONLY), STDIN_FILENO) >= 0);
    require(!keyboard_exists());
}

static void a_file_is_no_keyboard(void **state)
{
    assert_int_equal(status_of_child(redirect, *state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(keys_come_at_once_and_are_not_echoed),
        scene(a_job_in_the_background_leaves_the_terminal_alone),
        scene(a_job_that_is_suspended_gives_the_terminal_back),
        scene(a_terminal_that_hangs_up_is_no_obstacle),
        scene(a_file_is_no_keyboard),
    };

    return cmocka_run_group_tests_name("keyboard", tests, NULL, NULL);
}
