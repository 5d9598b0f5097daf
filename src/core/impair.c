#include "core/impair.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#define NS_PER_US 1000
#define NS_PER_S  APR_INT64_C(1000000000)

typedef struct path {
    impair_profile_t profile;
    _Atomic apr_uint64_t replies;
    atomic_uint steps_begun;                   /* of its schedule */
    const impair_profile_t *_Atomic queued_by; /* the rate of the queue, NULL: none yet */
    _Atomic apr_int64_t free_at; /* when the queue is empty, nanoseconds of clock_now() */
} path_t;

struct impair_policy {
    unsigned count;
    path_t *paths;     /* the first that matches is the one */
    apr_time_t begins; /* when the schedules do */
    delay_line_t *const *lines;
};

typedef struct impairing {
    delay_line_t *line;
    const impair_limits_t *limits;
    counters_t *counters;
    apr_time_t now;
    path_t *path; /* of the present reply */
    const impair_profile_t *profile;
} impairing_t;

/* ---- Which profile ---- */

static int is_more_specific(const impair_profile_t *one, const impair_profile_t *other)
{
    if (one->is_for_all != other->is_for_all) {
        return other->is_for_all;
    }
    if (!one->is_for_all && cidr_is_smaller(&one->from, &other->from)) {
        return 1;
    }
    if (!one->is_for_all && cidr_is_smaller(&other->from, &one->from)) {
        return 0;
    }
    return one->port != 0 && other->port == 0;
}

/* They are few. */
static void insert(impair_policy_t *policy, const impair_profile_t *profile)
{
    unsigned place = policy->count++;

    for (; place > 0 && is_more_specific(profile, &policy->paths[place - 1].profile); place--) {
        policy->paths[place].profile = policy->paths[place - 1].profile;
    }
    policy->paths[place].profile = *profile;
}

impair_policy_t *impair_policy_create(const apr_array_header_t *profiles,
                                      delay_line_t *const *lines, apr_time_t now, apr_pool_t *pool)
{
    impair_policy_t *policy = apr_pcalloc(pool, sizeof *policy);

    assert(profiles->elt_size == sizeof(impair_profile_t));
    policy->paths = apr_pcalloc(pool, (apr_size_t)profiles->nelts * sizeof(path_t));
    policy->lines = lines;
    policy->begins = now;
    for (int i = 0; i < profiles->nelts; i++) {
        insert(policy, &APR_ARRAY_IDX(profiles, i, impair_profile_t));
    }
    return policy;
}

delay_line_t *impair_policy_line(const impair_policy_t *policy, unsigned worker)
{
    return policy->lines[worker];
}

static int is_for_port(const impair_profile_t *profile, apr_port_t port)
{
    return profile->port == 0 || profile->port == port;
}

int impair_policy_is_for(const impair_policy_t *policy, apr_port_t port)
{
    for (unsigned i = 0; i < policy->count; i++) {
        if (is_for_port(&policy->paths[i].profile, port)) {
            return 1;
        }
    }
    return 0;
}

static path_t *find_path(const impair_policy_t *policy, const datagram_t *reply)
{
    address_key_t peer = address_key_of(&reply->from);
    apr_port_t port = endpoint_port(&reply->to);

    for (unsigned i = 0; i < policy->count; i++) {
        const impair_profile_t *profile = &policy->paths[i].profile;

        if (is_for_port(profile, port) &&
            (profile->is_for_all || cidr_contains(&profile->from, peer))) {
            return &policy->paths[i];
        }
    }
    return NULL;
}

/* What is done to reply number `number`. The time of a batch may be before the policy was made. */
static const impair_profile_t *profile_at(const impair_policy_t *policy, path_t *path,
                                          apr_uint64_t number, apr_time_t now)
{
    const impair_schedule_t *schedule = path->profile.schedule;
    const impair_profile_t *profile = NULL;

    if (schedule != NULL) {
        apr_int64_t position = schedule->counts_replies ? (apr_int64_t)number - 1
                               : now > policy->begins   ? now - policy->begins
                                                        : 0;

        profile = impair_schedule_at(schedule, position, &path->steps_begun);
    }
    return profile != NULL ? profile : &path->profile;
}

/* ---- Counting ---- */

static void count(const impairing_t *impairing, impairment_t impairment)
{
    counters_add(impairing->counters, COUNTER_IMPAIRED + (unsigned)impairment, 1);
}

/* It leaves neither now nor later. */
static void lose(const impairing_t *impairing, impairment_t how)
{
    count(impairing, how);
    echo_quota_settle(impairing->limits->quota, 0, 1);
}

/* ---- The rate ---- */

static apr_int64_t transmission_ns(apr_int64_t rate, apr_size_t length)
{
    return (apr_int64_t)length * 8 * NS_PER_S / rate;
}

/* When the rate has let all go that waits, nanoseconds. A queue that another rate has filled does
 * not count: the next line of a schedule takes effect at once. Workers that disagree about the line
 * for a moment start with an empty queue more than once. */
static _Atomic apr_int64_t *free_at_of(const impairing_t *impairing)
{
    path_t *path = impairing->path;

    if (atomic_load(&path->queued_by) != impairing->profile) {
        atomic_store(&path->free_at, 0);
        atomic_store(&path->queued_by, impairing->profile);
    }
    return &path->free_at;
}

