/* What is left of the kernel's calls in the sandbox, tried in children, one for each attempt. */

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/linux/filter.h"
#include "udpecho/clock.h"
#include "udpecho/confinement.h"

#define CONFIG_FILE "/dev/null" /* any file: that there is one is what counts */

static platform_t platform;      /* of this machine */
static sandbox_needs_t nothing;  /* besides serving */
static sandbox_needs_t one_file; /* to read again */
static sandbox_needs_t listeners;
static sandbox_needs_t connections;
static sandbox_needs_t successors;

static sandbox_needs_t clock_quality_asked;

/* Above the numbers of all calls that Linux has had so far. */
#define CALLS_END 1024

typedef enum outcome { ALLOWED, REFUSED, DEADLY } outcome_t;

static sandbox_refusals_t refusals;

/* What the sandbox makes of `attempt`. */
static outcome_t outcome_of(const sandbox_needs_t *needs, void (*attempt)(void))
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
        _exit(atomic_load(&refusals.count) > 0 ? REFUSED : ALLOWED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGSYS ? DEADLY : ALLOWED;
    }
    return WEXITSTATUS(status) == REFUSED ? REFUSED : ALLOWED;
}

/* Its scene goes on only where there is a sandbox; a sanitizer's runtime cannot live in it. */
static void needs_sandbox(apr_pool_t *pool)
{
    const char *found;
    int status = 0;

    platform_probe(&platform, pool);
    apr_array_header_t *files = apr_array_make(pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(files, const char *) = CONFIG_FILE;
    nothing = (sandbox_needs_t){.files = apr_array_make(pool, 1, sizeof(const char *)),
                                .refusals = &refusals};
    one_file = (sandbox_needs_t){.files = files, .refusals = &refusals};
    listeners = one_file;
    listeners.opens_listeners = 1;
    connections = one_file;
    connections.connections = 1;
    successors = one_file;
    successors.hands_over = 1;
    clock_quality_asked = nothing;
    clock_quality_asked.asks_clock_quality = 1;

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
        _exit(REFUSED); /* allowed, but it does not work */
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
        _exit(REFUSED);
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
    assert_int_equal(outcome_of(&nothing, do_nothing), ALLOWED);
    assert_int_equal(outcome_of(&nothing, take_memory), ALLOWED);
    assert_int_equal(outcome_of(&one_file, read_a_file), ALLOWED);
}

static void what_only_foreign_code_calls_is_deadly(void **state)
{
    needs_sandbox(*state);
    assert_int_equal(outcome_of(&listeners, run_a_program), DEADLY);
    assert_int_equal(outcome_of(&listeners, start_a_process), DEADLY);
    assert_int_equal(outcome_of(&listeners, send_a_signal), DEADLY);
}

static void anything_else_is_refused(void **state)
{
    needs_sandbox(*state);
    assert_int_equal(outcome_of(&one_file, open_a_socket), REFUSED);
    assert_int_equal(outcome_of(&one_file, write_to_a_file), REFUSED);
    assert_int_equal(outcome_of(&one_file, make_a_file), REFUSED);
    assert_int_equal(outcome_of(&one_file, map_a_file), REFUSED);
    assert_int_equal(outcome_of(&one_file, take_memory_for_code), REFUSED);
    assert_int_equal(outcome_of(&one_file, make_memory_executable), REFUSED);
    assert_int_equal(outcome_of(&one_file, change_a_socket), REFUSED);
}

/* The call fails as on a kernel without it, and its number is logged. */
static void check_refusal(void)
{
    if (syscall(SYS_sysinfo, NULL) != -1 || errno != ENOSYS || atomic_load(&refusals.count) != 1 ||
        atomic_load(&refusals.call) != SYS_sysinfo) {
        _exit(ALLOWED);
    }
}

static void refusal_is_an_error_and_is_noted(void **state)
{
    needs_sandbox(*state);
    assert_int_equal(outcome_of(&nothing, check_refusal), REFUSED);
}

static void files_are_opened_only_where_there_is_one_to_read_again(void **state)
{
    needs_sandbox(*state);
    assert_int_equal(outcome_of(&nothing, read_a_file), REFUSED);
}

static void listeners_are_opened_only_where_a_reload_may(void **state)
{
    needs_sandbox(*state);
    assert_int_equal(outcome_of(&listeners, open_a_socket), ALLOWED);
    assert_int_equal(outcome_of(&listeners, change_a_socket), ALLOWED);
    assert_int_equal(outcome_of(&listeners, open_a_stream), REFUSED);
    assert_int_equal(outcome_of(&listeners, open_a_local_socket), REFUSED);
    assert_int_equal(outcome_of(&listeners, write_to_a_file), REFUSED);
}

static void ask_how_good_the_clock_is(void)
{
    clock_quality();
}

static void ask_for_another_clock(void)
{
    struct timex discipline = {.modes = 0};

    clock_adjtime(CLOCK_MONOTONIC, &discipline);
}

static void the_clock_is_asked_after_only_where_somebody_tells_its_time(void **state)
{
    needs_sandbox(*state);
    assert_int_equal(outcome_of(&nothing, ask_how_good_the_clock_is), REFUSED);
    assert_int_equal(outcome_of(&clock_quality_asked, ask_how_good_the_clock_is), ALLOWED);
    assert_int_equal(outcome_of(&clock_quality_asked, ask_for_another_clock), REFUSED);
}

static void accept_a_connection(void)
{
    accept4(STDERR_FILENO, NULL, NULL, SOCK_CLOEXEC);
}

static void connections_are_accepted_only_where_somebody_may_ask(void **state)
{
    needs_sandbox(*state);
    assert_int_equal(outcome_of(&listeners, accept_a_connection), REFUSED);
    assert_int_equal(outcome_of(&connections, accept_a_connection), ALLOWED);
    assert_int_equal(outcome_of(&connections, open_a_local_socket), REFUSED);
    assert_int_equal(filter_size(&platform, &connections), filter_size(&platform, &one_file) + 1);
}

/* Two pipes: the thread runs; it may go on. */
typedef struct meeting {
    int running[2];
    int told[2];
} meeting_t;

static void *open_a_socket_when_told(void *data)
{
    const meeting_t *meeting = data;
    char byte = 0;

    if (write(meeting->running[1], &byte, 1) == 1 && read(meeting->told[0], &byte, 1) == 1) {
        open_a_socket();
    }
    return NULL;
}

/* Ends the process with the number of calls that the thread was refused. */
static void confine_with_a_thread(void)
{
    pthread_t thread;
    const char *found;
    meeting_t meeting;
    char byte = 0;

    if (pipe(meeting.running) == 0 && pipe(meeting.told) == 0 &&
        pthread_create(&thread, NULL, open_a_socket_when_told, &meeting) == 0 &&
        read(meeting.running[0], &byte, 1) == 1 &&
        sandbox_enter(&platform, &nothing, &found) == APR_SUCCESS &&
        write(meeting.told[1], &byte, 1) == 1) {
        pthread_join(thread, NULL);
    }
    _exit((int)atomic_load(&refusals.count));
}

static void threads_that_were_there_before_are_in_it_too(void **state)
{
    int status = 0;

    needs_sandbox(*state);
    pid_t child = fork();

    if (child == 0) {
        confine_with_a_thread();
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static long the_call;

/* Its arguments are wrong for all calls, and yet what the conditions ask for: a level, read only,
 * no code, anonymous. */
static void make_the_call(void)
{
    long result = syscall(the_call, -1L, (long)SOL_SOCKET, 0L, (long)MAP_ANONYMOUS, 0L, 0L);

    if (result == -1 && (errno == ENOSYS || errno == ENOMEM || errno == EINTR)) {
        _exit(REFUSED);
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
        allowed += is_filtered(the_call) && outcome_of(needs, make_the_call) == ALLOWED;
    }
    return allowed;
}

static void at_most_twenty_one_calls_are_left(void **state)
{
    needs_sandbox(*state);
    assert_in_range(calls_left(&nothing), 10, 21);
    assert_int_equal(calls_left(&nothing), filter_size(&platform, &nothing));
}

static void three_more_read_files_again(void **state)
{
    needs_sandbox(*state);
    assert_int_equal(calls_left(&one_file), filter_size(&platform, &one_file));
    assert_int_equal(filter_size(&platform, &one_file), filter_size(&platform, &nothing) + 3);
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
    sandbox_needs_t kept;
    int has_sendmsg;

    needs_sandbox(*state);
    kept = listeners;
    kept.stores_listeners = 1;
    has_sendmsg = !platform_has(&platform, FEATURE_BATCHED_SEND);
    assert_int_equal(calls_left(&kept), calls_left(&listeners) + 1 - (unsigned)has_sendmsg);
}

/* The calls of make_the_call() are of no family of sockets, so socket(2) stays refused, and so does
 * fcntl(2), which neither reads nor sets flags there. */
static void seven_more_open_listeners(void **state)
{
    needs_sandbox(*state);
    assert_int_equal(filter_size(&platform, &listeners), filter_size(&platform, &one_file) + 7);
    assert_int_equal(calls_left(&listeners), calls_left(&one_file) + 5);
}

/* One of them is time(2), which newer processors have no call for. */
#if defined(SYS_time)
#define HAS_TIME 1
#else
#define HAS_TIME 0
#endif

/* Both want epoll_ctl(2), and setsockopt(2) is allowed to the one and refused to the other. */
static void http_takes_seven_and_agrees_with_what_opens_listeners(void **state)
{
    sandbox_needs_t http;

    needs_sandbox(*state);
    http = connections;
    http.serves_http = 1;
    assert_int_equal(calls_left(&http), filter_size(&platform, &one_file) + 6 + HAS_TIME);
    assert_int_equal(outcome_of(&http, change_a_socket), ALLOWED);
    http.opens_listeners = 1;
    assert_int_equal(filter_size(&platform, &http),
                     filter_size(&platform, &listeners) + 5 + HAS_TIME);
    assert_int_equal(calls_left(&http), calls_left(&listeners) + 5 + HAS_TIME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(serving_is_allowed),
        scene(what_only_foreign_code_calls_is_deadly),
        scene(anything_else_is_refused),
        scene(refusal_is_an_error_and_is_noted),
        scene(files_are_opened_only_where_there_is_one_to_read_again),
        scene(the_clock_is_asked_after_only_where_somebody_tells_its_time),
        scene(connections_are_accepted_only_where_somebody_may_ask),
        scene(threads_that_were_there_before_are_in_it_too),
        scene(listeners_are_opened_only_where_a_reload_may),
        scene(at_most_twenty_one_calls_are_left),
        scene(three_more_read_files_again),
        scene(seven_more_open_listeners),
        scene(http_takes_seven_and_agrees_with_what_opens_listeners),
        scene(two_more_hand_them_over),
        scene(one_more_has_them_kept),
    };

    return run_group("filter of system calls", tests);
}
