#ifndef UDPECHO_SKIP_H
#define UDPECHO_SKIP_H

/* How a cmocka program skips its tests, and tells CTest if it skipped all of them. */

/* Prints the reason and skips the running test, which ends here. */
void skip_test(const char *reason);

/* Whether qemu-user runs the program. It translates system calls, not all of them rightly. */
int is_under_qemu(void);

/* What main() returns after running `count` tests, of which cmocka says that `failed` failed: 0, 1,
 * or, if each skipped itself, what CTest reports as "Skipped". */
int exit_code(int failed, unsigned count);

/* Runs an array of tests as one group; returns what main() returns. */
#define run_group(name, tests)                                      \
    exit_code(cmocka_run_group_tests_name(name, tests, NULL, NULL), \
              (unsigned)(sizeof(tests) / sizeof *(tests)))

#endif
