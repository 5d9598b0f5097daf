#include "client/keys.h"

#include "udpecho/keyboard.h"

struct keys {
    const apr_array_header_t *reports;
    host_t *host;
    keyboard_t *keyboard; /* NULL: nothing is listened to */
    int is_over;          /* the user has asked for the end */
};

static void press(void *context, char key)
{
    keys_t *keys = context;

    if (keys->is_over) {
        return; /* a second request would end the process at once, and a key may be held down */
    }
    if (key == 'q') {
        keys->is_over = 1;
        host_stop(keys->host);
        return;
    }
    for (int i = 0; i < keys->reports->nelts; i++) {
        const report_t *report = APR_ARRAY_IDX(keys->reports, i, const report_t *);

        if (report->take_key != NULL) {
            report->take_key(report->context, key);
        }
    }
}

/* Where the report is drawn that takes keys; NULL: none does. */
static apr_file_t *find_screen(const apr_array_header_t *reports)
{
    for (int i = 0; i < reports->nelts; i++) {
        const report_t *report = APR_ARRAY_IDX(reports, i, const report_t *);

        if (report->take_key != NULL) {
            return output_file(report->output);
        }
    }
    return NULL;
}

keys_t *keys_start(const apr_array_header_t *reports, host_t *host, apr_pool_t *pool)
{
    keys_t *keys = apr_pcalloc(pool, sizeof *keys);
    apr_file_t *screen = find_screen(reports);

    keys->reports = reports;
    keys->host = host;
    if (screen == NULL || !keyboard_exists() ||
        keyboard_start(&keys->keyboard, screen, press, keys, pool) != APR_SUCCESS) {
        keys->keyboard = NULL;
    }
    return keys;
}

void keys_stop(keys_t *keys)
{
    if (keys != NULL && keys->keyboard != NULL) {
        keyboard_stop(keys->keyboard);
        keys->keyboard = NULL;
    }
}
