#include "client/output/report_check.h"

#include <apr_strings.h>
#include <string.h>

#include "client/output/format.h"
#include "udpecho/error_text.h"

/* What is known of one peer. */
typedef struct subject {
    const run_t *run; /* NULL: it has ended */
    int is_expected;  /* no event so far */
    const char *host;
    endpoint_t peer;
    int has_summary;
    probe_summary_t summary;
    int is_counted; /* which way datagrams were lost is known: */
    loss_counts_t losses;
    apr_status_t refused, not_sent, lookup; /* the last error of each kind */
    int is_found;                           /* the last one was not that of looking it up */
} subject_t;

typedef struct report_check {
    report_t report;
    check_thresholds_t thresholds;
    apr_array_header_t *subjects; /* of subject_t */
    apr_pool_t *pool;
} report_check_t;

/* What is said of a subject. */
typedef struct finding {
    check_state_t state;
    const char *text;
} finding_t;

/* ---- What is told ---- */

static subject_t *add_subject(report_check_t *check, const char *host)
{
    subject_t *subject = apr_array_push(check->subjects);

    *subject = (subject_t){.is_expected = 1, .host = apr_pstrdup(check->pool, host)};
    return subject;
}

/* That of the run, the expected one of its host, or a new one. */
static subject_t *find_subject(report_check_t *check, const run_t *run)
{
    subject_t *expected = NULL;

    for (int i = 0; i < check->subjects->nelts; i++) {
        subject_t *subject = &APR_ARRAY_IDX(check->subjects, i, subject_t);

        if (subject->run == run) {
            return subject;
        }
        if (subject->is_expected && strcmp(subject->host, run->host) == 0) {
            expected = subject;
        }
    }
    subject_t *subject = expected != NULL ? expected : add_subject(check, run->host);

    subject->run = run;
    subject->is_expected = 0;
    subject->peer = run->peer;
    return subject;
}

/* A failed lookup belongs to its target: a run that has no address has no identity that lasts. */
static void take_lookup(report_check_t *check, const event_t *event)
{
    const run_t *run = event->run;
    subject_t *subject = NULL;

    if (run->peer.length > 0) {
        subject = find_subject(check, run);
    }
    for (int i = 0; i < check->subjects->nelts && subject == NULL; i++) {
        subject_t *each = &APR_ARRAY_IDX(check->subjects, i, subject_t);

        subject = strcmp(each->host, run->host) == 0 ? each : NULL;
    }
    subject = subject != NULL ? subject : add_subject(check, run->host);
    subject->lookup = event->status; /* a peer that is found later takes its place */
    subject->is_found = event->is_found;
}

static void take_summary(subject_t *subject, const event_t *event)
{
    subject->has_summary = 1;
    subject->summary = *event->summary;
    if (event->directions != NULL) {
        subject->is_counted = event->directions->is_counted;
        subject->losses = event->directions->losses;
    }
    if (!event->is_interim) {
        subject->run = NULL; /* another one may have its place in memory */
    }
}

static void tell(void *context, const event_t *event)
{
    report_check_t *check = context;

    switch (event->kind) {
    case EVENT_REFUSED:
        find_subject(check, event->run)->refused = event->arrival->refused;
        break;
    case EVENT_NOT_SENT:
        find_subject(check, event->run)->not_sent = event->status;
        break;
    case EVENT_LOOKUP:
        take_lookup(check, event);
        break;
    case EVENT_SUMMARY:
        take_summary(find_subject(check, event->run), event);
        break;
    default:
        break;
    }
}

report_t *report_check(const check_thresholds_t *thresholds, apr_pool_t *pool)
{
    report_check_t *check = apr_pcalloc(pool, sizeof *check);

    check->report = (report_t){.tell = tell, .context = check};
    check->thresholds = *thresholds;
    check->subjects = apr_array_make(pool, 1, sizeof(subject_t));
    check->pool = pool;
    return &check->report;
}

void report_check_expect(const report_t *report, const char *host)
{
    add_subject(report->context, host);
}

/* ---- Judging ---- */

/* What did not come back as it was sent, of all that was due and whose fate is known. */
static probe_summary_t missing_of(const probe_summary_t *summary)
{
    return (probe_summary_t){.sent = summary->sent - summary->outstanding + summary->not_sent,
                             .lost = summary->lost + summary->corrupted + summary->not_sent};
}

static int is_passed(const check_threshold_t *threshold, const probe_summary_t *summary)
{
    probe_summary_t missing = missing_of(summary);

    return (threshold->rtt >= 0 && summary->timed > 0 && summary->mean > threshold->rtt) ||
           (threshold->loss >= 0 &&
            (double)missing.lost * 1e6 > (double)threshold->loss * (double)missing.sent);
}

