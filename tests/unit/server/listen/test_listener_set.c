/* Which listeners a set has, and what becomes of those that another set has not. A script stands in
 * for sockets and for the service manager. */

#include "unit.h"

#include <apr_strings.h>
#include <errno.h>

#include "captured_log.h"
#include "common/ip_address.h"
#include "endpoints.h"
#include "server/listen/listener_service.h"
#include "server/listen/listener_set.h"
#include "udpecho/handover.h"

struct listener {
    listener_info_t info;
    int has_interface;
    int is_open;
    int is_stored;     /* by the service manager */
    protocol_t stored; /* as what */
    service_t *service;
    unsigned details;
    apr_pool_t *pool;
};

/* All that there are, at 127.0.0.1 and ports from 1000 on. */
static listener_t all[3];

static apr_status_t store_answer;
static int has_store;

const listener_info_t *listener_describe(const listener_t *listener)
{
    return &listener->info;
}

apr_array_header_t *listener_sockets(const listener_t *listener, apr_pool_t *pool)
{
    (void)listener;
    return apr_array_make(pool, 1, sizeof(apr_os_sock_t));
}

struct service *listener_service(const listener_t *listener)
{
    return listener->service;
}

void listener_set_service(listener_t *listener, struct service *service)
{
    listener->service = service;
}

void listener_set_details(listener_t *listener, unsigned details)
{
    listener->details = details;
}

apr_pool_t *listener_pool(const listener_t *listener)
{
    return listener->pool;
}

int listener_has_interface(const listener_t *listener)
{
    return listener->has_interface;
}

void listener_close(listener_t *listener)
{
    listener->is_open = 0;
}

listener_failure_t listener_failure_of(apr_status_t status)
{
    (void)status;
    return LISTENER_SYSTEM;
}

static listener_t *listener_at(const endpoint_t *address, const char *device)
{
    for (unsigned i = 0; i < 3; i++) {
        if (endpoint_equal(&all[i].info.local, address) &&
            strcmp(all[i].info.device, device) == 0) {
            return &all[i];
        }
    }
    return NULL;
}

int host_has_store(void)
{
    return has_store;
}

apr_status_t host_store(const endpoint_t *address, const char *device, const socket_group_t *group)
{
    listener_t *listener = listener_at(address, device);

    listener->is_stored = store_answer == APR_SUCCESS;
    listener->stored = group->protocol;
    return store_answer;
}

void host_forget(const endpoint_t *address, const char *device, protocol_t protocol)
{
    listener_t *listener = listener_at(address, device);

    listener->is_stored = listener->is_stored && listener->stored != protocol;
}

int host_await_forgetting(void)
{
    return 0;
}

/* ---- Sets ---- */

static int set_up(void **state)
{
    int result = make_pool(state);

    for (unsigned i = 0; i < 3; i++) {
        all[i] = (listener_t){.has_interface = 1, .is_open = 1};
        apr_pool_create(&all[i].pool, *state);
        all[i].info.local = ipv4(0x7f000001, (apr_port_t)(1000 + i));
    }
    store_answer = APR_SUCCESS;
    has_store = 1;
    return result;
}

#undef scene
#define scene(function) cmocka_unit_test_setup_teardown(function, set_up, destroy_pool)

/* A place in the set, with the listener, which may be NULL. */
static place_t *add_place_of(listener_set_t *set, protocol_t protocol, const char *text,
                             listener_t *listener, apr_pool_t *pool)
{
    place_t *place = apr_array_push(set->places);

    *place = (place_t){
        .protocol = protocol,
        .text = text,
        .listeners = apr_array_make(pool, 1, sizeof(listener_t *)),
        .left_out = apr_array_make(pool, 1, sizeof(apr_sockaddr_t *)),
    };
    if (listener != NULL) {
        listener_set_add(set, place, listener);
    }
    return place;
}

static place_t *add_place(listener_set_t *set, const char *text, listener_t *listener,
                          apr_pool_t *pool)
{
    return add_place_of(set, PROTOCOL_ECHO, text, listener, pool);
}

/* A set of the listeners from `first` to before `end`, each with a place of its own. */
static listener_set_t set_of(unsigned first, unsigned end, apr_pool_t *pool)
{
    listener_set_t set;

    listener_set_create(&set, pool);
    for (; first < end; first++) {
        add_place(&set, apr_psprintf(pool, "place %u", first), &all[first], pool);
    }
    return set;
}

