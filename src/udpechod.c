/* udpechod: the server's entry. */

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"
#include "version.h"

typedef struct program {
    apr_pool_t *pool;
    apr_file_t *out;
    log_sink_t errors;
} program_t;

static exit_code_t fail(const program_t *program, const char *error, exit_code_t code)
{
    const char *line = apr_psprintf(program->pool, "udpechod: %s\n", error);

    program->errors.write(program->errors.context, LOG_LEVEL_ERROR, line, strlen(line));
    return code;
}

static void print_help(const program_t *program)
{
    apr_file_printf(program->out, "Usage: udpechod [OPTION]...\n"
                                  "Answer UDP datagrams with the same bytes (RFC 862).\n\n");
    options_write_help(settings_table, program->out);
    apr_file_printf(
        program->out,
        "\nSizes take KiB, MiB, GiB, kB, MB, GB; times us, ms, s, m, h, d. SIGTERM and\n"
        "SIGINT drain and end, SIGUSR1 logs the counters. See udpechod(8).\n");
}

/* The command line wins over the file that it names, so it is read before it, to find that file,
 * and again after it. */
static exit_code_t read_settings(const program_t *program, settings_t *settings, int argc,
                                 const char *const *argv)
{
    apr_pool_t *pool = program->pool;
    int operand;
    const char *error =
        options_read_arguments(settings_table, settings, argc, argv, &operand, pool);

    if (error == NULL && operand < argc) {
        error = apr_psprintf(pool, "%s: expected options only; addresses go to --listen=%s",
                             argv[operand], argv[operand]);
    }
    if (error != NULL) {
        return fail(program, error, EXIT_USAGE);
    }
    if (settings->config != NULL && !settings->help && !settings->version) {
        const char *config = settings->config;

        *settings = settings_default(pool);
        error = options_read_file(settings_table, settings, config, pool);
        if (error != NULL) {
            return fail(program, error, EXIT_CONFIG);
        }
        options_read_arguments(settings_table, settings, argc, argv, &operand, pool);
    }
    return EXIT_OK;
}

static exit_code_t serve(const program_t *program, const settings_t *settings)
{
    log_t *log;
    host_t *host;
    char reason[128];
    exit_code_t code;
    apr_status_t status = host_start(&host, program->pool);

    if (status == APR_SUCCESS) {
        status = log_open(&log, program->errors, (log_level_t)settings->log_level,
                          (log_format_t)settings->log_format, (apr_size_t)settings->log_payload,
                          program->pool);
    }
    if (status != APR_SUCCESS) {
        apr_strerror(status, reason, sizeof reason);
        return fail(program, apr_psprintf(program->pool, "cannot start: %s", reason), EXIT_SYSTEM);
    }
    code = server_run(settings, host, log, program->pool);
    log_close(log);
    return code;
}

static exit_code_t run(const program_t *program, int argc, const char *const *argv)
{
    settings_t settings = settings_default(program->pool);
    exit_code_t code = read_settings(program, &settings, argc, argv);

    if (code != EXIT_OK) {
        return code;
    }
    if (settings.help) {
        print_help(program);
        return EXIT_OK;
    }
    if (settings.version) {
        apr_file_printf(program->out, "udpechod " UDPECHO_VERSION "\n");
        return EXIT_OK;
    }
    if (settings.check_config) {
        options_write_settings(settings_table, &settings, program->out, program->pool);
        return EXIT_OK;
    }
    return serve(program, &settings);
}

int main(int argc, const char *const *argv, const char *const *environment)
{
    program_t program;
    apr_file_t *error;
    exit_code_t code = EXIT_SYSTEM;

    if (apr_app_initialize(&argc, &argv, &environment) != APR_SUCCESS) {
        return EXIT_SYSTEM;
    }
    atexit(apr_terminate);
    if (apr_pool_create(&program.pool, NULL) == APR_SUCCESS &&
        apr_file_open_stdout(&program.out, program.pool) == APR_SUCCESS &&
        apr_file_open_stderr(&error, program.pool) == APR_SUCCESS) {
        program.errors = log_to_file(error);
        code = run(&program, argc, argv);
    }
    return (int)code;
}
