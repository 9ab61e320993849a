/* The engine: running, counting, writing. */
#include "audit/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/memory.h"

static void passes(struct va_scene *scene, struct va_check_result *result)
{
    va_check_say(result, VA_CHECK_PASS, "line\x1b[1m\nbreak");
}

static void fails(struct va_scene *scene, struct va_check_result *result)
{
    va_check_say(result, VA_CHECK_FAIL, "%0400d", 1);
}

static void notes(struct va_scene *scene, struct va_check_result *result)
{
    va_check_say(result, VA_CHECK_NOTE, "so it is");
    va_check_advise(result, "look at %s", "it");
}

static void forgets(struct va_scene *scene, struct va_check_result *result)
{
}

static void is_absent(struct va_scene *scene, struct va_check_result *result)
{
    va_check_say(result, VA_CHECK_NOT_APPLICABLE, "none");
}

static const struct va_check checks[] = {
    {"one", "it passes", VA_LIST_SUCCESS | VA_LIST_HARDENING, "never", passes},
    {"second", "it fails", VA_LIST_TUNING, "mend it", fails},
    {"three", "it notes", 0, "not this", notes},
    {"four", "it forgets", 0, "not this", forgets},
    {"five", "it is not there", 0, "not this", is_absent},
};
#define N_CHECKS (sizeof checks / sizeof checks[0])

static void runs_and_counts(void **state)
{
    struct va_report report;
    va_error error;

    assert_int_equal(va_report_make(checks, N_CHECKS, NULL, NULL, &report, &error), 0);
    assert_int_equal(report.n, 5);
    for (size_t i = 0; i < VA_CHECK_N_STATES; i++)
        assert_int_equal(report.counts[i], 1);
    assert_string_equal(report.results[0].evidence, "line?[1m?break");
    assert_int_equal(strlen(report.results[1].evidence), VA_CHECK_TEXT_BYTES - 1);
    assert_string_equal(va_report_mend(&report, 0), "");
    assert_string_equal(va_report_mend(&report, 1), "mend it");
    assert_string_equal(va_report_mend(&report, 2), "look at it");
    assert_string_equal(va_report_mend(&report, 3), "");
    assert_string_equal(va_report_mend(&report, 4), "");
    va_report_free(&report);
}

static void one_alone(void **state)
{
    struct va_report report;
    va_error error;

    assert_int_equal(va_report_make(checks, N_CHECKS, "three", NULL, &report, &error), 0);
    assert_int_equal(report.n, 1);
    assert_int_equal(report.counts[VA_CHECK_NOTE], 1);
    va_report_free(&report);
    assert_int_equal(va_report_make(checks, N_CHECKS, "seven", NULL, &report, &error), VA_EINVAL);
    assert_non_null(strstr(error.text, "seven"));
    assert_int_equal(va_report_make(checks, 1, "seven", NULL, &report, &error), VA_EINVAL);
    va_memory_fail_after(1);
    assert_int_equal(va_report_make(checks, N_CHECKS, NULL, NULL, &report, &error), VA_ENOMEM);
    va_memory_fail_after(0);
}

static void writes_json(void **state)
{
    struct va_report report;
    struct va_buffer out;
    struct va_json json = {.out = &out};
    va_error error;

    va_buffer_init(&out, 65536);
    assert_int_equal(va_report_make(checks, N_CHECKS, NULL, NULL, &report, &error), 0);
    va_json_open(&json, NULL, '{');
    va_report_json(&report, 1800000000, &json);
    va_json_close(&json, '}');
    assert_int_equal(json.error, 0);
    json_t *root = json_loadb(out.data, out.size, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(root, "timestamp")), "2027-01-15T08:00:00.000Z");
    assert_string_equal(json_string_value(json_object_get(root, "version")), va_version());
    const json_t *summary = json_object_get(root, "summary"), *items = json_object_get(root, "items"), *first = json_array_get(items, 0);
    assert_int_equal(json_integer_value(json_object_get(summary, "not_applicable")), 1);
    assert_int_equal(json_array_size(items), 5);
    assert_int_equal(json_array_size(json_object_get(first, "lists")), 2);
    assert_string_equal(json_string_value(json_object_get(first, "state")), "pass");
    assert_string_equal(json_string_value(json_object_get(json_array_get(items, 3), "state")), "not_checked");
    json_decref(root);
    va_report_free(&report);
    va_buffer_free(&out);
}

static void writes_a_table(void **state)
{
    struct va_report report;
    struct va_buffer out;
    va_error error;

    va_buffer_init(&out, 65536);
    assert_int_equal(va_report_make(checks, N_CHECKS, NULL, NULL, &report, &error), 0);
    assert_int_equal(va_report_text(&report, "title", 0, &out), 0);
    assert_non_null(strstr(out.data, "title\n\n  ok    one     line?[1m?break\n  FAIL  second  0000"));
    assert_non_null(strstr(out.data, "\n                -> mend it\n"));
    assert_non_null(strstr(out.data, "\n  1 pass, 1 fail, 1 not applicable, 1 not checked, 1 note\n"));
    assert_null(strchr(out.data, '\x1b'));
    va_buffer_clear(&out);
    assert_int_equal(va_report_text(&report, "title", 1, &out), 0);
    assert_non_null(strstr(out.data, "\x1b[1;31m"));
    va_buffer_free(&out);
    va_buffer_init(&out, 20);
    assert_int_equal(va_report_text(&report, "title", 0, &out), VA_ELIMIT);
    va_buffer_free(&out);
    va_report_free(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(runs_and_counts), cmocka_unit_test(one_alone), cmocka_unit_test(writes_json),
                                       cmocka_unit_test(writes_a_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