static location_t at(apr_port_t port, const char *device, apr_pool_t *pool)
{
    endpoint_t endpoint = ipv4(0x7f000001, port);

    return (location_t){ip_address_to_apr(&endpoint, pool), device};
}

/* ---- What is in it ---- */

static void a_listener_of_two_places_is_in_the_set_once(void **state)
{
    listener_set_t set = set_of(0, 1, *state);
    place_t *place = add_place(&set, "again", &all[0], *state);

    listener_set_add(&set, place, &all[0]);
    assert_int_equal(set.all->nelts, 1);
    assert_int_equal(place->listeners->nelts, 1);
    assert_true(listener_set_has(&set, &all[0]));
    assert_false(listener_set_has(&set, &all[1]));
}

static void places_of_the_same_text_are_counted_one_by_one(void **state)
{
    listener_set_t set = set_of(0, 0, *state);

    assert_true(listener_set_is_fixed(&set));
    for (unsigned i = 0; i < 3; i++) {
        add_place(&set, i == 1 ? "other" : "text", &all[i], *state);
    }
    add_place_of(&set, PROTOCOL_STAMP, "text", NULL, *state);
    assert_false(listener_set_is_fixed(&set));
    assert_int_equal(listener_set_count(&set, PROTOCOL_ECHO, "text"), 2);
    assert_int_equal(listener_set_count(&set, PROTOCOL_STAMP, "text"), 1);
    assert_int_equal(listener_set_count(&set, PROTOCOL_ECHO_PLUS, "text"), 0);
    const place_t *second = listener_set_place(&set, PROTOCOL_ECHO, "text", 1);

    assert_ptr_equal(APR_ARRAY_IDX(second->listeners, 0, listener_t *), &all[2]);
    assert_null(listener_set_place(&set, PROTOCOL_ECHO, "text", 2));
    assert_null(listener_set_place(NULL, PROTOCOL_ECHO, "text", 0));
}

/* ---- Finding ---- */

static void one_is_found_by_address_port_and_interface(void **state)
{
    listener_set_t set = set_of(0, 2, *state);
    location_t first = at(1000, NULL, *state);
    location_t other = at(1002, NULL, *state);
    location_t on_device = at(1000, "eth0", *state);

    assert_ptr_equal(listener_set_find(&set, &first), &all[0]);
    assert_null(listener_set_find(&set, &other));
    assert_null(listener_set_find(&set, &on_device));
    assert_null(listener_set_find(NULL, &first));
    apr_cpystrn(all[0].info.device, "eth0", sizeof all[0].info.device);
    assert_ptr_equal(listener_set_find(&set, &on_device), &all[0]);
    assert_null(listener_set_find(&set, &first));
    all[0].has_interface = 0;
    assert_null(listener_set_find(&set, &on_device));
}

static void any_port_is_one_that_is_not_used_and_nobody_names(void **state)
{
    listener_set_t set = set_of(0, 3, *state);
    listener_set_t used = set_of(0, 1, *state);
    listener_set_t asked = set_of(0, 0, *state);
    location_t wanted = at(0, NULL, *state);

    assert_ptr_equal(listener_set_find_any_port(&set, &wanted, PROTOCOL_ECHO, &used, &asked),
                     &all[1]);
    add_place(&asked, "named", NULL, *state)->addresses =
        (apr_sockaddr_t *)at(1001, NULL, *state).address;
    assert_ptr_equal(listener_set_find_any_port(&set, &wanted, PROTOCOL_ECHO, &used, &asked),
                     &all[2]);
    listener_set_t both = set_of(0, 3, *state);

    assert_null(listener_set_find_any_port(&set, &wanted, PROTOCOL_ECHO, &both, &asked));
    assert_null(listener_set_find_any_port(NULL, &wanted, PROTOCOL_ECHO, &used, &asked));
    assert_null(listener_set_find_any_port(&set, &wanted, PROTOCOL_STAMP, &used, &asked));
}

