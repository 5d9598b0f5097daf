/* udpechod: the server's entry. */

#include <apr_general.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file_print.h"
#include "common/installation.h"
#include "common/json_text.h"
#include "common/memory.h"
#include "common/version.h"
#include "server/observe/ask_service.h"
#include "server/observe/show_platform.h"
#include "server/observe/show_status.h"
#include "server/server.h"
#include "server/server_installation.h"
#include "udpecho/error_text.h"

typedef struct program {
    apr_pool_t *pool;
    apr_file_t *out;
    log_sink_t errors;
    settings_t settings;
    int is_held_up;    /* a thread still runs, which nobody can end */
    const char *wrong; /* what is wrong with the settings, otherwise NULL */
    exit_code_t code;  /* how to end then */
} program_t;

static void say(const program_t *program, log_level_t level, const char *text)
{
    const char *line =
        apr_psprintf(program->pool, "udpechod: %s\n", printable_text(text, program->pool));

    program->errors.write(program->errors.context, level, line, strlen(line), APR_USEC_PER_SEC);
}

static exit_code_t fail(const program_t *program, const char *error, exit_code_t code)
{
    say(program, LOG_LEVEL_ERROR, error);
    return code;
}

static void print_help(const program_t *program)
{
    file_print(program->out, "Usage: udpechod [OPTION]...\n"
                             "Answer UDP datagrams with the same bytes (RFC 862).\n\n");
    options_write_help(settings_table, program->out);
    file_print(program->out,
               "\nSizes take KiB, MiB, GiB, kB, MB, GB; times us, ms, s, m, h, d. SIGTERM and\n"
               "SIGINT drain and stop, SIGUSR1 logs the counters, SIGHUP reloads: options\n"
               "marked (reload) change at once, others at the next start.\n"
               "See udpechod(8).\n");
}

static exit_code_t serve(program_t *program)
{
    const settings_t *settings = &program->settings;
    log_t *log;
    host_t *host;
    char reason[128];
    exit_code_t code;
    apr_status_t status = host_start(&host, 1, program->pool);

    if (status == APR_SUCCESS) {
        status = log_open(&log, program->errors, settings->log_level, settings->log_format,
                          (apr_size_t)settings->log_payload, program->pool);
    }
    if (status != APR_SUCCESS) {
        error_text(status, reason, sizeof reason);
        return fail(program, apr_psprintf(program->pool, "cannot start: %s", reason), EXIT_SYSTEM);
    }
    if (settings->service && settings->file == NULL) {
        log_line_t *line = log_begin(log, LOG_LEVEL_INFO, "no configuration file, using defaults");

        log_text(line, "file", host_config_file(program->pool));
        log_end(line);
    }
    code = server_run(settings, host, log, program->pool);
    program->is_held_up = log_close(log) != APR_SUCCESS;
    return code;
}

/* Installs the service or removes it. */
static exit_code_t manage_service(const program_t *program)
{
    apr_array_header_t *notes = apr_array_make(program->pool, 4, sizeof(const char *));
    const settings_t *settings = &program->settings;
    exit_code_t code;
    const char *error = settings->install_service
                            ? server_installation_add(settings, notes, &code, program->pool)
                            : installation_remove(notes, &code, program->pool);

    for (int i = 0; i < notes->nelts; i++) {
        say(program, LOG_LEVEL_WARNING, APR_ARRAY_IDX(notes, i, const char *));
    }
    return error != NULL ? fail(program, error, code) : code;
}

/* Only now is known whether all that was printed has been written. */
static exit_code_t finish_output(const program_t *program)
{
    apr_status_t status = apr_file_flush(program->out);
    char reason[128];

    if (status == APR_SUCCESS) {
        return EXIT_OK;
    }
    error_text(status, reason, sizeof reason);
    return fail(program, apr_psprintf(program->pool, "cannot write: %s", reason), EXIT_SYSTEM);
}

