/* udpecho: the client's entry. */

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/check.h"
#include "client/failure.h"
#include "client/measure.h"
#include "client/output/report.h"
#include "client/output/report_plot.h"
#include "client/plan.h"
#include "common/file_print.h"
#include "common/installation.h"
#include "common/json_text.h"
#include "common/memory.h"
#include "common/version.h"
#include "udpecho/host.h"
#include "udpecho/keyboard.h"

/* How long files that accept no data delay the exit, all together at most a second. */
#define REPORT_PATIENCE_US (750 * 1000)
#define ERRORS_PATIENCE_US (100 * 1000)

/* A disk that is busy takes it later. */
#define DISK_PATIENCE_US (10 * APR_USEC_PER_SEC)

typedef struct program {
    apr_pool_t *pool;
    apr_file_t *out;
    output_t *errors;
    int has_errors;              /* they are written by a thread of their own */
    apr_array_header_t *reports; /* of report_t * */
    report_plot_t *plot;         /* one of them; NULL: none */
    check_t *check;              /* NULL: this is none */
    report_t *check_report;
    client_settings_t settings;
    const char *wrong; /* what is wrong with the settings, otherwise NULL */
    int is_held_up;    /* a thread is, and has memory that apr_terminate() would take away */
} program_t;

/* It is often the same pipe as standard output. */
static void start_errors(program_t *program)
{
    if (!program->has_errors) {
        output_start(program->errors, NULL, NULL);
        program->has_errors = 1;
    }
}

static client_exit_t fail(program_t *program, const char *error)
{
    start_errors(program);
    failure_write(program->errors, error, program->pool);
    return CLIENT_ERROR;
}

/* ---- Without a measurement ---- */

static void print_version(const program_t *program)
{
    file_print(program->out, "udpecho " UDPECHO_VERSION "\n");
}

static void print_help(const program_t *program)
{
    file_print(program->out,
               "Usage: udpecho [OPTION]... HOST[:PORT]...\n"
               "       udpecho [OPTION]... --targets=FILE [HOST[:PORT]...]\n"
               "Ask a UDP echo server (RFC 862), port 7 unless another is named, and tell\n"
               "what comes back and how fast.\n\n");
    options_write_help(client_settings_table, program->out);
    file_print(program->out,
               "\nSizes take KiB, MiB, kB, MB; times us, ms, s, m, h, d. Ctrl-C ends it and\n"
               "shows the summary. Exits with 0 if there was an answer, 1 if not, 2 on\n"
               "an error. See udpecho(1).\n");
}

static client_exit_t tell(program_t *program, void (*print)(const program_t *program))
{
    static char buffer[8192];

    apr_file_buffer_set(program->out, buffer, sizeof buffer);
    print(program);
    apr_status_t status = apr_file_flush(program->out);

    if (status == APR_SUCCESS) {
        return CLIENT_ANSWERED;
    }
    return APR_STATUS_IS_EPIPE(status) ? CLIENT_ERROR
                                       : fail(program, cannot("write", status, program->pool));
}

/* Installs the service or removes it. */
static client_exit_t manage_service(program_t *program)
{
    const client_settings_t *settings = &program->settings;
    const installation_t installation = {.table = client_settings_table,
                                         .argc = settings->argc,
                                         .argv = settings->argv,
                                         .config = settings->config,
                                         .is_line_of_service = settings->service != 0};
    apr_array_header_t *notes = apr_array_make(program->pool, 4, sizeof(const char *));
    exit_code_t code; /* udpecho has one for all errors */
    const char *error = settings->install_service
                            ? installation_add(&installation, notes, &code, program->pool)
                            : installation_remove(notes, &code, program->pool);

    for (int i = 0; i < notes->nelts; i++) {
        failure_write(program->errors, APR_ARRAY_IDX(notes, i, const char *), program->pool);
    }
    return error != NULL ? fail(program, error) : CLIENT_ANSWERED;
}

/* ---- Reports ---- */

typedef report_t *report_kind_t(const report_options_t *options, apr_pool_t *pool);

static apr_interval_time_t patience_with(apr_file_t *file)
{
    apr_finfo_t info;

    return apr_file_info_get(&info, APR_FINFO_TYPE, file) == APR_SUCCESS && info.filetype == APR_REG
               ? DISK_PATIENCE_US
               : REPORT_PATIENCE_US;
}