/* Without places, as the process before this one left it. */
static void any_port_is_one_of_the_same_protocol(void **state)
{
    listener_set_t inherited = set_of(0, 0, *state);
    listener_set_t none = set_of(0, 0, *state);
    location_t wanted = at(0, NULL, *state);

    for (unsigned i = 0; i < 3; i++) {
        APR_ARRAY_PUSH(inherited.all, listener_t *) = &all[i];
    }
    listener_speak(&all[1], PROTOCOL_STAMP, 0);
    assert_ptr_equal(listener_set_find_any_port(&inherited, &wanted, PROTOCOL_STAMP, &none, &none),
                     &all[1]);
    assert_ptr_equal(listener_set_find_any_port(&inherited, &wanted, PROTOCOL_ECHO, &none, &none),
                     &all[0]);
}

/* ---- What is spoken ---- */

static void a_listener_speaks_what_its_place_says(void **state)
{
    listener_set_t set = set_of(0, 1, *state);

    add_place_of(&set, PROTOCOL_STAMP, "text", &all[1], *state);
    APR_ARRAY_PUSH(set.all, listener_t *) = &all[2];
    listener_speak(&all[0], PROTOCOL_ECHO_PLUS, 0);
    listener_speak(&all[2], PROTOCOL_ECHO_PLUS, 0);
    listener_set_speak(&set, 0);
    assert_int_equal(all[0].details, DETAIL_TIMES); /* a worker may have UDPEchoPlus to answer */
    listener_set_tell_less(&set, 0);
    assert_int_equal(all[0].details, 0);
    assert_int_equal(all[1].details, DETAIL_TIMES);
    assert_int_equal(all[2].details, DETAIL_TIMES);
    assert_null(listener_service(&all[0]));
    assert_int_equal(listener_protocol(&all[1]), PROTOCOL_STAMP);
    assert_int_equal(listener_protocol(&all[2]), PROTOCOL_ECHO_PLUS);
    listener_set_speak(&set, 1);
    assert_int_equal(all[0].details, DETAIL_TRAFFIC_CLASS);
    assert_int_equal(all[1].details, DETAIL_TIMES);
}

static void one_that_speaks_a_protocol_again_goes_on_counting(void **state)
{
    (void)state;
    listener_speak(&all[0], PROTOCOL_STAMP, 0);
    const service_t *before = listener_service(&all[0]);

    listener_speak(&all[0], PROTOCOL_ECHO, 0);
    assert_null(listener_service(&all[0]));
    listener_speak(&all[0], PROTOCOL_STAMP, 0);
    assert_ptr_equal(listener_service(&all[0]), before);
    listener_speak(&all[1], PROTOCOL_STAMP, 0);
    assert_ptr_not_equal(listener_service(&all[1]), before);
}

/* ---- From one set to the next ---- */

static void what_the_next_set_lacks_is_closed_and_told(void **state)
{
    captured_log_t captured = capture_log(*state);
    listener_set_t set = set_of(0, 2, *state);
    listener_set_t next = set_of(1, 3, *state);

    listener_set_close(&set, &next, captured.log);
    assert_false(all[0].is_open);
    assert_true(all[1].is_open && all[2].is_open);
    listener_set_close(&next, NULL, NULL);
    assert_false(all[1].is_open || all[2].is_open);
    const char *log = captured_text(&captured);

    assert_non_null(strstr(log, " info no longer listening address=127.0.0.1:1000\n"));
    assert_ptr_equal(strchr(log, '\n') + 1, log + strlen(log)); /* the only line */
}

static apr_status_t note_cleanup(void *is_clean)
{
    *(int *)is_clean = 1;
    return APR_SUCCESS;
}

static void what_was_opened_and_not_added_is_closed_too(void **state)
{
    listener_set_t set = set_of(0, 1, *state);
    int is_clean = 0;

    apr_pool_create(&set.opening, *state);
    apr_pool_cleanup_register(set.opening, &is_clean, note_cleanup, apr_pool_cleanup_null);
    listener_set_close(&set, &set, NULL);
    assert_true(is_clean);
    assert_true(all[0].is_open);
}

static void one_that_was_added_is_no_longer_being_opened(void **state)
{
    listener_set_t set = set_of(0, 0, *state);
    place_t *place = add_place(&set, "text", NULL, *state);

    apr_pool_create(&set.opening, *state);
    listener_set_add(&set, place, &all[0]);
    assert_null(set.opening);
}

/* ---- The service manager ---- */

