#include "os/linux/refusals.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <ucontext.h>

#include "os/main_thread.h"

/* Defined in the kernel's <asm/siginfo.h>, which conflicts with the C library's <signal.h>. */
#if !defined(SYS_SECCOMP)
#define SYS_SECCOMP 1
#endif

static sandbox_refusals_t *noted;

/* The call was not made and its registers are unchanged; the return value goes where the
 * processor's calling convention has it (syscall(2)). */
static void set_result(ucontext_t *thread, int result)
{
#if defined(__x86_64__)
    thread->uc_mcontext.gregs[REG_RAX] = result;
#elif defined(__aarch64__)
    thread->uc_mcontext.regs[0] = (unsigned long long)result;
#else
    (void)thread, (void)result; /* filter_load() puts no filter on other processors */
#endif
}

/* Runs in the thread that made the call, and must not make one itself. */
static void on_refusal(int signal_number, siginfo_t *information, void *context)
{
    (void)signal_number;
    if (information->si_code == SYS_SECCOMP) {
        atomic_store(&noted->call, information->si_syscall);
        atomic_fetch_add(&noted->count, 1);
        set_result(context, -ENOSYS);
    }
}

apr_status_t refusals_catch(sandbox_refusals_t *refusals)
{
    assert(is_main_thread());

    struct sigaction action = {.sa_sigaction = on_refusal, .sa_flags = SA_SIGINFO};

    noted = refusals;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGSYS, &action, NULL) == 0 ? APR_SUCCESS : errno;
}
