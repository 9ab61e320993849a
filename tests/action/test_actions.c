#include "action/support.h"

#include <stdlib.h>
#include <time.h>

static void test_say_and_none(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot slots[] = {{"rank", "ten"}};
    struct va_action_request request = {.type = "say", .command = "c", .slots = slots, .n_slots = 1, .response = "The {rank}."};

    assert_response(actions, &request, 1, "The ten.");
    request.type = "";
    assert_response(actions, &request, 1, "The ten.");
    request.response = NULL;
    assert_response(actions, &request, 1, "");
    request.type = "dance";
    assert_failure(actions, &request, VA_ENOTFOUND, "there is no action 'dance'; there are: none, say, time");
    va_actions_free(actions);
}

static void test_time_and_date(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    struct va_action_request request = {.type = "time", .command = "c", .response = "{time}"};
    struct va_action_result result;
    const va_slot format = {"format", "year %Y"};
    int hour, minute;
    char expected[32];
    struct tm now;
    time_t seconds = time(NULL);

    assert_int_equal(va_actions_run(actions, &request, &result, NULL), 0);
    assert_int_equal(strlen(result.response), 5);
    hour = (int)strtol(result.response, NULL, 10);
    minute = (int)strtol(result.response + 3, NULL, 10);
    assert_in_range(hour, 0, 23);
    assert_in_range(minute, 0, 59);
    va_action_result_clear(&result);
    assert_non_null(localtime_r(&seconds, &now));
    strftime(expected, sizeof expected, "year %Y, %Y", &now);
    request =
        (struct va_action_request){.type = "date", .command = "c", .settings = &format, .n_settings = 1, .response = "{date}, {year}"};
    assert_response(actions, &request, 1, expected);
    va_actions_free(actions);
}

static void test_temperature(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    va_slot value = {"value", "22"};
    const va_slot settings[] = {{"minimum", "10"}, {"maximum", "25"}};
    struct va_action_request set = {
        .type = "set_temperature", .command = "c", .slots = &value, .n_slots = 1, .response = "{value} degrees"};
    const va_slot none = {"none", "Nothing is set."};
    struct va_action_request get = {
        .type = "get_temperature", .command = "c", .settings = &none, .n_settings = 1, .response = "It is {value}."};

    assert_response(actions, &get, 0, "Nothing is set.");
    assert_response(actions, &set, 1, "22 degrees");
    assert_response(actions, &get, 1, "It is 22.");
    set.settings = settings;
    set.n_settings = 2;
    value.value = "25.5";
    assert_failure(actions, &set, VA_EINVAL, "'value' must be from 10 to 25, not 25.5");
    value.value = "warm";
    assert_failure(actions, &set, VA_EINVAL, "'value' must be a number, not \"warm\"");
    value.value = "nan";
    assert_failure(actions, &set, VA_EINVAL, "must be a number");
    set.n_slots = 0;
    assert_failure(actions, &set, VA_EINVAL, "'value' is missing");
    assert_response(actions, &get, 1, "It is 22.");
    va_actions_free(actions);
}

/* On a machine without the card the answer says so; nothing is printed by the library. */
static void test_volume_without_card(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    va_slot value = {"value", "50"};
    const va_slot settings[] = {{"do", "set"}, {"card", "hw:77"}};
    struct va_action_request request = {
        .type = "volume", .command = "c", .settings = settings, .n_settings = 2, .slots = &value, .n_slots = 1};

    assert_failure(actions, &request, VA_ENOTFOUND, "volume: not present: there is no sound card 'hw:77'");
    value.value = "101";
    assert_failure(actions, &request, VA_EINVAL, "from 0 to 100");
    request.n_settings = 0;
    assert_failure(actions, &request, VA_EINVAL, "needs 'do'");
    va_actions_free(actions);
}

