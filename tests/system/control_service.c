/* Sends a control to a service: control_service NAME NUMBER. `sc control` does it on Windows; the
 * sc of Wine has no such command. */

#include <windows.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    SERVICE_STATUS status;
    SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service =
        OpenServiceA(manager, argc > 2 ? argv[1] : "",
                     SERVICE_PAUSE_CONTINUE | SERVICE_USER_DEFINED_CONTROL | SERVICE_STOP);

    if (service == NULL || !ControlService(service, (DWORD)atoi(argv[2]), &status)) {
        fprintf(stderr, "control_service: error %lu\n", GetLastError());
        return 1;
    }
    return 0;
}
