/* Where this program has the libraries of Windows from. */

#include <windows.h>

#include "udpecho/host.h"

void host_trust_system_libraries(void)
{
    SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
}

/* The same for those that are loaded before main(): what /DEPENDENTLOADFLAG:0x800 of Microsoft's
 * linker writes. LLVM's linker has the headers point here. GNU's does not: where it links,
 * libraries that Windows does not know by their names alone are loaded when they are first called
 * (delayed/). Later headers call Reserved1 DependentLoadFlags. */
extern const IMAGE_LOAD_CONFIG_DIRECTORY64 _load_config_used;

const IMAGE_LOAD_CONFIG_DIRECTORY64 _load_config_used = {
    .Size = sizeof _load_config_used,
    .Reserved1 = LOAD_LIBRARY_SEARCH_SYSTEM32,
};
