/* Whether a load balancer should send datagrams, and what the log says of it. */

#include "unit.h"

#include "captured_log.h"
#include "server/observe/readiness.h"

static void assert_named(const readiness_source_t *source, health_t health, const char *expected)
{
    assert_string_equal(readiness_name(readiness_of(source, health)), expected);
}

static void health_alone_decides_at_first(void **state)
{
    readiness_source_t source = {.log = NULL};

    (void)state;
    assert_named(&source, HEALTH_OK, "ready");
    assert_named(&source, HEALTH_DEGRADED, "degraded");
    assert_named(&source, HEALTH_STALLED, "stalled");
    assert_named(&source, HEALTH_DRAINING, "draining");
}

static void what_was_asked_for_is_told_before_what_is_wrong(void **state)
{
    readiness_source_t source = {.log = NULL};

    (void)state;
    atomic_store(&source.is_drained, 1);
    assert_named(&source, HEALTH_OK, "drained");
    assert_named(&source, HEALTH_STALLED, "drained");
    atomic_store(&source.is_lame_duck, 1);
    assert_named(&source, HEALTH_DEGRADED, "lame-duck");
    assert_named(&source, HEALTH_DRAINING, "draining");
    atomic_store(&source.is_drained, 0);
    assert_named(&source, HEALTH_OK, "lame-duck");
}

/* How often this stands in the log. */
static unsigned count(const char *log, const char *text)
{
    unsigned found = 0;

    while ((log = strstr(log, text)) != NULL) {
        log += strlen(text);
        found++;
    }
    return found;
}

static void only_changes_are_logged(void **state)
{
    captured_log_t captured = capture_log(*state);
    readiness_source_t source = {.log = captured.log};

    readiness_log(&source, READINESS_READY);
    readiness_log(&source, READINESS_STALLED);
    readiness_log(&source, READINESS_STALLED);
    readiness_log(&source, READINESS_DRAINING);
    readiness_log(&source, READINESS_READY);
    readiness_log(&source, READINESS_DRAINED);
    const char *log = captured_text(&captured);

    assert_int_equal(count(log, "\n"), 3);
    assert_int_equal(count(log, " warning not ready because=stalled\n"), 1);
    assert_int_equal(count(log, " info ready\n"), 1);
    assert_int_equal(count(log, " info not ready because=drained\n"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(health_alone_decides_at_first),
        scene(what_was_asked_for_is_told_before_what_is_wrong),
        scene(only_changes_are_logged),
    };

    return cmocka_run_group_tests_name("readiness", tests, NULL, NULL);
}
