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

static platform_t platform; /* of this machine */
static apr_array_header_t *no_files;
static apr_array_header_t *one_file;

/* Above the numbers of all calls that Linux has had so far. */
#define CALLS_END 1024

/* Non-zero if the sandbox kills a process for what `attempt` does in it. */
static int is_deadly(const apr_array_header_t *files, void (*attempt)(void))
{
    const char *found;
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        /* Bad arguments are deadly as well; cmocka would catch that and go on as two processes. */
        signal(SIGSEGV, SIG_DFL);
        signal(SIGILL, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        sandbox_enter(&platform, files, &found);
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
    no_files = apr_array_make(pool, 1, sizeof(const char *));
    one_file = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(one_file, const char *) = CONFIG_FILE;

    pid_t child = fork();

    if (child == 0) {
        _exit(sandbox_enter(&platform, no_files, &found) == APR_SUCCESS ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0) {
        print_message("skipped: this kernel, or a build with a sanitizer, has no sandbox\n");
        skip();
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
    assert_false(is_deadly(no_files, do_nothing));
    assert_false(is_deadly(no_files, take_memory));
    assert_false(is_deadly(one_file, read_a_file));
}

static void anything_else_is_deadly(void **state)
{
    needs_sandbox(*state);
    assert_true(is_deadly(one_file, open_a_socket));
    assert_true(is_deadly(one_file, run_a_program));
    assert_true(is_deadly(one_file, start_a_process));
    assert_true(is_deadly(one_file, send_a_signal));
    assert_true(is_deadly(one_file, write_to_a_file));
    assert_true(is_deadly(one_file, make_a_file));
    assert_true(is_deadly(one_file, map_a_file));
    assert_true(is_deadly(one_file, take_memory_for_code));
    assert_true(is_deadly(one_file, make_memory_executable));
    assert_true(is_deadly(one_file, change_a_socket));
}

static void files_are_opened_only_where_there_is_one_to_read_again(void **state)
{
    needs_sandbox(*state);
    assert_true(is_deadly(no_files, read_a_file));
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
            sandbox_enter(&platform, no_files, &found) == APR_SUCCESS &&
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
static void at_most_twenty_calls_are_left(void **state)
{
    unsigned allowed = 0;

    needs_sandbox(*state);
    for (the_call = 0; the_call < CALLS_END; the_call++) {
        allowed += is_filtered(the_call) && !is_deadly(one_file, make_the_call);
    }
    assert_in_range(allowed, 10, 20);
    assert_int_equal(allowed, filter_size(&platform, 1));
    assert_int_equal(filter_size(&platform, 0), filter_size(&platform, 1) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(serving_is_allowed),
        scene(anything_else_is_deadly),
        scene(files_are_opened_only_where_there_is_one_to_read_again),
        scene(threads_that_were_there_before_are_in_it_too),
        scene(at_most_twenty_calls_are_left),
    };

    return cmocka_run_group_tests_name("filter of system calls", tests, NULL, NULL);
}
