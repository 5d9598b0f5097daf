#include "client/verdict.h"

/* Asked, waited for or refused, and nothing came back from anywhere. */
static int is_silent(const probe_summary_t *summary)
{
    apr_uint64_t replies = 0;

    for (unsigned i = 0; i < REPLY_KINDS; i++) {
        replies += summary->replies[i];
    }
    return replies == 0 && (summary->lost > 0 || summary->refused > 0);
}

/* Replies that are none to what was sent, where nothing else came, are what a server of another
 * protocol sends. */
static const char *protocol_advice(const client_settings_t *settings,
                                   const probe_summary_t *summary)
{
    static const char *const advice[PROTOCOLS] = {
        [PROTOCOL_ECHO] = "replies came, but none of them is an echo; a STAMP reflector needs "
                          "--stamp, a UDPEchoPlus server --echo-plus",
        [PROTOCOL_STAMP] = "replies came, but none of them is STAMP's; a plain echo server needs "
                           "no --stamp, a UDPEchoPlus server --echo-plus",
        [PROTOCOL_ECHO_PLUS] = "replies came, but none of them is UDPEchoPlus's; a plain echo "
                               "server needs no --echo-plus, a STAMP reflector --stamp",
    };
    static const char *const authenticated =
        "replies came, but none of them is authenticated by this key; an unauthenticated STAMP "
        "reflector needs no --stamp-key-file";
    apr_uint64_t strange = summary->replies[REPLY_UNKNOWN];

    /* Plain echoes may be corrupt and still be echoes. */
    if (settings->protocol != PROTOCOL_ECHO) {
        strange += summary->replies[REPLY_CORRUPT];
    }
    if (strange == 0 || settings->payload != NULL) {
        return NULL;
    }
    return settings->stamp_key != NULL ? authenticated : advice[settings->protocol];
}

/* What this host did not send is missing as well: the user wants to know whether all is well.
 */
static int is_too_much_missing(const client_settings_t *settings, const probe_summary_t *summary)
{
    apr_uint64_t missing = summary->lost + summary->corrupted + summary->not_sent;
    apr_uint64_t decided = summary->sent - summary->outstanding + summary->not_sent;

    return settings->max_loss >= 0 &&
           (double)missing * 1e6 > (double)settings->max_loss * (double)decided;
}

/* Nothing came back as it was sent. */
static client_exit_t judge_silence(const outcome_t *outcome, const char **error, apr_pool_t *pool)
{
    const probe_summary_t *summary = outcome->summary;
    apr_uint64_t decided = summary->sent - summary->outstanding;

    if (outcome->peers == 0 && outcome->not_asked > 0 && outcome->not_asked == outcome->targets) {
        *error = "no target was found";
        return CLIENT_ERROR;
    }
    *error = !is_silent(summary) ? protocol_advice(outcome->settings, summary)
             : outcome->destination != NULL
                 ? destination_advice(outcome->destination, outcome->settings, pool)
                 : NULL;
    return decided == 0 && summary->not_sent > 0 ? CLIENT_ERROR : CLIENT_UNANSWERED;
}

client_exit_t verdict_of(const outcome_t *outcome, const char **error, apr_pool_t *pool)
{
    const client_settings_t *settings = outcome->settings;
    const probe_summary_t *summary = outcome->summary;

    *error = NULL;
    if (summary->received == 0) {
        return judge_silence(outcome, error, pool);
    }
    if (outcome->is_limit_unknown) {
        *error = "the search ended before it had found the largest payload";
    } else if (outcome->suspects > 0) {
        *error = "some source ports are worse than the others";
    } else if (is_too_much_missing(settings, summary)) {
        *error = "more is lost, or was not sent, than --max-loss";
    } else if (settings->max_rtt > 0 && summary->timed == 0) {
        *error = "no round-trip time is known to compare with --max-rtt";
    } else if (settings->max_rtt > 0 && summary->mean > settings->max_rtt) {
        *error = "the mean round trip is longer than --max-rtt";
    }
    return *error != NULL || outcome->answered < outcome->peers || outcome->not_asked > 0
               ? CLIENT_UNANSWERED
               : CLIENT_ANSWERED;
}
