#include "server/impair_schedule_file.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

#include "common/lines.h"
#include "server/impair_spec.h"

typedef struct reading {
    const impair_profile_t *whose;
    impair_schedule_t *schedule;
    apr_array_header_t *steps;
    apr_pool_t *pool;
} reading_t;

/* Returns NULL, or what would have been right behind the lines before. */
static const char *check_order(const reading_t *reading, const impair_line_t *line)
{
    const apr_array_header_t *steps = reading->steps;

    if (reading->schedule->period > 0) {
        return "no line after the one with repeat";
    }
    if (steps->nelts == 0) {
        return line->repeats ? "a line without repeat before it" : NULL;
    }
    if (line->counts_replies != reading->schedule->counts_replies) {
        return "after in all lines, or after-replies in all lines";
    }
    return line->step.after > APR_ARRAY_IDX(steps, steps->nelts - 1, impair_step_t).after
               ? NULL
               : "a line that begins later than the one before it";
}

static const char *add(reading_t *reading, const impair_line_t *line)
{
    const char *expected = check_order(reading, line);

    if (expected != NULL) {
        return expected;
    }
    if (line->repeats) {
        reading->schedule->period = line->step.after;
        return NULL;
    }
    if (reading->steps->nelts == IMPAIR_STEPS_MAX) {
        return apr_psprintf(reading->pool, "at most %d lines", IMPAIR_STEPS_MAX);
    }
    reading->schedule->counts_replies = line->counts_replies;
    APR_ARRAY_PUSH(reading->steps, impair_step_t) = line->step;
    return NULL;
}

static const char *read_line(void *context, char *text)
{
    static const char spaces[] = " \t";
    reading_t *reading = context;
    impair_line_t line;
    char *state;

    text[strcspn(text, "#")] = '\0';
    const char *spec = apr_strtok(text, spaces, &state);

    if (spec == NULL) {
        return NULL;
    }
    const char *more = apr_strtok(NULL, spaces, &state);

    if (more != NULL) {
        return apr_psprintf(reading->pool, "%s %s: expected no spaces", spec, more);
    }
    const char *expected = impair_line_parse(&line, reading->whose, spec, reading->pool);

    if (expected == NULL) {
        expected = add(reading, &line);
    }
    return expected != NULL ? apr_psprintf(reading->pool, "%s: expected %s", spec, expected) : NULL;
}

const char *impair_schedule_file_read(impair_schedule_t *schedule, const impair_profile_t *whose,
                                      const char *path, apr_status_t *refusal, apr_pool_t *pool)
{
    reading_t reading = {.whose = whose,
                         .schedule = schedule,
                         .steps = apr_array_make(pool, 8, sizeof(impair_step_t)),
                         .pool = pool};

    *schedule = (impair_schedule_t){.period = 0};
    const char *error = lines_read(path, read_line, &reading, refusal, pool);

    if (error == NULL && reading.steps->nelts == 0) {
        error = apr_pstrcat(pool, path, ": expected a line such as after=30s,drop=1%", NULL);
    }
    schedule->count = (unsigned)reading.steps->nelts;
    schedule->steps = (const impair_step_t *)(const void *)reading.steps->elts;
    return error;
}
