#include "iocp/qwave.h"

typedef void any_t(void);

static any_t *find(HMODULE library, const char *name, DWORD *error)
{
    any_t *found = (any_t *)GetProcAddress(library, name);

    *error = found != NULL ? *error : GetLastError();
    return found;
}

DWORD qwave_load(qwave_t *calls)
{
    HMODULE library = LoadLibraryExW(L"qwave.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    DWORD error = 0;

    if (library == NULL) {
        return GetLastError();
    }
    calls->create_handle = (qwave_create_t *)find(library, "QOSCreateHandle", &error);
    calls->close_handle = (qwave_close_t *)find(library, "QOSCloseHandle", &error);
    calls->add_socket = (qwave_add_t *)find(library, "QOSAddSocketToFlow", &error);
    calls->remove_socket = (qwave_remove_t *)find(library, "QOSRemoveSocketFromFlow", &error);
    calls->set_flow = (qwave_set_t *)find(library, "QOSSetFlow", &error);
    return error;
}