static exit_code_t ask_status(const program_t *program)
{
    exit_code_t code;
    const char *error = show_status(&program->settings, program->out, &code, program->pool);

    return error != NULL ? fail(program, error, code) : finish_output(program);
}

static exit_code_t ask_whether_ready(const program_t *program)
{
    exit_code_t code;
    const char *error = ask_readiness(&program->settings, program->out, &code, program->pool);

    if (error != NULL) {
        return fail(program, error, code);
    }
    exit_code_t written = finish_output(program);

    return written != EXIT_OK ? written : code;
}

/* Everything except the decision what to do, which determines how the host runs this. */
static int run(void *data)
{
    program_t *program = data;
    const settings_t *settings = &program->settings;

    if (host_log() != NULL) {
        program->errors = *host_log();
    }
    if (program->wrong != NULL) {
        return (int)fail(program, program->wrong, program->code);
    }
    if (settings->help) {
        print_help(program);
    } else if (settings->version) {
        file_print(program->out, "udpechod " UDPECHO_VERSION "\n");
    } else if (settings->check_config) {
        options_write_settings(settings_table, settings, program->out, program->pool);
    } else if (settings->show_platform) {
        show_platform(settings, program->out, program->pool);
    } else if (settings->status) {
        return (int)ask_status(program);
    } else if (settings->ready || settings->drain || settings->undrain) {
        return (int)ask_whether_ready(program);
    } else if (settings->install_service || settings->uninstall_service) {
        return (int)manage_service(program);
    } else {
        return (int)serve(program);
    }
    return (int)finish_output(program);
}

/* The same as systemd's units name in RestartPreventExitStatus. */
static int needs_person(int code)
{
    return code == EXIT_USAGE || code == EXIT_NO_USER || code == EXIT_NO_PERMISSION ||
           code == EXIT_CONFIG;
}

static int start(program_t *program, int argc, const char *const *argv)
{
    int code = EXIT_OK;

    program->wrong = settings_read(&program->settings, argc, argv, &program->code, program->pool);
    int as_service = program->settings.service && !program->settings.install_service;
    apr_status_t status = host_run(as_service, run, needs_person, program, &code);

    if (status != APR_SUCCESS) {
        return (int)fail(program, installation_refusal(status, program->pool), EXIT_USAGE);
    }
    return code;
}

/* What give_up() writes to; NULL at first. */
static const log_sink_t *errors_of_program;

/* Asks for no memory, and leaves out what ends the program in order, which might. */
static void give_up(void)
{
    static const char line[] = "udpechod: no memory\n";
    const log_sink_t *errors = errors_of_program;

    if (errors != NULL) {
        errors->write(errors->context, LOG_LEVEL_ERROR, line, sizeof line - 1, APR_USEC_PER_SEC);
    } else {
        fputs(line, stderr);
    }
    _Exit(EXIT_SYSTEM);
}

static const host_service_t service = {
    .name = "udpechod",
    .title = "UDP echo service (udpecho)",
    .description = "Answers UDP datagrams with the same bytes (RFC 862).",
};

int main(int argc, const char *const *argv, const char *const *environment)
{
    program_t program = {.pool = NULL};
    apr_file_t *error;

    host_trust_system_libraries();
    if (host_fill_standard_files() != APR_SUCCESS) {
        fputs("udpechod: no descriptors to replace closed standard files\n", stderr);
        return EXIT_SYSTEM;
    }
    if (apr_app_initialize(&argc, &argv, &environment) != APR_SUCCESS) {
        give_up(); /* nothing else makes it fail on POSIX, nor usually on Windows */
    }
    atexit(apr_terminate);
    program.pool = memory_start(give_up);
    host_name_service(&service);
    apr_file_open_flags_stdout(&program.out, APR_FOPEN_BUFFERED, program.pool);
    apr_file_open_stderr(&error, program.pool);
    program.errors = log_to_file(error);
    errors_of_program = &program.errors;
    int code = start(&program, argc, argv);

    if (program.is_held_up) {
        _Exit(code); /* apr_terminate() would take the thread's memory away */
    }
    return code;
}
