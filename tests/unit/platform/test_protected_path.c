/* Who may have made and may change what the service reads. */

#include "unit.h"

#include <apr_strings.h>
#include <sddl.h>

#include "os/windows/protected_path.h"
#include "os/windows/wide.h"

#define SOMEBODY "S-1-5-21-1-2-3-1001"

static const char *protected_as(const char *sddl, const char *trusted, apr_pool_t *pool)
{
    PSECURITY_DESCRIPTOR descriptor;
    PSID sid = NULL;

    assert_true(ConvertStringSecurityDescriptorToSecurityDescriptorW(
        wide(sddl, pool), SDDL_REVISION_1, &descriptor, NULL));
    if (trusted != NULL) {
        assert_true(ConvertStringSidToSidW(wide(trusted, pool), &sid));
    }
    const char *reason = protected_by(descriptor, sid, pool);

    LocalFree(sid);
    LocalFree(descriptor);
    return reason;
}

static void what_administrators_and_the_system_alone_can_change_is_safe(void **state)
{
    static const char *const safe[] = {
        "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FRFX;;;BU)(A;OICI;FRFX;;;LS)",
        "O:SYD:(A;;FA;;;BA)(A;;FR;;;WD)",
        "O:BAD:",                               /* nobody at all */
        "O:BAD:(A;OICIIO;GA;;;CO)(A;;FA;;;BA)", /* of what will be made there */
        "O:BAD:(D;;FA;;;WD)(A;;FA;;;BA)",
    };

    for (unsigned i = 0; i < sizeof safe / sizeof safe[0]; i++) {
        const char *reason = protected_as(safe[i], NULL, *state);

        if (reason != NULL) {
            fail_msg("%s: %s", safe[i], reason);
        }
    }
}

static void who_made_it_in_a_directory_of_all_users_is_told(void **state)
{
    assert_string_equal(protected_as("O:" SOMEBODY "D:(A;;FA;;;BA)", NULL, *state),
                        "it belongs to " SOMEBODY);
    assert_string_equal(protected_as("O:LSD:(A;;FA;;;BA)", NULL, *state), "it belongs to S-1-5-19");
}

static void each_right_to_change_it_is_told(void **state)
{
    /* Write, append, write attributes, delete what is in it, delete, permissions, owner, and all
     * of the generic ones. */
    static const char *const rights[] = {"0x2",     "0x4", "0x100", "0x40", "0x10000", "0x40000",
                                         "0x80000", "GW",  "GA",    "FA",   "FW"};

    for (unsigned i = 0; i < sizeof rights / sizeof rights[0]; i++) {
        const char *sddl = apr_pstrcat(*state, "O:BAD:(A;;FA;;;BA)(A;;", rights[i], ";;;BU)", NULL);
        const char *reason = protected_as(sddl, NULL, *state);

        if (reason == NULL) {
            fail_msg("%s is taken for safe", sddl);
        }
        assert_string_equal(reason, "S-1-5-32-545 may change it");
    }
}

static void without_a_list_everybody_may_change_it(void **state)
{
    assert_string_equal(protected_as("O:BA", NULL, *state), "everybody may change it");
    SECURITY_DESCRIPTOR descriptor;
    PSID owner;

    assert_true(ConvertStringSidToSidW(L"S-1-5-18", &owner));
    assert_true(InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION));
    assert_true(SetSecurityDescriptorOwner(&descriptor, owner, FALSE));
    assert_true(SetSecurityDescriptorDacl(&descriptor, TRUE, NULL, FALSE));
    assert_string_equal(protected_by(&descriptor, NULL, *state), "everybody may change it");
    LocalFree(owner);
}

static void without_an_owner_nothing_is_safe(void **state)
{
    assert_string_equal(protected_as("D:(A;;FA;;;BA)", NULL, *state), "its owner is not known");
}

static const char *secret_as(const char *sddl, const char *reader, apr_pool_t *pool)
{
    PSECURITY_DESCRIPTOR descriptor;
    PSID sid;

    assert_true(ConvertStringSecurityDescriptorToSecurityDescriptorW(
        wide(sddl, pool), SDDL_REVISION_1, &descriptor, NULL));
    assert_true(ConvertStringSidToSidW(wide(reader, pool), &sid));
    const char *reason = secret_by(descriptor, NULL, sid, pool);

    LocalFree(sid);
    LocalFree(descriptor);
    return reason;
}

