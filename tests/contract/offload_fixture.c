#include "offload_fixture.h"

unsigned char sent[4000];

void send_coalesced(fixture_t *fixture, apr_size_t length)
{
    for (apr_size_t i = 0; i < length; i++) {
        sent[i] = (unsigned char)(i * 167 >> 3);
    }
    client_send(fixture, sent, length);
}

void send_many(fixture_t *fixture, unsigned count, apr_size_t length)
{
    for (unsigned char i = 0; i < count; i++) {
        memset(sent, i, length);
        client_send(fixture, sent, length);
    }
}

void expect_many(fixture_t *fixture, unsigned count, apr_size_t length)
{
    unsigned char reply[1000];

    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(client_receive(fixture, reply, sizeof reply), length);
        assert_int_equal(reply[0], i);
        assert_int_equal(reply[length - 1], i);
    }
}

void expect_segments(fixture_t *fixture, apr_size_t from, apr_size_t end)
{
    unsigned char reply[1000];

    while (from < end) {
        apr_size_t length = end - from < SEGMENT ? end - from : SEGMENT;

        assert_int_equal(client_receive(fixture, reply, sizeof reply), length);
        assert_memory_equal(reply, sent + from, length);
        from += length;
    }
}

send_outcome_t answer_all(fixture_t *fixture, unsigned count)
{
    send_outcome_t sum = {.sent = 0};

    while (count > 0) {
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        assert_in_range(batch.count, 1, count);
        count -= batch.count;
        send_outcome_t outcome = give_back(fixture, &batch, VERDICT_ECHO);

        add_outcome(&sum, &outcome);
    }
    return sum;
}

void assert_sent(send_outcome_t outcome, unsigned count, apr_size_t bytes)
{
    assert_int_equal(outcome.sent, count);
    assert_int_equal(outcome.sent_bytes, bytes);
    for (unsigned i = 0; i < SEND_ERROR_KINDS; i++) {
        assert_int_equal(outcome.failed[i], 0);
    }
}

void assert_cut(unsigned number, unsigned parts, DWORD segment, apr_size_t length)
{
    assert_in_range(cut_count, number + 1, sizeof cuts / sizeof cuts[0]);
    assert_int_equal(cuts[number].parts, parts);
    assert_int_equal(cuts[number].segment, segment);
    assert_int_equal(cuts[number].length, length);
}

void end(fixture_t *fixture)
{
    assert_nothing_waits(fixture);
    assert_int_equal(posted, fixture->listener_count * RECEIVES_POSTED);
    close_fixture(fixture);
}
