/*
 * Requests of tests/vectors, whose README tells their form, and the replies that the core makes of
 * them, octet by octet. What has to come before a request is sent to the same core before it.
 */

#include "unit.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "common/ip_address.h"
#include "core/echo.h"
#include "core/service.h"
#include "core/stamp.h"

#define NOW       apr_time_from_sec(1000)
#define SECOND_NS APR_INT64_C(1000000000)

#define PACKET_MAX 512

static apr_int64_t departure; /* what the wall clock says */

static apr_int64_t wall_clock(void)
{
    return departure;
}

/* ---- Reading ---- */

typedef struct bytes {
    unsigned char at[PACKET_MAX];
    apr_size_t length;
} bytes_t;

static const char *value_of(const apr_table_t *vector, const char *name, const char *otherwise)
{
    const char *value = apr_table_get(vector, name);

    return value != NULL ? value : otherwise;
}

static int says(const apr_table_t *vector, const char *name, const char *value)
{
    return strcmp(value_of(vector, name, ""), value) == 0;
}

static apr_int64_t number_of(const apr_table_t *vector, const char *name)
{
    return apr_atoi64(value_of(vector, name, "0"));
}

static bytes_t bytes_of(const apr_table_t *vector, const char *name)
{
    const char *text = value_of(vector, name, "-");
    bytes_t bytes = {.length = 0};

    for (; strlen(text) >= 2; text += 2) {
        char digits[] = {text[0], text[1], '\0'};

        assert_true(bytes.length < PACKET_MAX);
        bytes.at[bytes.length++] = (unsigned char)apr_strtoi64(digits, NULL, 16);
    }
    return bytes;
}

static endpoint_t address_of(const apr_table_t *vector, const char *name, const char *otherwise)
{
    const char *text = value_of(vector, name, otherwise);
    const char *colon = strrchr(text, ':');
    char address[sizeof "255.255.255.255"];
    endpoint_t endpoint;

    apr_cpystrn(address, text, (apr_size_t)(colon - text) + 1);
    assert_true(ip_address_parse(&endpoint, address));
    endpoint.sa.v4.sin_port = htons((apr_port_t)apr_atoi64(colon + 1));
    return endpoint;
}

static apr_table_t *read_vector(const char *path, apr_pool_t *pool)
{
    apr_table_t *vector = apr_table_make(pool, 20);
    char line[2 * PACKET_MAX + 20];
    apr_file_t *file;

    assert_int_equal(apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BUFFERED, 0, pool),
                     APR_SUCCESS);
    while (apr_file_gets(line, sizeof line, file) == APR_SUCCESS) {
        char *colon = strstr(line, ": ");

        if (line[0] != '#' && colon != NULL) {
            *colon = '\0';
            colon[2 + strcspn(colon + 2, "\r\n")] = '\0';
            apr_table_set(vector, line, colon + 2);
        }
    }
    apr_file_close(file);
    return vector;
}

/* ---- A core as the vector wants it ---- */

static stamp_keys_t *keys_of(const apr_table_t *vector, apr_pool_t *pool)
{
    bytes_t bytes = bytes_of(vector, "key");
    apr_array_header_t *keys = apr_array_make(pool, 1, sizeof(stamp_key_t));

    if (bytes.length == 0) {
        return NULL;
    }
    APR_ARRAY_PUSH(keys, stamp_key_t) = (stamp_key_t){
        .key = authentication_key_create(bytes.at, bytes.length, pool),
        .ssid = -1,
    };
    return stamp_keys_create(keys, pool);
}

static const stamp_policy_t *policy_of(const apr_table_t *vector, apr_pool_t *pool)
{
    static const unsigned char key[APR_SIPHASH_KSIZE] = "not a secret";
    stamp_quality_t *quality = apr_pcalloc(pool, sizeof *quality);
    stamp_policy_t *policy = apr_pcalloc(pool, sizeof *policy);
    const char *estimate = value_of(vector, "error_estimate", "0f84");

    atomic_init(&quality->error_estimate, (unsigned)apr_strtoi64(estimate, NULL, 16));
    atomic_init(&quality->sync_source,
                says(vector, "sync", "ntp") ? STAMP_SYNC_NTP : STAMP_SYNC_FREE_RUNNING);
    *policy = (stamp_policy_t){
        .sessions = sessions_create(key, pool),
        .is_stateful = says(vector, "mode", "stateful"),
        .is_authenticated = says(vector, "packets", "authenticated"),
        .keys = keys_of(vector, pool),
        .answers_short = !says(vector, "short", "drop"),
        .is_strict = says(vector, "strict", "yes"),
        .reads_tlvs = !says(vector, "tlv", "off"),
        .clock = says(vector, "clock", "ptp") ? STAMP_CLOCK_PTP : STAMP_CLOCK_NTP,
        .receive_method = says(vector, "t2_method", "hardware") ? STAMP_METHOD_HARDWARE : 0,
        .permitted_dscps = says(vector, "dscp_permitted", "no") ? 0 : ~APR_UINT64_C(0),
        .quality = quality,
    };
    return policy;
}

static void send_datagram(echo_t *echo, datagram_t *datagram, int fails)
{
    batch_t batch = {.count = 1, .at = {datagram}};
    send_outcome_t outcome = {.sent = 0};

    echo_step(echo, &batch, NOW);
    echo_stamp(echo, &batch, wall_clock);
    if (datagram->verdict == VERDICT_ECHO) {
        outcome.sent = !fails;
        outcome.failed[SEND_EPERM] = (unsigned)fails;
    }
    if (outcome.failed[SEND_EPERM] > 0) {
        echo_reply_failed(datagram);
    }
    echo_settle(echo, &outcome);
}