static const struct {
    const char *type;
    va_slot setting;
    int code;
    const char *message;
} checks[] = {
    {"", {NULL, NULL}, 0, ""},
    {"say", {"x", "1"}, VA_EINVAL, "the action 'say' has no setting 'x'"},
    {"jump", {NULL, NULL}, VA_ENOTFOUND, "there is no action 'jump'"},
    {"time", {"format", "%H"}, 0, ""},
    {"time", {"format", ""}, VA_EINVAL, "'format' must be one of strftime"},
    {"set_temperature", {"minimum", "cold"}, VA_EINVAL, "'minimum' must be a number"},
    {"set_temperature", {"minimum", "99"}, VA_EINVAL, "'minimum' is above 'maximum'"},
    {"timer", {"do", "set"}, 0, ""},
    {"timer", {"do", "explode"}, VA_EINVAL, "'alarm' need 'do'"},
    {"timer", {NULL, NULL}, VA_EINVAL, "'alarm' need 'do'"},
    {"volume", {"do", "mute"}, 0, ""},
    {"volume", {"do", "change"}, VA_EINVAL, "needs 'by'"},
    {"volume", {"do", "louder"}, VA_EINVAL, "needs 'do'"},
    {"process", {NULL, NULL}, VA_EINVAL, "needs an 'executable'"},
    {"process", {"executable", "true"}, 0, ""},
    {"process", {"executable", "/bin/true"}, 0, ""},
    {"process", {"executable", "no-such-program"}, VA_ENOTFOUND, "there is no executable 'no-such-program'"},
    {"process", {"executable", "/etc/passwd"}, VA_ENOTFOUND, "is not there or is not an executable"},
    {"process", {"executable", "/tmp"}, VA_ENOTFOUND, "is not there or is not an executable"},
    {"process", {"executable", "../bin/true"}, VA_EINVAL, "absolute path or a plain name"},
    {"process", {"executable", ""}, VA_EINVAL, "absolute path or a plain name"},
    {"help", {"count", "20"}, 0, ""},
    {"help", {"count", "21"}, VA_EINVAL, "'count' must be from 1 to 20"},
    {"help", {"count", "0"}, VA_EINVAL, "'count' must be from 1 to 20"},
    {"help", {"count", "3x"}, VA_EINVAL, "'count' must be a number"},
    {"privacy", {NULL, NULL}, 0, ""},
    {"privacy", {"mode", "off"}, 0, ""},
    {"privacy", {"mode", "of"}, VA_EINVAL, "'mode' must be one of on, off; not \"of\""},
    {"power", {"mode", "save"}, 0, ""},
    {"power", {"mode", "turbo"}, VA_EINVAL, "'mode' must be one of save, full, low-power, balanced, performance"},
    {"power", {NULL, NULL}, VA_EINVAL, "'mode' must be one of"},
};

static void test_check(void **state)
{
    const char *const arguments[] = {"x"};
    va_error error;

    for (size_t i = 0; i < COUNT(checks); i++) {
        error.text[0] = '\0';
        int r = va_actions_check(checks[i].type, &checks[i].setting, checks[i].setting.name != NULL, NULL, 0, &error);
        if (r != checks[i].code || strstr(error.text, checks[i].message) == NULL)
            fail_msg("check %zu: %d, \"%s\"", i, r, error.text);
    }
    assert_int_equal(va_actions_check("say", NULL, 0, arguments, 1, &error), VA_EINVAL);
    const va_slot timeout[] = {{"executable", "true"}, {"timeout", "0"}};
    assert_int_equal(va_actions_check("process", timeout, 2, NULL, 0, &error), VA_EINVAL);
}

static void test_out_of_memory(void **state)
{
    const va_slot slots[] = {{"value", "20"}, {"name", "tea"}}, set_timer = {"do", "set"}, executable = {"executable", "true"};
    const char *const arguments[] = {"{value}", "b"};
    const struct va_action_request requests[] = {
        {.type = "date", .command = "c", .response = "{date}"},
        {.type = "set_temperature", .command = "c", .slots = slots, .n_slots = 2, .response = "{value}"},
        {.type = "timer", .command = "c", .settings = &set_timer, .n_settings = 1, .slots = slots, .n_slots = 2, .response = "{name}"},
        {.type = "process",
         .command = "c",
         .settings = &executable,
         .n_settings = 1,
         .arguments = arguments,
         .n_arguments = 2,
         .slots = slots,
         .n_slots = 2,
         .response = "{output}."},
    };

    for (size_t k = 0; k < COUNT(requests); k++) {
        int r = VA_ENOMEM;
        for (size_t i = 1; r == VA_ENOMEM && i < 100; i++) {
            struct va_action_result result = {0};
            va_actions *actions = NULL;
            va_memory_fail_after(i);
            r = va_actions_new(NULL, &actions, NULL);
            if (r == 0)
                r = va_actions_run(actions, &requests[k], &result, NULL);
            va_memory_fail_after(0);
            va_action_result_clear(&result);
            va_actions_free(actions);
        }
        assert_int_equal(r, 0);
    }
    va_actions_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_say_and_none),        cmocka_unit_test(test_time_and_date), cmocka_unit_test(test_temperature),
        cmocka_unit_test(test_volume_without_card), cmocka_unit_test(test_check),         cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
