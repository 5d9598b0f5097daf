/* Which replies leave together: the peers, local addresses and lengths of a batch go in, runs come
 * out. */

#include "unit.h"

#include "endpoints.h"
#include "offload/segment_runs.h"

#define NO_LIMIT PAYLOAD_MAX_IPV6

static datagram_t datagrams[BATCH_MAX];
static batch_t batch;
static segment_runs_t runs;

static datagram_t *add(endpoint_t from, apr_size_t length)
{
    datagram_t *datagram = &datagrams[batch.count];

    *datagram = (datagram_t){.from = from, .length = length, .verdict = VERDICT_ECHO};
    datagram->to = from.sa.any.sa_family == AF_INET6 ? ipv6(0xfd, 0, 1, 7) : ipv4(0x0a000001, 7);
    batch.at[batch.count++] = datagram;
    return datagram;
}

/* A client of 10.0.0.9 on this port sends so many bytes. */
static datagram_t *ask(apr_port_t port, apr_size_t length)
{
    return add(ipv4(0x0a000009, port), length);
}

static int make_empty_batch(void **state)
{
    batch.count = 0;
    return make_pool(state);
}

#undef scene
#define scene(function) cmocka_unit_test_setup_teardown(function, make_empty_batch, destroy_pool)

/* The runs as text: the indices of their replies, "0 1|2". */
static const char *formed(apr_size_t segment_max)
{
    static char text[4 * BATCH_MAX];
    apr_size_t length = 0;

    segment_runs_form(&runs, &batch, &(gather_limits_t){.segment_max = segment_max});
    text[0] = '\0';
    for (unsigned r = 0; r < runs.count; r++) {
        unsigned index = runs.at[r].first;

        for (unsigned i = 0; i < runs.at[r].count; i++) {
            const char *before = i > 0 ? " " : r > 0 ? "|" : "";

            length +=
                (apr_size_t)snprintf(text + length, sizeof text - length, "%s%u", before, index);
            if (i + 1 < runs.at[r].count) {
                index = runs.next[index];
            }
        }
        assert_int_equal(index, runs.at[r].last);
        assert_int_equal(runs.at[r].segment, batch.at[runs.at[r].first]->length);
    }
    return text;
}

#define assert_formed(segment_max, text) assert_string_equal(formed(segment_max), text)

static void no_replies_are_no_runs(void **state)
{
    (void)state;
    assert_formed(NO_LIMIT, "");
    ask(1, 10)->verdict = VERDICT_ACCESS;
    assert_formed(NO_LIMIT, "");
}

static void replies_of_one_length_to_one_peer_are_a_run(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        ask(1, 10);
    }
    assert_formed(NO_LIMIT, "0 1 2");
}

static void what_is_not_answered_is_left_out(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        ask(1, 10);
    }
    batch.at[0]->verdict = VERDICT_RATE_LIMITED;
    batch.at[2]->verdict = VERDICT_LOOP;
    assert_formed(NO_LIMIT, "1 3");
}

static void interleaved_peers_have_a_run_each(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        for (apr_port_t port = 1; port <= 4; port++) {
            ask(port, 10);
        }
    }
    assert_formed(NO_LIMIT, "0 4|1 5|2 6|3 7");
}

/* Datagrams to one peer stay in order. */
static void each_run_has_one_traffic_class(void **state)
{
    static const int classes[] = {0x20, 0x20, 0x48, 0x20, -1, -1};

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        ask(1, 10)->reply_traffic_class = classes[i];
        ask(2, 10)->reply_traffic_class = 0x20;
    }
    assert_formed(NO_LIMIT, "0 2|1 3 5 7 9 11|4|6|8 10");
}

static void a_run_is_no_longer_than_the_kernel_cuts(void **state)
{
    (void)state;
    while (batch.count < SEGMENT_RUN_MAX + 1) {
        ask(1, 1);
    }
    formed(NO_LIMIT);
    assert_int_equal(runs.count, 2);
    assert_int_equal(runs.at[0].count, SEGMENT_RUN_MAX);
    assert_int_equal(runs.at[1].count, 1);
}

static void the_last_of_a_run_may_be_shorter(void **state)
{
    (void)state;
    ask(1, 10);
    ask(1, 10);
    ask(1, 9);
    ask(1, 9); /* and nothing comes behind it */
    ask(1, 10);
    assert_formed(NO_LIMIT, "0 1 2|3|4");
}

static void a_longer_reply_begins_another_run(void **state)
{
    (void)state;
    ask(1, 10);
    ask(1, 11);
    ask(1, 10); /* no longer for the first one, or it would overtake */
    ask(1, 10);
    assert_formed(NO_LIMIT, "0|1 2|3");
}

static void an_empty_reply_stays_alone(void **state)
{
    (void)state;
    ask(1, 0);
    ask(1, 0);
    ask(1, 10);
    ask(1, 0);
    ask(1, 10);
    assert_formed(NO_LIMIT, "0|1|2|3|4");
}

static void a_reply_above_the_limit_stays_alone(void **state)
{
    (void)state;
    ask(1, 101);
    ask(1, 101);
    ask(1, 100);
    ask(1, 100);
    ask(1, 101);
    ask(1, 100);
    assert_formed(100, "0|1|2 3|4|5");
}