static void only_what_is_new_is_stored(void **state)
{
    captured_log_t captured = capture_log(*state);
    listener_set_t set = set_of(0, 2, *state);
    listener_set_t next = set_of(1, 3, *state);

    listener_set_store(&next, &set, captured.log);
    assert_true(!all[0].is_stored && !all[1].is_stored && all[2].is_stored);
    listener_set_store(&set, NULL, captured.log);
    assert_true(all[0].is_stored && all[1].is_stored);
    listener_set_forget(&set, &next);
    assert_true(!all[0].is_stored && all[1].is_stored);
    listener_set_forget(&next, NULL);
    assert_true(!all[1].is_stored && !all[2].is_stored);
    assert_string_equal(captured_text(&captured), "");
}

static void one_whose_protocol_changes_is_stored_by_another_name(void **state)
{
    captured_log_t captured = capture_log(*state);
    listener_set_t set = set_of(0, 1, *state);
    listener_set_t next = set_of(0, 0, *state);

    listener_set_store(&set, NULL, captured.log);
    assert_int_equal(all[0].stored, PROTOCOL_ECHO);
    add_place_of(&next, PROTOCOL_STAMP, "text", &all[0], *state);
    assert_false(listener_set_agrees(&next, &set, &all[0]));
    listener_set_forget(&set, &next);
    assert_false(all[0].is_stored);
    listener_set_store(&next, &set, captured.log);
    assert_true(all[0].is_stored && all[0].stored == PROTOCOL_STAMP);
    assert_true(listener_set_agrees(&next, &next, &all[0]));
}

static void nothing_is_stored_that_it_opened_or_where_it_stores_nothing(void **state)
{
    captured_log_t captured = capture_log(*state);
    listener_set_t fixed = set_of(0, 0, *state);
    listener_set_t set = set_of(1, 2, *state);

    APR_ARRAY_PUSH(fixed.all, listener_t *) = &all[0];
    listener_set_store(&fixed, NULL, captured.log);
    has_store = 0;
    listener_set_store(&set, NULL, captured.log);
    assert_false(all[0].is_stored || all[1].is_stored);
}

static void one_that_it_will_not_store_is_told(void **state)
{
    captured_log_t captured = capture_log(*state);
    listener_set_t set = set_of(0, 1, *state);

    store_answer = EPERM;
    listener_set_store(&set, NULL, captured.log);
    assert_non_null(strstr(captured_text(&captured),
                           " warning service manager does not keep a listener "
                           "address=127.0.0.1:1000 error="));
}

/* In a jail with one address the kernel binds it for every other. */
static void all_addresses_are_found_at_the_only_one(void **state)
{
    listener_set_t set = set_of(0, 3, *state);
    endpoint_t every = ipv4(0, 1001);
    location_t location = {ip_address_to_apr(&every, *state), NULL};

    assert_null(listener_set_find(&set, &location));
    all[1].info.is_only_address = 1;
    assert_ptr_equal(listener_set_find(&set, &location), &all[1]);
    location = at(1001, NULL, *state);
    assert_ptr_equal(listener_set_find(&set, &location), &all[1]);
    every = ipv4(0, 1002);
    location.address = ip_address_to_apr(&every, *state);
    assert_null(listener_set_find(&set, &location));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_listener_of_two_places_is_in_the_set_once),
        scene(places_of_the_same_text_are_counted_one_by_one),
        scene(one_is_found_by_address_port_and_interface),
        scene(any_port_is_one_that_is_not_used_and_nobody_names),
        scene(any_port_is_one_of_the_same_protocol),
        scene(a_listener_speaks_what_its_place_says),
        scene(one_that_speaks_a_protocol_again_goes_on_counting),
        scene(what_the_next_set_lacks_is_closed_and_told),
        scene(what_was_opened_and_not_added_is_closed_too),
        scene(one_that_was_added_is_no_longer_being_opened),
        scene(only_what_is_new_is_stored),
        scene(one_whose_protocol_changes_is_stored_by_another_name),
        scene(nothing_is_stored_that_it_opened_or_where_it_stores_nothing),
        scene(one_that_it_will_not_store_is_told),
        scene(all_addresses_are_found_at_the_only_one),
    };

    return cmocka_run_group_tests_name("listener_set", tests, NULL, NULL);
}