static void a_secret_is_read_by_us_and_by_services_alone(void **state)
{
    static const char *const safe[] = {
        "O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;LS)",
        "O:BAD:P(A;;FR;;;" SOMEBODY ")",
        "O:BAD:P(A;;FR;;;S-1-5-80-1-2-3-4-5)",
        "O:BAD:P(A;;0x20080;;;WD)", /* what it is, and not what it holds */
        "O:BAD:P(D;;FR;;;WD)(A;;FA;;;BA)",
    };

    for (unsigned i = 0; i < sizeof safe / sizeof safe[0]; i++) {
        const char *reason = secret_as(safe[i], SOMEBODY, *state);

        if (reason != NULL) {
            fail_msg("%s: %s", safe[i], reason);
        }
    }
}

static void each_right_to_read_a_secret_is_told(void **state)
{
    static const char *const rights[] = {"0x1", "GR", "FR"};
    static const char *const others[][2] = {{"BU", "S-1-5-32-545"},
                                            {"WD", "S-1-1-0"},
                                            {"AU", "S-1-5-11"},
                                            {"S-1-5-80-0", "S-1-5-80-0"},
                                            {"S-1-5-21-1-2-3-1002", "S-1-5-21-1-2-3-1002"}};

    for (unsigned i = 0; i < 3 * sizeof others / sizeof others[0]; i++) {
        const char *const *other = others[i / 3];
        const char *sddl = apr_pstrcat(*state, "O:BAD:(A;;FA;;;BA)(A;;", rights[i % 3], ";;;",
                                       other[0], ")", NULL);
        const char *reason = secret_as(sddl, SOMEBODY, *state);

        if (reason == NULL) {
            fail_msg("%s is taken for safe", sddl);
        }
        assert_string_equal(reason, apr_pstrcat(*state, other[1], " may read it", NULL));
        assert_null(protected_as(sddl, NULL, *state));
    }
    assert_string_equal(secret_as("O:BAD:(A;;FW;;;" SOMEBODY ")", SOMEBODY, *state),
                        SOMEBODY " may change it");
}

static void the_owner_of_the_directory_above_is_trusted(void **state)
{
    const char *sddl = "O:" SOMEBODY "D:(A;;FA;;;" SOMEBODY ")";

    assert_null(protected_as(sddl, SOMEBODY, *state));
    assert_non_null(protected_as(sddl, "S-1-5-21-1-2-3-1002", *state));
}

/* ---- Files ---- */

/* The user who runs this owns the directory too. */
static const char *made_with(const char *name, const char *sddl, int is_secret, apr_pool_t *pool)
{
    wchar_t directory[MAX_PATH];
    PSECURITY_DESCRIPTOR descriptor;

    assert_true(GetTempPathW(MAX_PATH, directory) > 0);
    const char *above = narrow(directory, pool);
    const char *path = apr_psprintf(pool, "%s%s.%lu", above, name, GetCurrentProcessId());
    HANDLE file = CreateFileW(wide(path, pool), GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                              FILE_ATTRIBUTE_NORMAL, NULL);

    assert_ptr_not_equal(file, INVALID_HANDLE_VALUE);
    CloseHandle(file);
    assert_true(ConvertStringSecurityDescriptorToSecurityDescriptorW(
        wide(sddl, pool), SDDL_REVISION_1, &descriptor, NULL));
    assert_true(SetFileSecurityW(wide(path, pool), DACL_SECURITY_INFORMATION, descriptor));
    const char *reason =
        is_secret ? secret_path_check(path, above, pool) : protected_path_check(path, above, pool);

    LocalFree(descriptor);
    assert_true(DeleteFileW(wide(path, pool)));
    assert_true(reason == NULL || strncmp(reason, path, strlen(path)) == 0);
    return reason;
}

static void a_file_is_told_by_its_path(void **state)
{
    assert_null(made_with("ours", "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)", 0, *state));
    assert_non_null(made_with("open", "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;WD)", 0, *state));
}

static void a_secret_is_told_by_its_path(void **state)
{
    assert_null(made_with("hidden", "D:P(A;;FA;;;SY)(A;;FA;;;BA)", 1, *state));
    assert_non_null(made_with("shown", "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)", 1, *state));
}

static void what_cannot_be_looked_at_is_not_safe(void **state)
{
    const char *reason = protected_path_check("C:\\no such file", "C:\\", *state);

    assert_non_null(strstr(reason, "C:\\no such file: not safe to use: its owner cannot be found"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(what_administrators_and_the_system_alone_can_change_is_safe),
        scene(who_made_it_in_a_directory_of_all_users_is_told),
        scene(each_right_to_change_it_is_told),
        scene(without_a_list_everybody_may_change_it),
        scene(without_an_owner_nothing_is_safe),
        scene(a_secret_is_read_by_us_and_by_services_alone),
        scene(each_right_to_read_a_secret_is_told),
        scene(the_owner_of_the_directory_above_is_trusted),
        scene(a_file_is_told_by_its_path),
        scene(a_secret_is_told_by_its_path),
        scene(what_cannot_be_looked_at_is_not_safe),
    };

    return run_group("protected path", tests);
}
