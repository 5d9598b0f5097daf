#include "unit.h"

#include <apr_env.h>
#include <apr_portable.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "child.h"
#include "udpecho/terminal.h"

/* Both ends of a terminal; the near one is what a program writes to. */
typedef struct pseudo_terminal {
    int far;
    apr_file_t *near;
} pseudo_terminal_t;

static pseudo_terminal_t open_terminal(apr_pool_t *pool)
{
    pseudo_terminal_t terminal = {.far = posix_openpt(O_RDWR | O_NOCTTY)};

    assert_true(terminal.far >= 0);
    assert_int_equal(grantpt(terminal.far), 0);
    assert_int_equal(unlockpt(terminal.far), 0);
    int near = open(ptsname(terminal.far), O_RDWR | O_NOCTTY);

    assert_true(near >= 0);
    assert_int_equal(apr_os_file_put(&terminal.near, &near, APR_FOPEN_WRITE, pool), APR_SUCCESS);
    return terminal;
}

static void close_terminal(const pseudo_terminal_t *terminal)
{
    apr_file_close(terminal->near);
    close(terminal->far);
}

static void resize(const pseudo_terminal_t *terminal, unsigned short columns, unsigned short rows)
{
    const struct winsize size = {.ws_col = columns, .ws_row = rows};

    assert_int_equal(ioctl(terminal->far, TIOCSWINSZ, &size), 0);
}

static void a_terminal_tells_its_size_as_it_is_now(void **state)
{
    pseudo_terminal_t pseudo = open_terminal(*state);
    terminal_t terminal;

    apr_env_set("TERM", "xterm-256color", *state);
    resize(&pseudo, 100, 40);
    assert_true(terminal_describe(&terminal, pseudo.near));
    assert_int_equal(terminal.columns, 100);
    assert_int_equal(terminal.rows, 40);
    resize(&pseudo, 20, 5);
    assert_true(terminal_describe(&terminal, pseudo.near));
    assert_int_equal(terminal.columns, 20);
    assert_int_equal(terminal.rows, 5);
    close_terminal(&pseudo);
}

static void one_that_tells_no_size_has_the_usual_one(void **state)
{
    pseudo_terminal_t pseudo = open_terminal(*state);
    terminal_t terminal;

    apr_env_set("TERM", "vt100", *state);
    assert_true(terminal_describe(&terminal, pseudo.near));
    assert_int_equal(terminal.columns, 80);
    assert_int_equal(terminal.rows, 24);
    close_terminal(&pseudo);
}

static void what_cannot_be_drawn_on_is_left_alone(void **state)
{
    pseudo_terminal_t pseudo = open_terminal(*state);
    terminal_t terminal = {.columns = 1};
    apr_file_t *in, *out;

    apr_env_set("TERM", "dumb", *state);
    assert_false(terminal_describe(&terminal, pseudo.near));
    apr_env_delete("TERM", *state);
    assert_false(terminal_describe(&terminal, pseudo.near));
    apr_env_set("TERM", "xterm", *state);
    assert_int_equal(apr_file_pipe_create(&in, &out, *state), APR_SUCCESS);
    assert_false(terminal_describe(&terminal, out));
    assert_int_equal(terminal.columns, 1);
    close_terminal(&pseudo);
}

static void a_terminal_whose_far_end_is_closed_is_open_no_longer(void **state)
{
    pseudo_terminal_t pseudo = open_terminal(*state);
    apr_file_t *in, *out;

    apr_env_set("TERM", "dumb", *state);
    assert_true(terminal_is_open(pseudo.near));
    close(pseudo.far);
    assert_false(terminal_is_open(pseudo.near));
    apr_file_close(pseudo.near);
    assert_int_equal(apr_file_pipe_create(&in, &out, *state), APR_SUCCESS);
    assert_false(terminal_is_open(out));
}

static void the_locale_says_whether_there_is_utf8(void **state)
{
    pseudo_terminal_t pseudo = open_terminal(*state);
    terminal_t terminal;

    apr_env_set("TERM", "xterm", *state);
    apr_env_set("LC_ALL", "C", *state);
    assert_true(terminal_describe(&terminal, pseudo.near));
    assert_false(terminal.has_utf8);
    if (setlocale(LC_CTYPE, "C.UTF-8") != NULL) { /* not every system has this one */
        setlocale(LC_CTYPE, "C");
        apr_env_set("LC_ALL", "C.UTF-8", *state);
        assert_true(terminal_describe(&terminal, pseudo.near));
        assert_true(terminal.has_utf8);
    }
    if (setlocale(LC_CTYPE, "no such locale") == NULL) { /* musl has every locale, with UTF-8 */
        apr_env_set("LC_ALL", "no such locale", *state);
        assert_true(terminal_describe(&terminal, pseudo.near));
        assert_false(terminal.has_utf8);
    }
    close_terminal(&pseudo);
}

static void look_from_the_background(apr_pool_t *pool)
{
    pseudo_terminal_t pseudo = open_terminal(pool);
    apr_os_file_t near;
    terminal_t terminal;
    int status;

    require(setsid() > 0 && apr_os_file_get(&near, pseudo.near) == APR_SUCCESS &&
            ioctl(near, TIOCSCTTY, 0) == 0);
    require(terminal_describe(&terminal, pseudo.near) && !terminal.is_background);
    pid_t child = fork();

    if (child == 0) {
        require(setpgid(0, 0) == 0);
        require(terminal_describe(&terminal, pseudo.near) && terminal.is_background);
        _exit(0);
    }
    require(waitpid(child, &status, 0) == child && status == 0);
}

static void a_job_in_the_background_is_told_so(void **state)
{
    apr_env_set("TERM", "xterm", *state);
    assert_int_equal(status_of_child(look_from_the_background, *state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_terminal_tells_its_size_as_it_is_now),
        scene(one_that_tells_no_size_has_the_usual_one),
        scene(what_cannot_be_drawn_on_is_left_alone),
        scene(a_terminal_whose_far_end_is_closed_is_open_no_longer),
        scene(the_locale_says_whether_there_is_utf8),
        scene(a_job_in_the_background_is_told_so),
    };

    return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}
