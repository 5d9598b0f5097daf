/* Which addresses of a name are asked, and from which source. */

#include "unit.h"

#include <apr_strings.h>

#include "client/destination.h"

static const client_settings_t plain = {.size = 56};

/* The addresses in the list, separated by blanks, as a name service has them. */
static apr_sockaddr_t *found_in(const char *list, apr_pool_t *pool)
{
    apr_sockaddr_t *first = NULL;
    apr_sockaddr_t **end = &first;
    char *state;
    char *copy = apr_pstrdup(pool, list);

    for (char *text = apr_strtok(copy, " ", &state); text != NULL;
         text = apr_strtok(NULL, " ", &state)) {
        const address_t address = {.host = text, .port = 7};

        assert_int_equal(address_resolve(end, &address, pool), APR_SUCCESS);
        end = &(*end)->next;
    }
    return first;
}

static const char *text_of(const apr_array_header_t *chosen, apr_pool_t *pool)
{
    const char *text = "";

    for (int i = 0; i < chosen->nelts; i++) {
        char *address;

        apr_sockaddr_ip_get(&address, APR_ARRAY_IDX(chosen, i, destination_t).peer);
        text = apr_pstrcat(pool, text, i > 0 ? " " : "", address, NULL);
    }
    return text;
}

static void assert_chosen(const client_settings_t *settings, const char *list, const char *expected,
                          apr_pool_t *pool)
{
    destination_rules_t rules;
    apr_array_header_t *chosen;

    assert_null(destination_rules_make(&rules, settings, pool));
    assert_null(destination_choose(&chosen, found_in(list, pool), "host", &rules, pool));
    assert_string_equal(text_of(chosen, pool), expected);
}

static void assert_none(const client_settings_t *settings, const char *list, const char *expected,
                        apr_pool_t *pool)
{
    destination_rules_t rules;
    apr_array_header_t *chosen;

    assert_null(destination_rules_make(&rules, settings, pool));
    const char *error = destination_choose(&chosen, found_in(list, pool), "host", &rules, pool);

    assert_non_null(error);
    assert_string_equal(error, expected);
}

static void addresses_keep_their_order_each_once(void **state)
{
    assert_chosen(&plain, "2001:db8::1 192.0.2.1 2001:db8::2", "2001:db8::1 192.0.2.1 2001:db8::2",
                  *state);
    assert_chosen(&plain, "192.0.2.1 192.0.2.2 192.0.2.1", "192.0.2.1 192.0.2.2", *state);
}

static void one_family_alone_may_be_wanted(void **state)
{
    client_settings_t settings = plain;

    settings.ipv4 = 1;
    assert_chosen(&settings, "2001:db8::1 192.0.2.1 192.0.2.2", "192.0.2.1 192.0.2.2", *state);
    assert_none(&settings, "2001:db8::1", "host: it has no IPv4 (--ipv4) address", *state);
    settings.ipv4 = 0;
    settings.ipv6 = 1;
    assert_chosen(&settings, "192.0.2.1 2001:db8::1", "2001:db8::1", *state);
    assert_none(&settings, "192.0.2.1", "host: it has no IPv6 (--ipv6) address", *state);
}

static void a_source_chooses_its_family(void **state)
{
    client_settings_t settings = plain;
    destination_rules_t rules;
    apr_array_header_t *chosen;

    settings.source = "127.0.0.1";
    settings.source_port = 4321;
    assert_chosen(&settings, "2001:db8::1 192.0.2.1", "192.0.2.1", *state);
    assert_none(&settings, "2001:db8::1",
                "--source=127.0.0.1: expected an address of this host (the peer has IPv6)", *state);
    assert_null(destination_rules_make(&rules, &settings, *state));
    assert_null(destination_choose(&chosen, found_in("192.0.2.1", *state), "host", &rules, *state));
    const apr_sockaddr_t *source = APR_ARRAY_IDX(chosen, 0, destination_t).source;

    assert_int_equal(source->port, 4321);
    assert_int_equal(ntohs(source->sa.sin.sin_port), 4321);
}

static void a_source_port_alone_is_for_either_family(void **state)
{
    client_settings_t settings = plain;
    destination_rules_t rules;
    apr_array_header_t *chosen;

    settings.source_port = 4321;
    assert_null(destination_rules_make(&rules, &settings, *state));
    assert_null(destination_choose(&chosen, found_in("192.0.2.1 2001:db8::1", *state), "host",
                                   &rules, *state));
    for (int i = 0; i < 2; i++) {
        const destination_t *destination = &APR_ARRAY_IDX(chosen, i, destination_t);

        assert_int_equal(destination->source->family, destination->peer->family);
        assert_int_equal(destination->source->port, 4321);
    }
}

static void addresses_of_several_hosts_are_asked_only_where_that_is_wanted(void **state)
{
    client_settings_t settings = plain;

    assert_none(&settings, "224.0.0.1",
                "host: expected --broadcast with an address of several hosts", *state);
    assert_chosen(&settings, "224.0.0.1 192.0.2.1", "192.0.2.1", *state);
    settings.broadcast = 1;
    assert_chosen(&settings, "224.0.0.1 192.0.2.1", "224.0.0.1 192.0.2.1", *state);
}

static void what_no_datagram_can_be_sent_to_is_left_out(void **state)
{
    client_settings_t settings = plain;

    assert_none(&settings, "0.0.0.0", "host: expected a host to ask; localhost is this one",
                *state);
    assert_chosen(&settings, "0.0.0.0 192.0.2.1", "192.0.2.1", *state);
    settings.size = PAYLOAD_MAX_IPV4 + 1;
    assert_none(&settings, "192.0.2.1", "--size=65508: expected at most 65507 bytes over IPv4",
                *state);
    assert_chosen(&settings, "192.0.2.1 2001:db8::1", "2001:db8::1", *state);
}

static void a_source_that_cannot_be_is_an_error(void **state)
{
    static const char *const errors[][2] = {
        {"127.0.0.1:7", "--source=127.0.0.1:7: expected an address of this host (ports go to "
                        "--source-port)"},
        {"127.0.0.1%lo", "--source=127.0.0.1%lo: expected an address of this host (interfaces go "
                         "to --interface)"},
    };

    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        client_settings_t settings = plain;
        destination_rules_t rules;

        settings.source = errors[i][0];
        assert_string_equal(destination_rules_make(&rules, &settings, *state), errors[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(addresses_keep_their_order_each_once),
        scene(one_family_alone_may_be_wanted),
        scene(a_source_chooses_its_family),
        scene(a_source_port_alone_is_for_either_family),
        scene(addresses_of_several_hosts_are_asked_only_where_that_is_wanted),
        scene(what_no_datagram_can_be_sent_to_is_left_out),
        scene(a_source_that_cannot_be_is_an_error),
    };

    return cmocka_run_group_tests_name("destination", tests, NULL, NULL);
}
