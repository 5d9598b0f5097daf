/*
 * Everything that limits by time, while time goes back by microseconds, as it does between workers
 * that read their clocks one after the other, and forward by up to years: nobody gets more than the
 * limit, and a source that has been quiet for long enough is served again.
 */

#include "fuzz.h"

#include "client/core/schedule.h"
#include "core/loop_detector.h"
#include "core/rate_limit.h"
#include "core/source_ports.h"
#include "core/token_bucket.h"
#include "server/log/log_limit.h"

#define START  apr_time_from_sec(1000)
#define END    (START + ((apr_time_t)1 << 52)) /* 142 years later */
#define SECOND APR_USEC_PER_SEC

static const unsigned char key[APR_SIPHASH_KSIZE] = "not a secret";

static apr_time_t take_step(input_t *input, apr_time_t now)
{
    unsigned byte = take_byte(input);

    if (byte < 64) {
        return now - byte % 16;
    }
    now += byte < 160 ? (apr_time_t)byte * byte : (apr_time_t)1 << (byte - 160) / 2;
    return now < END ? now : END;
}

static datagram_t datagram(apr_port_t port, unsigned char *data)
{
    datagram_t datagram = {.data = data, .length = 1};

    datagram.from.length = sizeof datagram.from.sa.v4;
    datagram.from.sa.v4.sin_family = APR_INET;
    datagram.from.sa.v4.sin_addr.s_addr = htonl(0xc0000201);
    datagram.from.sa.v4.sin_port = htons(port);
    return datagram;
}

static apr_uint64_t take_rate(input_t *input, apr_uint64_t maximum)
{
    apr_uint64_t rate = APR_UINT64_C(1) << take_byte(input) % 40;

    rate += take_byte(input);
    return rate < maximum ? rate : maximum;
}

/* Two hands, as of two workers. */
static void check_bucket(input_t *input, apr_pool_t *pool)
{
    apr_uint64_t rate = take_rate(input, TOKEN_RATE_MAX);
    token_bucket_t *bucket = token_bucket_create(rate, START, pool);
    token_hand_t hands[2] = {{.bucket = bucket}, {.bucket = bucket}};
    apr_time_t now = START;
    apr_time_t latest = START;
    apr_time_t paid_off = START; /* nothing is owed any more */
    double taken = 0;

    while (input->size > 0) {
        token_hand_t *hand = &hands[take_byte(input) % 2];
        apr_uint64_t amount = take_port(input);

        now = take_step(input, now);
        latest = now > latest ? now : latest;
        int is_taken = token_hand_take(hand, amount, now);

        require(is_taken || now <= paid_off);
        if (is_taken) {
            apr_uint64_t debt = amount + rate / 1000;

            taken += (double)amount;
            paid_off = (latest > paid_off ? latest : paid_off) + 2 +
                       (apr_time_t)(debt / rate * SECOND + debt % rate * SECOND / rate);
        }
        /* A second's worth to begin with, and of each hand what it may be ahead. */
        require(taken <=
                (double)rate * ((double)(latest - START) / SECOND + 1.002) * 1.00001 + 2 * 65536);
    }
}

static void check_rate_limit(input_t *input, apr_pool_t *pool)
{
    rate_limit_t *limit = rate_limit_create(take_rate(input, RATE_LIMIT_MAX), key, START, pool);
    unsigned char data = 0;
    endpoint_t from = datagram(50000, &data).from;
    apr_time_t now = START;
    apr_time_t last = START;

    while (input->size > 0) {
        now = take_step(input, now);
        int is_admitted = rate_limit_admits(limit, &from, now);

        /* Two seconds' worth, and a few datagrams that went first. */
        require(is_admitted || now - last < 5 * SECOND);
        last = now > last ? now : last;
    }
}

static void check_throttle(input_t *input, apr_pool_t *pool)
{
    source_ports_t *ports;
    apr_time_t now = START;
    apr_time_t last = 0;

    require(source_ports_create(&ports, SOURCE_PORTS_DEFAULT, pool) == NULL);
    while (input->size > 0) {
        now = take_step(input, now);
        require(!source_ports_throttle(ports, 5353, now) || now - last < SECOND);
        last = now > last ? now : last;
    }
}

/* A client that repeats a few payloads never loses four datagrams in a row that are LOOP_PAUSE_US
 * apart: two while a stream is ended, and one for its source. */
static void check_loop_detector(input_t *input, apr_pool_t *pool)
{
    loop_detector_t *detector = loop_detector_create(key, pool);
    unsigned char payloads[256];
    unsigned times = 1 + take_byte(input);
    apr_time_t now = START;
    apr_time_t last_try = 0;
    unsigned dropped = 0;

    for (unsigned i = 0; i < sizeof payloads; i++) {
        payloads[i] = (unsigned char)i;
    }
    while (input->size > 0) {
        unsigned payload = take_byte(input);

        now = take_step(input, now);
        for (unsigned i = 0; i < times; i++) {
            datagram_t one = datagram(50000, &payloads[payload * i % sizeof payloads]);
            int passes = loop_detector_passes(detector, &one, now);

            if (passes) {
                dropped = 0;
            } else if (now - last_try >= LOOP_PAUSE_US) {
                require(++dropped < 4);
                last_try = now;
            }
        }
    }
}

static void check_log_limit(input_t *input)
{
    log_limit_t limit = {.left_out = 0};
    log_line_t line = {.log = NULL};
    apr_time_t now = START;
    apr_time_t latest = START;
    apr_time_t last = 0;

    while (input->size > 0) {
        char message[2] = {(char)(take_byte(input) | 1), '\0'};

        now = take_step(input, now);
        latest = now > latest ? now : latest;
        log_line_start(&line, now, LOG_LEVEL_INFO, message);
        log_line_finish(&line);
        while (log_limit_repeat(&limit, now, now) != NULL) {
            last = now > last ? now : last;
        }
        require(log_limit_admit(&limit, &line, now) || now - last < LOG_LIMIT_PERIOD);
        log_limit_notice(&limit, now);
        require(log_limit_wait(&limit, latest) <= LOG_LIMIT_PERIOD);
        last = now > last ? now : last;
    }
}

/* A client sends, and is never to wait for longer than an interval. */
static void check_schedule(input_t *input)
{
    apr_interval_time_t interval = (apr_interval_time_t)take_rate(input, APR_INT64_C(1) << 40);
    apr_time_t now = START;
    apr_time_t latest = START;
    schedule_t schedule = schedule_make(1 + take_byte(input), interval, now);

    while (input->size > 0) {
        now = take_step(input, now);
        latest = now > latest ? now : latest;
        apr_time_t due = schedule_due(&schedule, now);

        require(due - latest <= interval + 16);
        if (due <= now) {
            schedule_advance(&schedule);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input_t input = {data, size};
    apr_pool_t *pool = pool_create();

    switch (take_byte(&input) % 6) {
    case 0:
        check_bucket(&input, pool);
        break;
    case 1:
        check_rate_limit(&input, pool);
        break;
    case 2:
        check_throttle(&input, pool);
        break;
    case 3:
        check_loop_detector(&input, pool);
        break;
    case 4:
        check_log_limit(&input);
        break;
    default:
        check_schedule(&input);
    }
    apr_pool_destroy(pool);
    return 0;
}