/* The request, in a buffer that has no more room than it must have. */
static datagram_t request_of(const apr_table_t *vector, service_t *service, apr_pool_t *pool)
{
    bytes_t bytes = bytes_of(vector, "request");
    apr_size_t room = bytes.length > REPLY_ROOM_MIN ? bytes.length : REPLY_ROOM_MIN;
    datagram_t datagram = {
        .from = address_of(vector, "src", "192.0.2.1:49152"),
        .to = address_of(vector, "dst", "198.51.100.7:862"),
        .data = memset(apr_palloc(pool, room), 0xee, room),
        .length = bytes.length,
        .service = service,
        .arrived = number_of(vector, "t2_unix_ns"),
        .hop_limit = says(vector, "ttl", "unknown") ? -1 : (int)number_of(vector, "ttl"),
        .traffic_class =
            (int)(number_of(vector, "dscp_request") << 2 | number_of(vector, "ecn_request")),
        .reply_traffic_class = -1,
    };

    memcpy(datagram.data, bytes.at, bytes.length);
    return datagram;
}

/* All that comes before the request, by requests such as this. */
static void send_earlier(echo_t *echo, const apr_table_t *vector, service_t *service,
                         apr_pool_t *pool)
{
    apr_int64_t answered =
        number_of(vector, "reflector_sequence") + number_of(vector, "respsn_before");
    apr_int64_t failures = number_of(vector, "failures");

    departure = number_of(vector, "t3_unix_ns") - SECOND_NS;
    for (apr_int64_t i = 0; i < answered + failures; i++) {
        datagram_t datagram = request_of(vector, service, pool);

        if (service->protocol == PROTOCOL_ECHO_PLUS) { /* of full size, and with nothing in it */
            memset(datagram.data, 0, 24);
            datagram.length = 24;
        }
        send_datagram(echo, &datagram, i >= answered);
    }
    departure = number_of(vector, "t3_unix_ns");
}

static void check_reply(const apr_table_t *vector, const datagram_t *datagram)
{
    bytes_t due = bytes_of(vector, "reply");

    if (says(vector, "reply", "none")) {
        assert_int_not_equal(datagram->verdict, VERDICT_ECHO);
        return;
    }
    assert_int_equal(datagram->verdict, VERDICT_ECHO);
    assert_int_equal(datagram->length, due.length);
    assert_memory_equal(datagram->data, due.at, due.length);
    if (apr_table_get(vector, "dscp_reply") != NULL) {
        assert_int_equal(datagram->reply_traffic_class, number_of(vector, "dscp_reply") << 2);
    }
}

static void run(const char *path, protocol_t protocol, apr_pool_t *pool)
{
    apr_table_t *vector = read_vector(path, pool);
    echo_policy_t policy = {.quota = echo_quota_create(0, pool), .stamp = policy_of(vector, pool)};
    echo_t *echo = echo_create(&policy, NOW, pool);
    service_t *service = service_create(protocol, pool);

    send_earlier(echo, vector, service, pool);

    datagram_t datagram = request_of(vector, service, pool);

    send_datagram(echo, &datagram, 0);
    check_reply(vector, &datagram);
}

/* Runs all vectors whose names begin so; returns how many. */
static unsigned run_all(const char *prefix, protocol_t protocol, apr_pool_t *pool)
{
    unsigned count = 0;
    char *names = apr_pstrdup(pool, VECTOR_NAMES);
    char *last;

    for (char *name = apr_strtok(names, ",", &last); name != NULL;
         name = apr_strtok(NULL, ",", &last)) {
        if (strncmp(name, prefix, strlen(prefix)) == 0) {
            print_message("%s\n", name);
            run(apr_pstrcat(pool, VECTORS "/", name, NULL), protocol, pool);
            count++;
        }
    }
    return count;
}

static void plain_packets_are_answered(void **state)
{
    assert_int_equal(run_all("stamp-u", PROTOCOL_STAMP, *state), 15);
}

static void tlvs_are_filled_in(void **state)
{
    assert_int_equal(run_all("stamp-t0", PROTOCOL_STAMP, *state) +
                         run_all("stamp-t10", PROTOCOL_STAMP, *state) +
                         run_all("stamp-t11", PROTOCOL_STAMP, *state) +
                         run_all("stamp-t13", PROTOCOL_STAMP, *state) +
                         run_all("stamp-t14", PROTOCOL_STAMP, *state) +
                         run_all("stamp-t15", PROTOCOL_STAMP, *state),
                     13);
}

static void packets_and_tlvs_are_authenticated(void **state)
{
    if (!authentication_is_available()) {
        skip_test("built without libsodium");
    }
    assert_int_equal(run_all("stamp-a", PROTOCOL_STAMP, *state) +
                         run_all("stamp-t16", PROTOCOL_STAMP, *state) +
                         run_all("stamp-t17", PROTOCOL_STAMP, *state) +
                         run_all("stamp-t19", PROTOCOL_STAMP, *state),
                     12);
}

static void echo_plus_numbers_and_times_its_replies(void **state)
{
    assert_int_equal(run_all("tr143", PROTOCOL_ECHO_PLUS, *state), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(plain_packets_are_answered),
        scene(tlvs_are_filled_in),
        scene(packets_and_tlvs_are_authenticated),
        scene(echo_plus_numbers_and_times_its_replies),
    };

    return run_group("vectors", tests);
}