static void add_report(const program_t *program, report_kind_t *kind, int is_quiet,
                       output_t *output)
{
    const client_settings_t *settings = &program->settings;
    int is_brief = settings->measurement != MEASURE_PING && settings->measurement != MEASURE_MTU;
    const report_options_t options = {.lines = is_brief ? settings->verbose != 0 : !is_quiet,
                                      .lines_of_many = settings->verbose != 0,
                                      .has_keys = keyboard_exists(),
                                      .table = settings->has_several && settings->verbose == 0 &&
                                               !is_quiet,
                                      .histogram = settings->histogram != 0,
                                      .times = (line_times_t)settings->timestamps,
                                      .protocol = settings->protocol,
                                      .output = output};

    APR_ARRAY_PUSH(program->reports, const report_t *) = kind(&options, program->pool);
}

static const char *add_file(const program_t *program, report_kind_t *kind, const char *option,
                            const char *path)
{
    apr_file_t *file;

    if (path == NULL) {
        return NULL;
    }
    apr_status_t status = apr_file_open(
        &file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE | APR_FOPEN_BINARY,
        APR_FPROT_OS_DEFAULT, program->pool);

    if (status != APR_SUCCESS) {
        return apr_psprintf(program->pool, "--%s=%s: %s", option, path,
                            cannot("write it", status, program->pool));
    }
    /* --quiet is about what is shown */
    add_report(program, kind, 0, output_create(file, patience_with(file), program->pool));
    return NULL;
}

static const char *plot_error(const program_t *program, const char *error)
{
    return apr_psprintf(program->pool, "--plot=%s: %s", program->settings.plot, error);
}

static const char *add_plot(program_t *program)
{
    const char *path = program->settings.plot;
    const char *error =
        path != NULL ? report_plot_create(&program->plot, path, program->pool) : NULL;

    if (error != NULL) {
        return plot_error(program, error);
    }
    if (path != NULL) {
        APR_ARRAY_PUSH(program->reports, const report_t *) = report_plot_report(program->plot);
    }
    return NULL;
}

/* A service of Windows has the event log in place of standard output. */
static output_t *open_shown(const program_t *program)
{
    apr_file_t *file = program->out;

    return program->settings.service ? output_create_log(host_log(), LOG_LEVEL_INFO, file,
                                                         REPORT_PATIENCE_US, program->pool)
                                     : output_create(file, patience_with(file), program->pool);
}

static const char *add_reports(program_t *program)
{
    const client_settings_t *settings = &program->settings;
    const char *error;

    if (program->check != NULL) {
        APR_ARRAY_PUSH(program->reports, const report_t *) = program->check_report;
    } else {
        add_report(program,
                   settings->json  ? report_json
                   : settings->csv ? report_csv
                                   : report_text,
                   settings->quiet != 0, open_shown(program));
    }
    error = add_file(program, report_json, "json-file", settings->json_file);
    if (error == NULL) {
        error = add_file(program, report_csv, "csv-file", settings->csv_file);
    }
    return error == NULL ? add_plot(program) : error;
}

/* ---- With a measurement ---- */

static client_exit_t ask(program_t *program, const char **error)
{
    const client_settings_t *settings = &program->settings;
    destination_t destination;

    *error = settings->has_several ? NULL : destination_find(&destination, settings, program->pool);
    if (*error == NULL) {
        *error = add_reports(program);
    }
    if (*error != NULL) {
        return CLIENT_ERROR;
    }
    if (client_settings_can_reload(settings)) {
        start_errors(program);
    }
    client_exit_t code =
        measure(settings, settings->has_several ? NULL : &destination, program->reports,
                program->errors, &program->is_held_up, error, program->pool);
    apr_status_t status = program->plot != NULL ? report_plot_status(program->plot) : APR_SUCCESS;

    if (status == APR_SUCCESS) {
        return code;
    }
    if (*error == NULL) {
        *error = plot_error(program, cannot("write it", status, program->pool));
    }
    return CLIENT_ERROR;
}

/* What is to be asked, and for how long. */
static const char *begin_check(program_t *program)
{
    client_settings_t *settings = &program->settings;
    const apr_array_header_t *names = settings->targets->names;
    apr_interval_time_t length = plan_length(settings);
    apr_status_t status = check_limit(program->check, length + CHECK_LOOKUPS_US);

    program->check_report = report_check(&settings->thresholds, program->pool);
    for (int i = 0; i < names->nelts; i++) {
        report_check_expect(program->check_report, APR_ARRAY_IDX(names, i, target_name_t).text);
    }
    if (settings->deadline == 0) {
        settings->deadline = length + CHECK_DEADLINE_US;
    }
    return status == APR_SUCCESS ? NULL : cannot("start", status, program->pool);
}

