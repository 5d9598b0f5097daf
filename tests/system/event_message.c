/* Prints an event as its viewers do: event_message FILE ID TEXT. The message is looked up in the
 * message table of FILE, and TEXT is filled in. */

#include <windows.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    char message[1024];

    if (argc != 4) {
        return 2;
    }
    DWORD_PTR inserts[] = {(DWORD_PTR)argv[3]};
    HMODULE file = LoadLibraryExA(argv[1], NULL, LOAD_LIBRARY_AS_DATAFILE);

    if (file == NULL || FormatMessageA(FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY,
                                       file, strtoul(argv[2], NULL, 0), 0, message, sizeof message,
                                       (va_list *)inserts) == 0) {
        fprintf(stderr, "event_message: error %lu\n", GetLastError());
        return 1;
    }
    fputs(message, stdout);
    return 0;
}
