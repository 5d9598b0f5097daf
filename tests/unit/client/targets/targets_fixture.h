#ifndef UDPECHO_TEST_TARGETS_FIXTURE_H
#define UDPECHO_TEST_TARGETS_FIXTURE_H

/* A set of targets whose name service and clock belong to the test. */

#include "client/targets/targets.h"
#include "cmocka_versions.h"
#include "udpecho/monitor.h"

#define START       apr_time_from_sec(1000)
#define SECOND      APR_USEC_PER_SEC
#define PATIENCE_US (60 * SECOND)

/* What the name service answers for a name: addresses separated by blanks. Empty: no such name. */
typedef struct entry {
    const char *name, *addresses;
} entry_t;

typedef struct peer {
    asked_t *asked;
    const char *text; /* the address */
    int is_finished;
} peer_t;

typedef struct fixture {
    targets_t *targets;
    destination_rules_t rules;
    client_settings_t settings;
    apr_array_header_t *peers; /* of peer_t *: every peer that began */
    const char *log;           /* the events since the last assert_happened() */
    int is_without_log;        /* for a test with too many events */
    apr_status_t refusal;      /* of every address; APR_SUCCESS: none is refused */
    apr_pool_t *pool;

    monitor_t *monitor; /* guards the members below */
    entry_t entries[4];
    unsigned answered; /* lookups */
    int is_silent;     /* the name service does not answer */
} fixture_t;

static const targets_options_t plain = {.resolve_interval = 300 * SECOND};

/* Creates the set with the options `wanted`, the fixture's actions and an interval of a second. */
void open_fixture(fixture_t *fixture, const targets_options_t *wanted, apr_pool_t *pool);

/* Sets the answer number `index`. */
void set_entry(fixture_t *fixture, unsigned index, const char *name, const char *addresses);

/* While it is silent, each lookup blocks. */
void set_silent(fixture_t *fixture, int is_silent);

/* Makes a list of names that are separated by blanks. */
target_list_t *list_of(const char *names, apr_pool_t *pool);

/* Gives the set a new list. */
void replace(fixture_t *fixture, const char *names);

/* Runs until there is nothing more to do at `now`. Returns when to run next. */
apr_time_t run_at(const fixture_t *fixture, apr_time_t now);

/* Runs at `now`, and again after `lookups` answers of the name service. Returns when to run next.
 */
apr_time_t run_with(fixture_t *fixture, apr_time_t now, unsigned lookups);

/* Compares the events since the last call, and clears them. */
void assert_happened(fixture_t *fixture, const char *expected);

/* Ends the peers that are finished, as the prober does. */
void end_finished(const fixture_t *fixture);

#endif