/* As a monitoring plugin. */
static check_state_t check(program_t *program)
{
    const char *error = program->wrong;
    apr_pool_t *pool = program->pool;
    client_exit_t code = CLIENT_ERROR;
    check_state_t state = CHECK_UNKNOWN;
    const char *text;

    if (error == NULL) {
        error = begin_check(program);
    }
    if (error == NULL) {
        code = ask(program, &error);
    }
    if (error != NULL && code == CLIENT_ERROR) {
        text = check_unknown(printable_text(error, pool), pool);
    } else {
        state = report_check_result(program->check_report, &text, pool);
        text = error == NULL ? text : apr_pstrcat(pool, text, error, "\n", NULL);
    }
    check_end(program->check, text);
    return state;
}

static int run(program_t *program)
{
    const client_settings_t *settings = &program->settings;
    const char *error = program->wrong;

    if (error == NULL && settings->help) {
        return (int)tell(program, print_help);
    }
    if (error == NULL && settings->version) {
        return (int)tell(program, print_version);
    }
    if (error == NULL && (settings->install_service || settings->uninstall_service)) {
        return (int)manage_service(program);
    }
    if (program->check != NULL) {
        return (int)check(program);
    }
    client_exit_t code = error == NULL ? ask(program, &error) : CLIENT_ERROR;

    if (error != NULL) {
        fail(program, error);
    }
    return (int)code;
}

static int run_body(void *data)
{
    program_t *program = data;
    const log_sink_t *log = host_log();
    apr_file_t *errors = output_file(program->errors);

    if (log != NULL) {
        program->errors =
            output_create_log(log, LOG_LEVEL_ERROR, errors, ERRORS_PATIENCE_US, program->pool);
    }
    return run(program);
}

/* A service that ended by itself would end the same way again until a person has corrected
 * something. */
static int is_final(int code)
{
    (void)code;
    return 1;
}

/* Whether a service manager started it is known from the options, and decides which thread runs it.
 */
static int start(program_t *program, int argc, const char *const *argv)
{
    client_settings_t *settings = &program->settings;
    int code = CLIENT_ERROR;

    program->wrong = client_settings_read(settings, argc, argv, program->pool);
    apr_status_t status = host_run(settings->service && !settings->install_service, run_body,
                                   is_final, program, &code);

    if (status != APR_SUCCESS) {
        return (int)fail(program, installation_refusal(status, program->pool));
    }
    return code;
}

static int is_held_up(const program_t *program)
{
    int result = program->is_held_up || output_is_held_up(program->errors) ||
                 (program->check != NULL && check_is_held_up(program->check));

    for (int i = 0; i < program->reports->nelts; i++) {
        result |= output_is_held_up(APR_ARRAY_IDX(program->reports, i, report_t *)->output);
    }
    return result;
}

static int is_check; /* this is a monitoring plugin, which has other exit codes */

/* Asks for no memory, and leaves out what ends the program in order, which might. */
static void give_up(void)
{
    fputs(is_check ? "UDPECHO UNKNOWN - no memory\n" : "udpecho: no memory\n",
          is_check ? stdout : stderr);
    fflush(stdout);
    _Exit(is_check ? (int)CHECK_UNKNOWN : (int)CLIENT_ERROR);
}

static const host_service_t service = {
    .name = "udpecho-watch",
    .title = "UDP echo watcher (udpecho)",
    .description = "Measures the loss and round-trip times of UDP echo servers.",
};

int main(int argc, const char *const *argv, const char *const *environment)
{
    program_t program = {.pool = NULL};
    apr_file_t *errors;

    is_check = client_settings_is_check(argc, argv);
    host_trust_system_libraries();
    if (host_fill_standard_files() != APR_SUCCESS) {
        fputs("udpecho: no descriptors to replace closed standard files\n", stderr);
        return is_check ? (int)CHECK_UNKNOWN : (int)CLIENT_ERROR;
    }
    if (apr_app_initialize(&argc, &argv, &environment) != APR_SUCCESS) {
        give_up(); /* nothing else makes it fail on POSIX, nor usually on Windows */
    }
    atexit(apr_terminate);
    program.pool = memory_start(give_up);
    host_name_service(&service);
    apr_file_open_stdout(&program.out, program.pool);
    apr_file_open_stderr(&errors, program.pool);
    program.errors = output_create(errors, ERRORS_PATIENCE_US, program.pool);
    program.plot = NULL;
    program.reports = apr_array_make(program.pool, 4, sizeof(const report_t *));

    if (is_check) {
        program.check = check_create(program.out, program.pool);
    }
    int code = start(&program, argc, argv);

    output_close(program.errors);
    if (is_held_up(&program)) {
        _Exit(code); /* apr_terminate() would take the threads' memory away */
    }
    return code;
}
