/* service.h - a plan as a service has it, and attempts under it. */
#ifndef VA_TESTS_CONFINE_SERVICE_H
#define VA_TESTS_CONFINE_SERVICE_H

#include "confine/support.h"

static struct va_confine_plan plan = {.mode = VA_CONFINE_ON};

static inline int make_plan(void **state)
{
    va_error error;

    make_folders(state);
    plan.signalled = getpid();
    assert_int_equal(va_confine_allow(&plan, folder, VA_CONFINE_READ | VA_CONFINE_WRITE | VA_CONFINE_MAKE, &error), 0);
    assert_int_equal(va_confine_allow(&plan, "/proc", VA_CONFINE_READ, &error), 0);
    assert_int_equal(va_confine_allow(&plan, "/usr", VA_CONFINE_READ, &error), 0);
    assert_int_equal(va_confine_allow(&plan, "/no/such/folder", VA_CONFINE_READ, &error), 0);
    assert_int_equal(va_confine_allow(&plan, "/dev/null", VA_CONFINE_READ | VA_CONFINE_WRITE, &error), 0);
    assert_int_equal(va_confine_allow_port(&plan, 0, &error), 0);
    return 0;
}

static inline int free_plan(void **state)
{
    va_confine_plan_free(&plan);
    return remove_folders(state);
}

struct row {
    const char *what;
    attempt_fn attempt;
    int expected;
};

static inline void check(const struct row *rows, size_t n, int needs_landlock)
{
    for (size_t i = 0; i < n; i++) {
        int found = try(va_confine_service, &plan, needs_landlock, rows[i].attempt);
        if (found != rows[i].expected)
            fail_msg("%s: %d, not %d", rows[i].what, found, rows[i].expected);
    }
}

#endif
