#include "server/log/log_limit.h"

#include <assert.h>
#include <string.h>

#define SLOTS (LOG_LIMIT - 1)

/* All but the time is the same. */
static int is_repetition(const log_line_t *one, const log_line_t *other)
{
    return one->length == other->length &&
           memcmp(one->text + one->after_time, other->text + other->after_time,
                  one->length - one->after_time) == 0;
}

int log_limit_admit(log_limit_t *limit, const log_line_t *line, apr_time_t now)
{
    log_slot_t *unused = NULL;

    assert(line->text[line->length - 1] == '\n');
    for (unsigned i = 0; i < SLOTS; i++) {
        log_slot_t *slot = &limit->slots[i];

        if (slot->free_at <= now) {
            assert(slot->repeated == 0);
            unused = slot;
        } else if (is_repetition(&slot->line, line)) {
            slot->repeated++;
            return 0;
        }
    }
    if (unused == NULL) {
        limit->left_out++;
        return 0;
    }
    *unused = (log_slot_t){.free_at = now + LOG_LIMIT_PERIOD, .line = *line};
    return 1;
}

void log_limit_leave_out(log_limit_t *limit, unsigned count)
{
    limit->left_out += count;
}

const log_line_t *log_limit_repeat(log_limit_t *limit, apr_time_t now, apr_time_t time)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        log_slot_t *slot = &limit->slots[i];

        if (slot->repeated > 0 && slot->free_at <= now) {
            limit->told = slot->line;
            log_line_reopen(&limit->told, time);
            log_number(&limit->told, "repeated", slot->repeated);
            log_line_finish(&limit->told);
            slot->repeated = 0;
            slot->free_at = now + LOG_LIMIT_PERIOD;
            return &limit->told;
        }
    }
    return NULL;
}

unsigned log_limit_notice(log_limit_t *limit, apr_time_t now)
{
    unsigned count = limit->left_out;

    if (count == 0 || limit->next_notice > now) {
        return 0;
    }
    limit->left_out = 0;
    limit->next_notice = now + LOG_LIMIT_PERIOD;
    return count;
}

apr_interval_time_t log_limit_wait(const log_limit_t *limit, apr_time_t now)
{
    apr_time_t next = limit->left_out > 0 ? limit->next_notice : APR_INT64_MAX;

    for (unsigned i = 0; i < SLOTS; i++) {
        const log_slot_t *slot = &limit->slots[i];

        if (slot->repeated > 0 && slot->free_at < next) {
            next = slot->free_at;
        }
    }
    if (next == APR_INT64_MAX) {
        return -1;
    }
    return next > now ? next - now : 0;
}

void log_limit_end(log_limit_t *limit)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        limit->slots[i].free_at = 0;
    }
    limit->next_notice = 0;
}