/* Returns 0 if the queue has no room; one that is empty takes a reply of any length. */
static int queue(const impairing_t *impairing, apr_size_t length, apr_time_t *passed)
{
    const impair_profile_t *profile = impairing->profile;
    _Atomic apr_int64_t *free_at = free_at_of(impairing);
    apr_int64_t now_ns = impairing->now * NS_PER_US;
    apr_int64_t queue_ns = transmission_ns(profile->rate, (apr_size_t)profile->queue);
    apr_int64_t before = atomic_load(free_at);
    apr_int64_t after;

    do {
        apr_int64_t start = before > now_ns ? before : now_ns;

        after = start + transmission_ns(profile->rate, length);
        if (start > now_ns && after - now_ns > queue_ns) {
            return 0;
        }
    } while (!atomic_compare_exchange_weak(free_at, &before, after));
    *passed = (after + NS_PER_US - 1) / NS_PER_US;
    return 1;
}

/* Queues a reply behind those that wait for the rate, and tells when it has passed. Returns 0 if
 * the reply is lost: a reply without room in the delay line must not use up the rate. */
static int pass_rate(const impairing_t *impairing, apr_size_t length, apr_time_t *passed)
{
    if (impairing->profile->rate == 0) {
        *passed = impairing->now;
        return 1;
    }
    if (!delay_line_has_room(impairing->line, length)) {
        lose(impairing, IMPAIR_BUFFER);
        return 0;
    }
    if (!queue(impairing, length, passed)) {
        lose(impairing, IMPAIR_QUEUE);
        return 0;
    }
    return 1;
}

/* ---- What is done to a reply ---- */

/* Returns non-zero if there is room for it. */
static int hold(const impairing_t *impairing, const datagram_t *reply, apr_time_t due)
{
    if (delay_line_hold(impairing->line, reply, due)) {
        return 1;
    }
    lose(impairing, IMPAIR_BUFFER);
    return 0;
}

static void corrupt(const impairing_t *impairing, datagram_t *reply, apr_uint64_t random)
{
    if (reply->length > 0) {
        apr_uint64_t bit = random % (8 * (apr_uint64_t)reply->length);

        reply->data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        count(impairing, IMPAIR_CORRUPT);
    }
}

/* Returns 0 if the reply is not held back: too many are already. */
static int hold_back(const impairing_t *impairing, datagram_t *reply, apr_time_t due)
{
    int is_held = delay_line_hold_back(impairing->line, reply, due);

    if (is_held < 0) {
        return 0;
    }
    reply->verdict = VERDICT_WITHHELD;
    if (is_held) {
        count(impairing, IMPAIR_REORDER);
    } else {
        lose(impairing, IMPAIR_BUFFER);
    }
    return 1;
}

/* No departure is reported for a duplicate, and its failure does not count for the service. */
static void duplicate(const impairing_t *impairing, const datagram_t *reply,
                      apr_interval_time_t delay)
{
    datagram_t copy = *reply;
    apr_time_t passed;

    if (!impairing->limits->admits_duplicate(impairing->limits->context, reply, impairing->now)) {
        return;
    }
    copy.departure_id = -1;
    copy.service = NULL;
    count(impairing, IMPAIR_DUPLICATE);
    if (pass_rate(impairing, reply->length, &passed)) {
        hold(impairing, &copy, passed + delay);
    }
}

/* One that overtakes another is not held back itself: where all are to be, every other one is. */
static void leave(const impairing_t *impairing, datagram_t *reply,
                  const impair_decision_t *decision, apr_time_t due)
{
    int overtakes = delay_line_holds_back(impairing->line, reply);

    if (decision->does[IMPAIR_REORDER] && !overtakes && hold_back(impairing, reply, due)) {
        return;
    }
    if (due > impairing->now) {
        reply->verdict = VERDICT_WITHHELD;
        if (!hold(impairing, reply, due)) {
            return; /* what is lost overtakes nothing */
        }
        count(impairing, IMPAIR_DELAY);
    }
    delay_line_release(impairing->line, reply, due);
    if (decision->does[IMPAIR_DUPLICATE]) {
        duplicate(impairing, reply, decision->delay);
    }
}

static void impair(const impairing_t *impairing, datagram_t *reply, apr_uint64_t number)
{
    impair_decision_t decision;
    apr_time_t passed;

    impair_decide(&decision, impairing->profile, number);
    if (decision.does[IMPAIR_DROP]) {
        reply->verdict = VERDICT_WITHHELD;
        lose(impairing, IMPAIR_DROP);
        return;
    }
    if (decision.does[IMPAIR_CORRUPT]) {
        corrupt(impairing, reply, decision.corrupt_bit);
    }
    if (!pass_rate(impairing, reply->length, &passed)) {
        reply->verdict = VERDICT_WITHHELD;
        return;
    }
    leave(impairing, reply, &decision, passed + decision.delay);
}

void impair_batch(impair_policy_t *policy, delay_line_t *line, const impair_limits_t *limits,
                  counters_t *counters, const batch_t *batch, apr_time_t now)
{
    impairing_t impairing = {.line = line, .limits = limits, .counters = counters, .now = now};

    for (unsigned i = 0; i < batch->count; i++) {
        datagram_t *datagram = batch->at[i];
        path_t *path = datagram->verdict == VERDICT_ECHO && datagram->listener != NULL
                           ? find_path(policy, datagram)
                           : NULL;

        if (path != NULL) {
            apr_uint64_t number = atomic_fetch_add(&path->replies, 1) + 1;

            impairing.path = path;
            impairing.profile = profile_at(policy, path, number, now);
            impair(&impairing, datagram, number);
        }
    }
}