static check_state_t state_of(const check_thresholds_t *thresholds, const probe_summary_t *summary)
{
    int needs_rtt = thresholds->warning.rtt >= 0 || thresholds->critical.rtt >= 0;

    return is_passed(&thresholds->critical, summary)  ? CHECK_CRITICAL
           : is_passed(&thresholds->warning, summary) ? CHECK_WARNING
           : needs_rtt && summary->timed == 0         ? CHECK_UNKNOWN
                                                      : CHECK_OK;
}

static finding_t judge_silent(const subject_t *subject, apr_pool_t *pool)
{
    const probe_summary_t *summary = &subject->summary;
    char reason[128];

    if (subject->lookup != APR_SUCCESS && !subject->has_summary) {
        return (finding_t){CHECK_UNKNOWN,
                           apr_pstrcat(pool,
                                       subject->is_found ? "cannot ask it: " : "cannot find it: ",
                                       error_text(subject->lookup, reason, sizeof reason), NULL)};
    }
    if (subject->is_expected) {
        return (finding_t){CHECK_UNKNOWN, "its name was not looked up in time"};
    }
    if (summary->sent == 0) {
        return (finding_t){CHECK_UNKNOWN,
                           summary->not_sent == 0
                               ? "nothing was sent"
                               : apr_pstrcat(pool, "cannot send: ",
                                             not_sent_words(subject->not_sent, pool), NULL)};
    }
    return (finding_t){
        CHECK_CRITICAL,
        apr_pstrcat(pool, summary->corrupted > 0 ? "only corrupt answers" : "no answer",
                    subject->refused != APR_SUCCESS ? ", " : "",
                    subject->refused != APR_SUCCESS ? refusal_words(subject->refused, pool) : "",
                    NULL)};
}

static finding_t judge(const report_check_t *check, const subject_t *subject, apr_pool_t *pool)
{
    const probe_summary_t *summary = &subject->summary;
    probe_summary_t missing = missing_of(summary);

    if (summary->received == 0) {
        return judge_silent(subject, pool);
    }
    return (finding_t){
        state_of(&check->thresholds, summary),
        apr_pstrcat(pool,
                    summary->timed > 0
                        ? apr_pstrcat(pool, "rtt ", thousandths(summary->mean, pool), " ms", NULL)
                        : "rtt not known",
                    ", lost ", loss_percent(&missing, pool), " %", NULL)};
}

/* ---- Writing ---- */

static const char *const words[] = {
    [CHECK_OK] = "OK",
    [CHECK_WARNING] = "WARNING",
    [CHECK_CRITICAL] = "CRITICAL",
    [CHECK_UNKNOWN] = "UNKNOWN",
};

/* From the worst on, as in max_state_alt() of the Monitoring Plugins. */
static const check_state_t states[] = {CHECK_CRITICAL, CHECK_WARNING, CHECK_UNKNOWN, CHECK_OK};

#define STATES (sizeof states / sizeof states[0])

/* A line's text ends where its performance data begins, at "|". */
static const char *plain(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text);

    for (char *next = copy; *next != '\0'; next++) {
        *next = (char)(*next == '|' ? '/' : *next == '\n' ? ' ' : *next);
    }
    return copy;
}

/* 100000 as "0.1"; "" for none. */
static const char *millionths_text(apr_int64_t millionths, apr_pool_t *pool)
{
    if (millionths < 0) {
        return "";
    }
    char *text = apr_psprintf(pool, "%" APR_INT64_T_FMT ".%06d", millionths / 1000000,
                              (int)(millionths % 1000000));
    char *end = text + strlen(text);

    while (end[-1] == '0') {
        end--;
    }
    end[end[-1] == '.' ? -1 : 0] = '\0';
    return text;
}

/* "'HOST rtt'", or "rtt" where only one peer was asked. */
static const char *label(const char *peer, const char *name, apr_pool_t *pool)
{
    return peer == NULL ? name : apr_psprintf(pool, "'%s %s'", peer, name);
}

static const char *losses_text(const subject_t *subject, const char *peer, apr_pool_t *pool)
{
    return !subject->is_counted
               ? ""
               : apr_psprintf(pool, " %s=%" APR_UINT64_T_FMT ";;;0 %s=%" APR_UINT64_T_FMT ";;;0",
                              label(peer, "lost_forward", pool), subject->losses.forward,
                              label(peer, "lost_backward", pool), subject->losses.backward);
}

