#include "os/main_thread.h"

#include <assert.h>

static int has_begun; /* set before any other thread is started */
static _Thread_local int is_main;

void main_thread_begin(void)
{
    assert(!has_begun);
    has_begun = 1;
    is_main = 1;
}

int is_main_thread(void)
{
    return !has_begun || is_main;
}
