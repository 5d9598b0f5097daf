#include "secret_file.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef _WIN32
#include <windows.h>

#include <sddl.h>

static int take_from_others(const char *path)
{
    PSECURITY_DESCRIPTOR descriptor;
    int is_done = 0;

    if (ConvertStringSecurityDescriptorToSecurityDescriptorA("D:P(A;;FA;;;SY)(A;;FA;;;BA)",
                                                             SDDL_REVISION_1, &descriptor, NULL)) {
        is_done = SetFileSecurityA(path, DACL_SECURITY_INFORMATION, descriptor) != 0;
        LocalFree(descriptor);
    }
    return is_done;
}
#else
#include <sys/stat.h>

static int take_from_others(const char *path)
{
    return chmod(path, S_IRUSR | S_IWUSR) == 0;
}
#endif

void keep_from_others(const char *path)
{
    if (!take_from_others(path)) {
        fprintf(stderr, "%s cannot be kept from others\n", path);
        exit(1);
    }
}
