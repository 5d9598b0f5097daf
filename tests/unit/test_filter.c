/* What is left of the kernel's calls in the sandbox, tried in children, one for each attempt. */

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter.h"
#include "udpecho/confinement.h"

#define CONFIG_FILE "/dev/null" /* any file: that there is one is what counts */

static platform_t platform;      /* of this machine */
static sandbox_needs_t nothing;  /* besides serving */
static sandbox_needs_t one_file; /* to read again */
static sandbox_needs_t listeners;
static sandbox_needs_t connections;
static sandbox_needs_t successors;

/* Above the numbers of all calls that Linux has had so far. */
#define CALLS_END 1024

/* Non-zero if the sandbox kills a process for what `attempt` does in it. */
static int is_deadly(const sandbox_needs_t *needs, void (*attempt)(void))
{
    const char *found;
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        /* Bad arguments are deadly as well; cmocka would catch that and go on as two processes. */
        signal(SIGSEGV, SIG_DFL);
        signal(SIGILL, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        sandbox_enter(&platform, needs, &found);
        attempt();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* Its scene goes on only where there is a sandbox; a sanitizer's runtime cannot live in it. */
static void needs_sandbox(apr_pool_t *pool)
{
    const char *found;
    int status = 0;

    platform_probe(&platform, pool);
    apr_array_header_t *files = apr_array_make(pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(files, const char *) = CONFIG_FILE;
    nothing.files = apr_array_make(pool, 1, sizeof(const char *));
    one_file.files = files;
    listeners = (sandbox_needs_t){.files = files, .opens_listeners = 1};
    connections = (sandbox_needs_t){.files = files, .connections = 1};
    successors = (sandbox_needs_t){.files = files, .hands_over = 1};

    pid_t child = fork();

    if (child == 0) {
        _exit(sandbox_enter(&platform, &nothing, &found) == APR_SUCCESS ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0) {
        skip_test("this kernel, or a build with a sanitizer, has no sandbox");
    }
}

/* ---- Attempts ---- */

static void do_nothing(void)
{
}

static void open_a_socket(void)
{
    socket(AF_INET, SOCK_DGRAM, 0);
}

static void open_a_stream(void)
{
    socket(AF_INET, SOCK_STREAM, 0);
}

static void open_a_local_socket(void)
{
    socket(AF_UNIX, SOCK_DGRAM, 0);
}

static void run_a_program(void)
{
    execl("/bin/true", "true", (char *)NULL);
}

static void start_a_process(void)
{
    fork();
}

static void send_a_signal(void)
{
    kill(getppid(), 0);
}

static void read_a_file(void)
{
    char byte;
    int file = open(CONFIG_FILE, O_RDONLY | O_CLOEXEC);

    if (file < 0 || read(file, &byte, 1) != 0 || close(file) != 0) {
        raise(SIGSYS); /* allowed, but it does not work */
    }
}

static void write_to_a_file(void)
{
    open("/dev/null", O_WRONLY);
}

static void make_a_file(void)
{
    open("/dev/null", O_RDONLY | O_CREAT, 0600);
}

static void take_memory(void)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED || munmap(memory, 4096) != 0) {
        raise(SIGSYS);
    }
}

static void take_memory_for_code(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void make_memory_executable(void)
{
    static _Alignas(4096) char page[4096];

    mprotect(page, sizeof page, PROT_READ | PROT_EXEC);
}

static void map_a_file(void)
{
    (void)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, STDERR_FILENO, 0);
}

static void change_a_socket(void)
{
    int on = 1;

    setsockopt(STDERR_FILENO, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
}

/* ---- Scenes ---- */

static void serving_is_allowed(void **state)
{
    needs_sandbox(*state);
    assert_false(is_deadly(&nothing, do_nothing));
    assert_false(is_deadly(&nothing, take_memory));
    assert_false(is_deadly(&one_file, read_a_file));
}

static void anything_else_is_deadly(void **state)
{
    needs_sandbox(*state);
    assert_true(is_deadly(&one_file, open_a_socket));
    assert_true(is_deadly(&one_file, run_a_program));
    assert_true(is_deadly(&one_file, start_a_process));
    assert_true(is_deadly(&one_file, send_a_signal));
    assert_true(is_deadly(&one_file, write_to_a_file));
    assert_true(is_deadly(&one_file, make_a_file));
    assert_true(is_deadly(&one_file, map_a_file));
    assert_true(is_deadly(&one_file, take_memory_for_code));
    assert_true(is_deadly(&one_file, make_memory_executable));
    assert_true(is_deadly(&one_file, change_a_socket));
}

static void files_are_opened_only_where_there_is_one_to_read_again(void **state)
{
    needs_sandbox(*state);
    assert_true(is_deadly(&nothing, read_a_file));
}

static void listeners_are_opened_only_where_a_reload_may(void **state)
{
    needs_sandbox(*state);
    assert_false(is_deadly(&listeners, open_a_socket));
    assert_false(is_deadly(&listeners, change_a_socket));
    assert_true(is_deadly(&listeners, open_a_stream));
    assert_true(is_deadly(&listeners, open_a_local_socket));
    assert_true(is_deadly(&listeners, run_a_program));
    assert_true(is_deadly(&listeners, write_to_a_file));
}

static void accept_a_connection(void)
{
    accept4(STDERR_FILENO, NULL, NULL, SOCK_CLOEXEC);
}

static void connections_are_accepted_only_where_somebody_may_ask(void **state)
{
    needs_sandbox(*state);
    assert_true(is_deadly(&listeners, accept_a_connection));
    assert_false(is_deadly(&connections, accept_a_connection));
    assert_true(is_deadly(&connections, open_a_local_socket));
    assert_int_equal(filter_size(&platform, &connections), filter_size(&platform, &one_file) + 1);
}

static void *open_a_socket_when_told(void *told)
{
    char byte;

    if (read(*(int *)told, &byte, 1) == 1) {
        open_a_socket();
    }
    return NULL;
}

static void threads_that_were_there_before_are_in_it_too(void **state)
{
    int status = 0;
    pid_t child = fork();

    needs_sandbox(*state);
    if (child == 0) {
        pthread_t thread;
        const char *found;
        int ends[2];

        if (pipe(ends) == 0 && pthread_create(&thread, NULL, open_a_socket_when_told, ends) == 0 &&
            sandbox_enter(&platform, &nothing, &found) == APR_SUCCESS &&
            write(ends[1], "", 1) == 1) {
            pthread_join(thread, NULL);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static long the_call;

/* Its arguments are wrong for all calls, and yet what the conditions ask for: a level, read only,
 * no code, anonymous. */
static void make_the_call(void)
{
    long result = syscall(the_call, -1L, (long)SOL_SOCKET, 0L, (long)MAP_ANONYMOUS, 0L, 0L);

    if (result == -1 && (errno == ENOSYS || errno == ENOMEM || errno == EINTR)) {
        raise(SIGSYS); /* refused, and so not allowed */
    }
}

/* Not uretprobe and uprobe of x86-64: they are the kernel's own, for its probes in user space, and
 * it lets them pass by every filter. */
static int is_filtered(long call)
{
    return call != 335 && call != 336;
}

/* All numbers are tried, so that this does not rest on our own table. */
static unsigned calls_left(const sandbox_needs_t *needs)
{
    unsigned allowed = 0;

    for (the_call = 0; the_call < CALLS_END; the_call++) {
        allowed += is_filtered(the_call) && !is_deadly(needs, make_the_call);
    }
    return allowed;
}

static void at_most_twenty_calls_are_left(void **state)
{
    needs_sandbox(*state);
    assert_in_range(calls_left(&one_file), 10, 20);
    assert_int_equal(calls_left(&one_file), filter_size(&platform, &one_file));
    assert_int_equal(filter_size(&platform, &nothing), filter_size(&platform, &one_file) - 1);
}

static void two_more_hand_them_over(void **state)
{
    int has_sendmsg;

    needs_sandbox(*state);
    has_sendmsg = !platform_has(&platform, FEATURE_BATCHED_SEND); /* to reply by */
    assert_int_equal(calls_left(&successors), calls_left(&one_file) + 2 - (unsigned)has_sendmsg);
}

static void one_more_has_them_kept(void **state)
{
    sandbox_needs_t kept = {.opens_listeners = 1, .stores_listeners = 1};
    int has_sendmsg;

    needs_sandbox(*state);
    kept.files = one_file.files;
    has_sendmsg = !platform_has(&platform, FEATURE_BATCHED_SEND);
    assert_int_equal(calls_left(&kept), calls_left(&listeners) + 1 - (unsigned)has_sendmsg);
}

/* The calls of make_the_call() are of no family of sockets, so socket(2) stays deadly, and so does
 * fcntl(2), which neither reads nor sets flags there. */
static void seven_more_open_listeners(void **state)
{
    needs_sandbox(*state);
    assert_int_equal(filter_size(&platform, &listeners), filter_size(&platform, &one_file) + 7);
    assert_int_equal(calls_left(&listeners), calls_left(&one_file) + 5);
}

/* Both want epoll_ctl(2), and setsockopt(2) is allowed to the one and refused to the other. */
static void http_takes_six_and_agrees_with_what_opens_listeners(void **state)
{
    sandbox_needs_t http = {.connections = 1, .serves_http = 1};

    needs_sandbox(*state);
    http.files = one_file.files;
    assert_int_equal(calls_left(&http), filter_size(&platform, &one_file) + 6);
    assert_false(is_deadly(&http, change_a_socket));
    http.opens_listeners = 1;
    assert_int_equal(filter_size(&platform, &http), filter_size(&platform, &listeners) + 5);
    assert_int_equal(calls_left(&http), calls_left(&listeners) + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(serving_is_allowed),
        scene(anything_else_is_deadly),
        scene(files_are_opened_only_where_there_is_one_to_read_again),
        scene(connections_are_accepted_only_where_somebody_may_ask),
        scene(threads_that_were_there_before_are_in_it_too),
        scene(listeners_are_opened_only_where_a_reload_may),
        scene(at_most_twenty_calls_are_left),
        scene(seven_more_open_listeners),
        scene(http_takes_six_and_agrees_with_what_opens_listeners),
        scene(two_more_hand_them_over),
        scene(one_more_has_them_kept),
    };

    return run_group("filter of system calls", tests);
}
