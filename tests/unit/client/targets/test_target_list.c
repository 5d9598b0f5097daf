/* The syntax of targets, and which texts name the same target. */

#include "unit.h"

#include "client/targets/target_list.h"

static const target_name_t *name_at(const target_list_t *list, int index)
{
    assert_true(index < list->names->nelts);
    return &APR_ARRAY_IDX(list->names, index, target_name_t);
}

static void targets_keep_their_order_and_their_text(void **state)
{
    target_list_t *list = target_list_create(7, NULL, *state);

    assert_null(target_list_add(list, "Example.net"));
    assert_null(target_list_add(list, "192.0.2.1:8888"));
    assert_null(target_list_add(list, "2001:db8::1"));
    assert_int_equal(list->names->nelts, 3);
    assert_string_equal(name_at(list, 0)->text, "Example.net");
    assert_int_equal(name_at(list, 0)->address.port, 7);
    assert_string_equal(name_at(list, 1)->address.host, "192.0.2.1");
    assert_int_equal(name_at(list, 1)->address.port, 8888);
    assert_string_equal(name_at(list, 2)->address.host, "2001:db8::1");
}

static void a_target_is_in_the_list_once_however_it_is_written(void **state)
{
    static const char *const same[][2] = {
        {"example.net", "EXAMPLE.net:7"},       {"192.0.2.1", "192.0.2.1:7"},
        {"2001:db8::1", "[2001:DB8:0::1]:7"},   {"fe80::1%eth0", "[FE80:0::1%eth0]"},
        {"192.0.2.1%eth0", "192.0.2.1%eth0:7"},
    };

    for (unsigned i = 0; i < sizeof same / sizeof same[0]; i++) {
        target_list_t *list = target_list_create(7, NULL, *state);

        assert_null(target_list_add(list, same[i][0]));
        assert_null(target_list_add(list, same[i][1]));
        assert_int_equal(list->names->nelts, 1);
        assert_string_equal(name_at(list, 0)->text, same[i][0]);
    }
}

static void what_differs_in_any_part_is_another_target(void **state)
{
    static const char *const texts[] = {"example.net",  "example.net:8",  "www.example.net",
                                        "192.0.2.1",    "192.0.2.10",     "192.0.2.1:8",
                                        "fe80::1%eth0", "fe80::1%eth1",   "192.0.2.1%eth0",
                                        "2001:db8::1",  "[2001:db8::1]:1"};
    target_list_t *list = target_list_create(7, NULL, *state);

    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_null(target_list_add(list, texts[i]));
        assert_int_equal(list->names->nelts, i + 1);
    }
}

static void the_interface_of_all_is_that_of_each(void **state)
{
    target_list_t *list = target_list_create(7, "eth0", *state);

    assert_null(target_list_add(list, "192.0.2.1"));
    assert_null(target_list_add(list, "192.0.2.1%eth0"));
    assert_int_equal(list->names->nelts, 1);
    assert_string_equal(name_at(list, 0)->address.device, "eth0");
    assert_string_equal(target_list_add(list, "192.0.2.1%eth1"),
                        "--interface=eth0 and 192.0.2.1%eth1: expected one of them, not both");
}

static void what_is_no_target_is_refused_with_what_would_be_right(void **state)
{
    static const struct {
        const char *text, *error;
        apr_port_t port;
    } cases[] = {
        {"*", "*: expected HOST[:PORT] (* is not a host)", 7},
        {"a\033[31mb",
         "a\033[31mb: expected HOST[:PORT] (no name has control or invisible characters)", 7},
        {"a\xe2\x80\x8b.example",
         "a\xe2\x80\x8b.example: expected HOST[:PORT] (no name has control or invisible "
         "characters)",
         7},
        {"host:0", "host:0: expected HOST[:PORT] (0 is not a port)", 7},
        {"host:70000",
         "host:70000: expected HOST[:PORT] (the port must be a number from 0 to "
         "65535)",
         7},
        {"host", "host: expected HOST:PORT (--echo-plus has no standard port)", 0},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        target_list_t *list = target_list_create(cases[i].port, NULL, *state);

        assert_string_equal(target_list_add(list, cases[i].text), cases[i].error);
        assert_int_equal(list->names->nelts, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(targets_keep_their_order_and_their_text),
        scene(a_target_is_in_the_list_once_however_it_is_written),
        scene(what_differs_in_any_part_is_another_target),
        scene(the_interface_of_all_is_that_of_each),
        scene(what_is_no_target_is_refused_with_what_would_be_right),
    };

    return cmocka_run_group_tests_name("target_list", tests, NULL, NULL);
}
