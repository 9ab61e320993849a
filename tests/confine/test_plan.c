#include "confine/support.h"

static void test_modes(void **state)
{
    enum va_confine_mode mode = VA_CONFINE_LOG;

    assert_int_equal(va_confine_mode_parse("no", &mode), VA_EINVAL);
    assert_int_equal(mode, VA_CONFINE_LOG);
    assert_int_equal(va_confine_mode_parse("off", &mode), 0);
    assert_int_equal(mode, VA_CONFINE_OFF);
    assert_int_equal(va_confine_mode_parse("on", &mode), 0);
    assert_int_equal(mode, VA_CONFINE_ON);
}

static void test_paths(void **state)
{
    struct va_confine_plan plan = {0};
    va_error error;

    assert_int_equal(va_confine_allow(&plan, "", VA_CONFINE_READ, &error), 0);
    assert_int_equal(va_confine_allow_beside(&plan, "", VA_CONFINE_READ, &error), 0);
    assert_int_equal(va_confine_allow_list(&plan, "", VA_CONFINE_READ, &error), 0);
    assert_int_equal(plan.n_paths, 0);
    assert_int_equal(va_confine_allow_beside(&plan, "/srv/keys/a.pem", VA_CONFINE_READ, &error), 0);
    assert_int_equal(va_confine_allow_beside(&plan, "/a.pem", VA_CONFINE_READ, &error), 0);
    assert_int_equal(va_confine_allow_beside(&plan, "a.wav", VA_CONFINE_READ, &error), 0);
    assert_int_equal(va_confine_allow_list(&plan, " /one , /two,", VA_CONFINE_WRITE, &error), 0);
    assert_int_equal(plan.n_paths, 5);
    assert_string_equal(plan.paths[0].path, "/srv/keys");
    assert_string_equal(plan.paths[1].path, "/a.pem");
    assert_string_equal(plan.paths[2].path, ".");
    assert_string_equal(plan.paths[3].path, "/one");
    assert_string_equal(plan.paths[4].path, "/two");
    assert_int_equal(plan.paths[4].access, VA_CONFINE_WRITE);
    assert_int_equal(va_confine_allow_beside(&plan, "/proc/self/exe", VA_CONFINE_READ, &error), 0);
    assert_int_equal(plan.n_paths, 7);
    assert_string_equal(plan.paths[5].path, "/proc/self");
    assert_non_null(strstr(plan.paths[6].path, "/confine"));
    while (plan.n_paths < VA_CONFINE_MAX_PATHS)
        assert_int_equal(va_confine_allow(&plan, "/x", VA_CONFINE_READ, &error), 0);
    assert_int_equal(va_confine_allow(&plan, "/x", VA_CONFINE_READ, &error), VA_ELIMIT);
    va_confine_plan_free(&plan);
    assert_int_equal(plan.n_paths, 0);
    for (int i = 0; i < VA_CONFINE_MAX_PORTS; i++)
        assert_int_equal(va_confine_allow_port(&plan, 8000, &error), 0);
    assert_int_equal(va_confine_allow_port(&plan, 8000, &error), VA_ELIMIT);
}

/* An older kernel refuses to take what it does not know. */
static void test_versions(void **state)
{
    static const int bits[] = {0, 13, 14, 15, 15, 16, 16, 16}; /* of file systems, by version */

    for (int version = 1; version < (int)COUNT(bits); version++) {
        const struct va_confine_rules service = va_confine_rules_of(VA_CONFINE_SERVICE, version);
        const struct va_confine_rules programs = va_confine_rules_of(VA_CONFINE_PROGRAMS, version);
        assert_int_equal(service.fs, (1u << bits[version]) - 1);
        assert_int_equal(programs.fs & ~service.fs, 0);
        assert_int_equal(service.net, version >= 4);
        assert_int_equal(programs.scoped, version >= 6 ? 2 : 0);
        assert_true(programs.net == 0 && service.scoped == 0);
    }
}

static void test_out_of_memory(void **state)
{
    struct va_confine_plan plan = {0};
    va_error error;

    va_memory_fail_after(1);
    assert_int_equal(va_confine_allow(&plan, "/a/b", VA_CONFINE_READ, &error), VA_ENOMEM);
    assert_int_equal(va_confine_allow_beside(&plan, "/a/b", VA_CONFINE_READ, &error), VA_ENOMEM);
    assert_int_equal(va_confine_allow_list(&plan, "/a/b", VA_CONFINE_READ, &error), VA_ENOMEM);
    va_memory_fail_after(0);
    assert_int_equal(plan.n_paths, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_modes), cmocka_unit_test(test_paths), cmocka_unit_test(test_versions),
                                       cmocka_unit_test(test_out_of_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