static void without_a_limit_above_0_all_stay_alone(void **state)
{
    (void)state;
    ask(1, 1);
    ask(1, 1);
    ask(1, 0);
    assert_formed(0, "0|1|2");
}

/* Three replies of a third of the most that there can be, and what is left of it. */
static void assert_longest_run(endpoint_t from, apr_size_t longest)
{
    for (apr_size_t more = 0; more < 2; more++) {
        batch.count = 0;
        for (int i = 0; i < 3; i++) {
            add(from, longest / 3);
        }
        add(from, longest % 3 + more);
        assert_formed(NO_LIMIT, more == 0 ? "0 1 2 3" : "0 1 2|3");
    }
}

static void a_run_is_no_longer_than_a_packet(void **state)
{
    (void)state;
    assert_longest_run(ipv4(0x0a000009, 1), PAYLOAD_MAX_IPV4);
    assert_longest_run(ipv6(0xfd, 0, 9, 1), PAYLOAD_MAX_IPV6);
}

static void peers_differ_by_address_port_and_link(void **state)
{
    (void)state;
    add(ipv4(0x0a000009, 1), 10);
    add(ipv4(0x0a000008, 1), 10);
    add(ipv4(0x0a000009, 2), 10);
    add(ipv6(0xfe, 0x80, 9, 1), 10);
    add(ipv6(0xfe, 0x80, 9, 1), 10)->from.sa.v6.sin6_scope_id = 2;
    add(ipv6(0xfe, 0x80, 8, 1), 10);
    assert_formed(NO_LIMIT, "0|1|2|3|4|5");
}

static void a_run_leaves_from_one_address_by_one_link(void **state)
{
    (void)state;
    ask(1, 10);
    ask(1, 10)->to = ipv4(0x0a000002, 7);
    ask(1, 10);
    ask(1, 10)->arrival_interface = 3;
    ask(1, 10);
    assert_formed(NO_LIMIT, "0 2 4|1|3");
}

/* Each reply is in one run, with others of its flow, and behind those that came before it. */
static void assert_in_order(void)
{
    int is_sent[BATCH_MAX] = {0};
    unsigned sent = 0;

    for (unsigned r = 0; r < runs.count; r++) {
        unsigned index = runs.at[r].first;

        for (unsigned i = 0; i < runs.at[r].count; i++, sent++) {
            assert_true(endpoint_equal(&datagrams[index].from, &datagrams[runs.at[r].first].from));
            for (unsigned earlier = 0; earlier < index; earlier++) {
                assert_true(is_sent[earlier] ||
                            !endpoint_equal(&datagrams[earlier].from, &datagrams[index].from));
            }
            assert_false(is_sent[index]);
            is_sent[index] = 1;
            index = runs.next[index];
        }
    }
    assert_int_equal(sent, batch.count);
}

/* Flows that push each other out are parted, and must not be mixed or overtake themselves. Among so
 * many there are some. */
static void order_holds_whatever_peers_there_are(void **state)
{
    apr_uint32_t chance = 862;
    apr_uint32_t addresses[BATCH_MAX];

    (void)state;
    for (unsigned round = 0; round < 10000; round++) {
        unsigned peers = 1 + round % BATCH_MAX;

        for (unsigned i = 0; i < peers; i++) {
            addresses[i] = chance = chance * 1664525 + 1013904223;
        }
        batch.count = 0;
        while (batch.count < BATCH_MAX) {
            chance = chance * 1664525 + 1013904223;
            add(ipv4(addresses[(chance >> 16) % peers], 1), chance >> 30);
        }
        segment_runs_form(&runs, &batch, &(gather_limits_t){.segment_max = NO_LIMIT});
        assert_in_order();
    }
}

static void clients_on_ports_in_a_row_do_not_part_each_other(void **state)
{
    (void)state;
    for (apr_port_t first = 32768; first < 60000; first = (apr_port_t)(first + 97)) {
        batch.count = 0;
        while (batch.count < BATCH_MAX) {
            ask((apr_port_t)(first + batch.count % 8), 10);
        }
        formed(NO_LIMIT);
        assert_int_equal(runs.count, 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(no_replies_are_no_runs),
        scene(replies_of_one_length_to_one_peer_are_a_run),
        scene(what_is_not_answered_is_left_out),
        scene(interleaved_peers_have_a_run_each),
        scene(each_run_has_one_traffic_class),
        scene(a_run_is_no_longer_than_the_kernel_cuts),
        scene(the_last_of_a_run_may_be_shorter),
        scene(a_longer_reply_begins_another_run),
        scene(an_empty_reply_stays_alone),
        scene(a_reply_above_the_limit_stays_alone),
        scene(without_a_limit_above_0_all_stay_alone),
        scene(a_run_is_no_longer_than_a_packet),
        scene(peers_differ_by_address_port_and_link),
        scene(a_run_leaves_from_one_address_by_one_link),
        scene(order_holds_whatever_peers_there_are),
        scene(clients_on_ports_in_a_row_do_not_part_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
