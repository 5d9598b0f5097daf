#include "client/load.h"

#include "udpecho/clock.h"

struct load {
    prober_t *prober;
    client_settings_t ping, flood; /* what each of the two flows is to send */
    plan_t plan;
    peer_options_t idle_options, loaded_options, flood_options;
    peer_t *idle, *loaded, *flooder; /* NULL: not asked yet */
    unsigned running;                /* peers that have not ended */
    apr_time_t started;
    load_result_t result;
    apr_pool_t *pool;
};

static const char *plan_one(peer_options_t *options, const client_settings_t *settings,
                            const load_t *load, const destination_t *destination, unsigned flow)
{
    plan_t plan =
        load->plan; /* with a key of its own: late answers come while the next part runs */
    const char *error = plan_renew(&plan, load->pool);

    plan.settings = settings;
    return error == NULL
               ? plan_peer(options, &plan, settings->host, destination, flow, 0, load->pool)
               : error;
}

const char *load_create(load_t **created, const plan_t *plan, const destination_t *destination,
                        apr_pool_t *pool)
{
    load_t *load = apr_pcalloc(pool, sizeof *load);

    *created = load;
    load->plan = *plan;
    load->pool = pool;
    load->ping = load->flood = *plan->settings;
    load->ping.flows = load->flood.flows = 1;
    load->ping.size = PING_SIZE;
    load->flood.bitrate = plan->settings->load;
    load->flood.duration += LOAD_RAMP_US;
    const char *error = plan_one(&load->idle_options, &load->ping, load, destination, 0);

    if (error == NULL) {
        error = plan_one(&load->loaded_options, &load->ping, load, destination, 0);
    }
    if (error == NULL) {
        error = plan_one(&load->flood_options, &load->flood, load, destination, 1);
    }
    /* Only the result reports the load. */
    load->flood_options.reports = apr_array_make(pool, 1, sizeof(report_t *));
    return error;
}

peer_t *load_start(load_t *load, prober_t *prober)
{
    load->prober = prober;
    load->started = clock_now();
    load->running = 1;
    load->idle = prober_add(prober, &load->idle_options, load->pool);
    return load->idle;
}

static void start_load(load_t *load, apr_time_t now)
{
    load->loaded_options.begin = now + LOAD_RAMP_US;
    load->running = 2;
    load->flooder = prober_add(load->prober, &load->flood_options, load->pool);
    load->loaded = prober_add(load->prober, &load->loaded_options, load->pool);
}

/* Whether the pings were not ended before their time, and the host is there. */
static int wants_load(const load_t *load, apr_time_t now)
{
    return load->loaded == NULL && load->result.idle.received > 0 &&
           now >= load->started + load->ping.duration - load->ping.interval;
}

int load_ended(load_t *load, const peer_t *peer, probe_summary_t *summary)
{
    apr_time_t now = clock_now();
    probe_summary_t *result = peer == load->idle     ? &load->result.idle
                              : peer == load->loaded ? &load->result.loaded
                                                     : &load->result.load;

    *result = probe_summary(peer_options(peer)->probe, now);
    load->running--;
    if (wants_load(load, now)) {
        start_load(load, now);
    }
    if (load->running > 0) {
        return 0;
    }
    load->result.run = &load->flood_options.run;
    load->result.has_load = load->result.load.sent > 0;
    *summary = load->result.has_load ? load->result.loaded : load->result.idle;
    peer_tell(load->idle, (event_t){.kind = EVENT_LOAD, .load = &load->result});
    return 1;
}
