/*
 * Runs a program on a machine without a vDSO (vdso(7)), so that it asks the kernel for the time:
 *     without_vdso udpechod ...
 * The kernel tells a new program where the vDSO is in the auxiliary vector on its stack
 * (getauxval(3)). A tracer takes that entry away before the first instruction, and lets go. The
 * program keeps the process that was started, so that signals and its exit code are its own.
 */

#define _GNU_SOURCE /* for syscall(2) */

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *step)
{
    perror(step);
    return 125;
}

/* ptrace(2) by its number: its prototype takes numbers for pointers. */
static long ask(long request, pid_t program, unsigned long place, unsigned long data)
{
    return syscall(SYS_ptrace, request, (long)program, place, data);
}

static unsigned long stack_of(pid_t program)
{
    struct user_regs_struct registers;
    struct iovec all = {&registers, sizeof registers};

    if (ask(PTRACE_GETREGSET, program, NT_PRSTATUS, (unsigned long)&all) != 0) {
        exit(fail("without_vdso: read the registers"));
    }
#if defined(__x86_64__)
    return registers.rsp;
#else
    return registers.sp;
#endif
}

static long word_at(pid_t program, unsigned long place)
{
    long word = 0;

    ask(PTRACE_PEEKDATA, program, place, (unsigned long)&word);
    return word;
}

/* Behind the number of arguments, the arguments and NULL, the environment and NULL. */
static unsigned long auxiliary_vector(pid_t program)
{
    unsigned long place = stack_of(program);

    place += ((unsigned long)word_at(program, place) + 2) * sizeof(long);
    while (word_at(program, place) != 0) {
        place += sizeof(long);
    }
    return place + sizeof(long);
}

static void take_away(pid_t program)
{
    unsigned long entry = auxiliary_vector(program);
    long type;

    while ((type = word_at(program, entry)) != AT_NULL) {
        if (type == AT_SYSINFO_EHDR) {
            ask(PTRACE_POKEDATA, program, entry, AT_IGNORE);
        }
        entry += 2 * sizeof(long);
    }
}

/* Traces the process that started this one until it has become the program. */
static int trace(pid_t program, int ready)
{
    int status = 0;

    if (ask(PTRACE_SEIZE, program, 0, PTRACE_O_TRACEEXEC) != 0) {
        return fail("without_vdso: trace");
    }
    if (write(ready, "", 1) != 1) {
        return fail("without_vdso: tell");
    }
    while (waitpid(program, &status, 0) == program && WIFSTOPPED(status)) {
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
            take_away(program);
            ask(PTRACE_DETACH, program, 0, 0);
            return 0;
        }
        ask(PTRACE_CONT, program, 0, (unsigned long)WSTOPSIG(status));
    }
    return 125;
}

/* The tracer is nobody's child, so that the program has none that it does not know of. */
static int start_tracer(int ready)
{
    pid_t program = getpid();
    pid_t child = fork();

    if (child == 0) {
        if (fork() == 0) {
            _exit(trace(program, ready));
        }
        _exit(0);
    }
    return child > 0 && waitpid(child, NULL, 0) == child ? 0 : -1;
}

int main(int argc, char **argv)
{
    int ready[2];
    char byte;

    if (argc < 2) {
        fprintf(stderr, "usage: without_vdso PROGRAM [ARGUMENT]...\n");
        return 125;
    }
    if (pipe(ready) != 0 || start_tracer(ready[1]) != 0) {
        return fail("without_vdso");
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1) {
        return 125; /* the tracer has said why */
    }
    close(ready[0]);
    execvp(argv[1], argv + 1);
    return fail(argv[1]);
}
