#include "client/core/path_facts.h"

/* DSCP is the upper six bits of the octet, ECN the others (RFC 2474, RFC 3168). */
#define ECN_BITS 2
#define ECN_MASK 3

static void see(seen_t *seen, int value)
{
    if (!seen->is_known || value < seen->minimum) {
        seen->minimum = value;
    }
    if (!seen->is_known || value > seen->maximum) {
        seen->maximum = value;
    }
    seen->is_known = 1;
}

static void see_arrival(arrived_with_t *arrived, int hop_limit, int traffic_class)
{
    if (hop_limit >= 0) {
        see(&arrived->hop_limit, hop_limit);
    }
    if (traffic_class >= 0) {
        see(&arrived->dscp, traffic_class >> ECN_BITS);
        see(&arrived->ecn, traffic_class & ECN_MASK);
    }
}

static void see_tlvs(path_facts_t *facts, unsigned flow, const stamp_tlvs_t *tlvs)
{
    facts->unrecognised |= tlvs->unrecognised;
    facts->malformed |= tlvs->malformed;
    facts->untrusted += tlvs->is_untrusted != 0;
    facts->refused_dscp += tlvs->is_dscp_refused != 0;
    if (tlvs->source_port != 0) {
        facts->source = tlvs->source;
        facts->source_port = tlvs->source_port;
        facts->flow = flow;
    }
    if (tlvs->source_in != 0) {
        facts->sync_source = tlvs->source_in;
        facts->method_in = tlvs->method_in;
        facts->method_out = tlvs->method_out;
    }
}

void path_facts_add(path_facts_t *facts, unsigned flow, const reflection_t *reflection,
                    int hop_limit, int traffic_class)
{
    facts->replies++;
    facts->changed += reflection->is_changed != 0;
    see_arrival(&facts->there, reflection->hop_limit, reflection->tlvs.traffic_class);
    see_arrival(&facts->here, hop_limit, traffic_class);
    see_tlvs(facts, flow, &reflection->tlvs);
}
