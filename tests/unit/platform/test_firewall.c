#include "unit.h"

#include "os/windows/firewall.h"
#include "udpecho/host.h"

static void the_rule_is_for_this_program_and_udp_only(void **state)
{
    assert_string_equal(
        firewall_open_command("C:\\Windows\\System32\\netsh.exe", "C:\\udpecho\\udpechod.exe",
                              *state),
        "\"C:\\Windows\\System32\\netsh.exe\" advfirewall firewall add rule name=udpechod dir=in "
        "action=allow protocol=UDP program=C:\\udpecho\\udpechod.exe");
}

static void a_path_with_spaces_is_one_argument(void **state)
{
    assert_non_null(
        strstr(firewall_open_command("C:\\Windows\\System32\\netsh.exe",
                                     "C:\\Program Files\\udpecho\\udpechod.exe", *state),
               " \"program=C:\\Program Files\\udpecho\\udpechod.exe\""));
}

int main(void)
{
    static const host_service_t service = {.name = "udpechod"};

    const struct CMUnitTest tests[] = {
        scene(the_rule_is_for_this_program_and_udp_only),
        scene(a_path_with_spaces_is_one_argument),
    };

    host_name_service(&service);
    return cmocka_run_group_tests_name("firewall", tests, NULL, NULL);
}
