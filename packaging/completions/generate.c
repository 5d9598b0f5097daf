/* Writes what bash, zsh, fish and PowerShell need to complete the command lines of udpechod and
 * udpecho. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/client_settings.h"
#include "completion.h"
#include "server/settings.h"

static const program_t programs[] = {
    {"udpechod", settings_table, 0},
    {"udpecho", client_settings_table, 1},
};

/* By the names under which the shells look for them. */
static const struct {
    const char *before, *after;
    void (*write)(FILE *out, const program_t *program);
} shells[] = {{"", ".bash", write_bash},
              {"_", "", write_zsh},
              {"", ".fish", write_fish},
              {"", ".ps1", write_powershell}};

static int write_file(const char *path, const program_t *program,
                      void (*write)(FILE *out, const program_t *program))
{
    FILE *out = fopen(path, "wb");

    if (out == NULL) {
        return -1;
    }
    write(out, program);
    int is_bad = ferror(out);

    return fclose(out) != 0 || is_bad ? -1 : 0;
}

int main(int argc, char **argv)
{
    char path[4096];

    if (argc != 2) {
        fputs("Usage: generate_completions DIRECTORY\n", stderr);
        return EXIT_FAILURE;
    }
    for (unsigned i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        for (unsigned j = 0; j < sizeof shells / sizeof shells[0]; j++) {
            snprintf(path, sizeof path, "%s/%s%s%s", argv[1], shells[j].before, programs[i].name,
                     shells[j].after);
            if (write_file(path, &programs[i], shells[j].write) != 0) {
                fprintf(stderr, "%s: %s\n", path, strerror(errno));
                return EXIT_FAILURE;
            }
        }
    }
    return EXIT_SUCCESS;
}
