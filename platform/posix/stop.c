#include "stop.h"

#include <signal.h>

static volatile sig_atomic_t is_asked;

void stop_ask(void)
{
    is_asked = 1;
}

int stop_is_asked(void)
{
    return is_asked;
}
