/* items.h - what the tests of the audit's items share. */
#ifndef VA_TESTS_AUDIT_ITEMS_H
#define VA_TESTS_AUDIT_ITEMS_H

#include "machine.h"

#include "audit/audit.h"

static inline enum va_check_state run_check(struct machine *machine, const char *name)
{
    size_t n;
    const struct va_check *items = va_audit_items(&n);

    return check(machine, items, n, name);
}

#define PASS VA_CHECK_PASS
#define FAIL VA_CHECK_FAIL
#define NONE VA_CHECK_NOT_APPLICABLE
#define UNSEEN VA_CHECK_NOT_CHECKED

static inline int setup(void **state)
{
    static struct machine machine;

    machine_open(&machine);
    *state = &machine;
    return 0;
}

static inline int teardown(void **state)
{
    machine_close(*state);
    return 0;
}

#define LINE(n, address, port, inode)                                                                                                    \
    "   " n ": " address ":" port " 00000000:0000 0A 00000000:00000000 00:00000000 00000000   990        0 " inode " 1 0000 100 0 0 10 " \
    "0\n"
#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

/* And the one by which the assistant is known. */
static inline void put_listeners(struct machine *m, const char *text)
{
    char all[4096];

    snprintf(all, sizeof all, "%s%s", text, LINE("9", "0100007F", "1F40", "509"));
    put(m, "/proc/net/tcp", all);
    put_link(m, "/proc/100/fd/5", "socket:[500]");
    put_link(m, "/proc/100/fd/6", "socket:[501]");
    put_link(m, "/proc/100/fd/7", "/dev/null");
    put_link(m, "/proc/100/fd/9", "socket:[509]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