/* What is not known is "U". A peer that was not asked has none. */
static const char *performance_text(const report_check_t *check, const subject_t *subject,
                                    const char *peer, apr_pool_t *pool)
{
    const check_threshold_t *warning = &check->thresholds.warning;
    const check_threshold_t *critical = &check->thresholds.critical;
    const probe_summary_t *summary = &subject->summary;
    probe_summary_t missing = missing_of(summary);
    const char *loss = loss_percent(&missing, pool);

    if (!subject->has_summary) {
        return "";
    }
    return apr_pstrcat(
        pool, " ", label(peer, "rtt", pool), "=",
        summary->timed > 0 ? apr_psprintf(pool, "%" APR_INT64_T_FMT ".%06ds",
                                          summary->mean / 1000000, (int)(summary->mean % 1000000))
                           : "U",
        ";", millionths_text(warning->rtt, pool), ";", millionths_text(critical->rtt, pool), ";0 ",
        label(peer, "loss", pool), "=", loss != NULL ? apr_pstrcat(pool, loss, "%", NULL) : "U",
        ";", warning->loss < 0 ? "" : millionths_text(100 * warning->loss, pool), ";",
        critical->loss < 0 ? "" : millionths_text(100 * critical->loss, pool), ";0;100",
        losses_text(subject, peer, pool), NULL);
}

/* The name of a subject among others: with its address where the host has several. */
static const char *name_of(const report_check_t *check, const subject_t *subject, apr_pool_t *pool)
{
    int namesakes = 0;

    for (int i = 0; i < check->subjects->nelts; i++) {
        namesakes += strcmp(APR_ARRAY_IDX(check->subjects, i, subject_t).host, subject->host) == 0;
    }
    return namesakes > 1 && subject->peer.length > 0
               ? apr_pstrcat(pool, subject->host, " ", address_text(&subject->peer, pool), NULL)
               : subject->host;
}

/* "3 targets: 1 critical, 2 ok" */
static const char *counts_text(const unsigned *counts, int total, apr_pool_t *pool)
{
    static const char *const small[] = {"ok", "warning", "critical", "unknown"};
    const char *text = apr_psprintf(pool, "%d targets", total);

    for (unsigned i = 0, shown = 0; i < STATES; i++) {
        if (counts[states[i]] > 0) {
            text = apr_psprintf(pool, "%s%s %u %s", text, shown++ == 0 ? ":" : ",",
                                counts[states[i]], small[states[i]]);
        }
    }
    return text;
}

static void push_text(apr_array_header_t *texts, const char *text)
{
    APR_ARRAY_PUSH(texts, const char *) = text;
}

static check_state_t several_result(const report_check_t *check, const char **text,
                                    apr_pool_t *pool)
{
    int total = check->subjects->nelts;
    unsigned counts[STATES] = {0}, worst = 0;
    apr_array_header_t *lines[STATES];
    apr_array_header_t *performance = apr_array_make(pool, total, sizeof(const char *));

    for (unsigned i = 0; i < STATES; i++) {
        lines[i] = apr_array_make(pool, total, sizeof(const char *));
    }
    for (int i = 0; i < total; i++) {
        const subject_t *subject = &APR_ARRAY_IDX(check->subjects, i, subject_t);
        const char *name = plain(name_of(check, subject, pool), pool);
        finding_t finding = judge(check, subject, pool);

        counts[finding.state]++;
        push_text(lines[finding.state], apr_pstrcat(pool, words[finding.state], " - ", name, ": ",
                                                    plain(finding.text, pool), "\n", NULL));
        push_text(performance, performance_text(check, subject, name, pool));
    }
    while (counts[states[worst]] == 0) {
        worst++;
    }
    const char *numbers = apr_array_pstrcat(pool, performance, '\0');

    *text =
        apr_pstrcat(pool, "UDPECHO ", words[states[worst]], " - ", counts_text(counts, total, pool),
                    *numbers != '\0' ? " |" : "", numbers, "\n", NULL);
    for (unsigned i = 0; i < STATES; i++) {
        *text = apr_pstrcat(pool, *text, apr_array_pstrcat(pool, lines[states[i]], '\0'), NULL);
    }
    return states[worst];
}

check_state_t report_check_result(const report_t *report, const char **text, apr_pool_t *pool)
{
    const report_check_t *check = report->context;

    if (check->subjects->nelts == 0) {
        *text = check_unknown("nothing was asked", pool);
        return CHECK_UNKNOWN;
    }
    if (check->subjects->nelts > 1) {
        return several_result(check, text, pool);
    }
    const subject_t *subject = &APR_ARRAY_IDX(check->subjects, 0, subject_t);
    const char *performance = performance_text(check, subject, NULL, pool);
    finding_t finding = judge(check, subject, pool);

    *text = apr_pstrcat(pool, "UDPECHO ", words[finding.state], " - ", plain(subject->host, pool),
                        ": ", plain(finding.text, pool), *performance != '\0' ? " |" : "",
                        performance, "\n", NULL);
    return finding.state;
}

const char *check_unknown(const char *reason, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "UDPECHO UNKNOWN - ", plain(reason, pool), "\n", NULL);
}
