#include "action/timer_support.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static _Atomic int slept_s; /* by the machine */

double __real_va_clock_boot_s(void);
double __wrap_va_clock_boot_s(void);

double __wrap_va_clock_boot_s(void)
{
    return __real_va_clock_boot_s() + slept_s;
}

static void test_set_and_cancel(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot hour[] = {{"hours", "1"}, {"minutes", "30"}}, tea[] = {{"name", "tea"}, {"minutes", "4.5"}}, name[] = {{"name", "TEA"}};
    struct va_action_request request = request_for(list, NULL, 0, "{timers}");

    assert_response(actions, &request, 0, "There is no timer.");
    request = request_for(cancel, NULL, 0, "x");
    assert_response(actions, &request, 0, "There is no timer.");
    request = request_for(set, hour, 2, "{name}: {duration}");
    assert_response(actions, &request, 1, "1: 1 hour 30 minutes");
    request = request_for(remaining, NULL, 0, "{name} {remaining}");
    assert_response(actions, &request, 1, "1 1 hour 30 minutes");
    request = request_for(set, tea, 2, "{name}: {duration}");
    assert_response(actions, &request, 1, "tea: 4 minutes 30 seconds");
    assert_response(actions, &request, 1, "tea: 4 minutes 30 seconds");
    request = request_for(list, NULL, 0, "{count}");
    assert_response(actions, &request, 1, "2");
    request = request_for(cancel, NULL, 0, "x");
    assert_response(actions, &request, 0, "Which timer? There are: 1: 1 hour 30 minutes, tea: 4 minutes 30 seconds.");
    request = request_for(cancel, name, 1, "{name} is cancelled");
    assert_response(actions, &request, 1, "tea is cancelled");
    assert_response(actions, &request, 0, "Which timer? There are: 1: 1 hour 30 minutes.");
    request = request_for(cancel_all, NULL, 0, "{count} cancelled");
    assert_response(actions, &request, 1, "1 cancelled");
    assert_response(actions, &request, 0, "There is no timer.");
    va_actions_free(actions);
}

static void test_bad_durations(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    static const va_slot bad[] = {{"minutes", "many"}, {"minutes", "-1"}, {"seconds", "0"}, {"hours", "1e9"}, {"value", "inf"}};

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct va_action_request request = request_for(set, &bad[i], 1, "");
        assert_failure(actions, &request, VA_EINVAL, "");
    }
    struct va_action_request request = request_for(set, NULL, 0, "");
    assert_failure(actions, &request, VA_EINVAL, "'c' needs a duration");
    va_actions_free(actions);
}

static void test_number_is_bounded(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot value = {"value", "3600"};
    struct va_action_request request = request_for(set, &value, 1, "");

    for (int i = 0; i < 64; i++)
        assert_response(actions, &request, 1, "");
    assert_failure(actions, &request, VA_ELIMIT, "there are 64 timers already");
    va_actions_free(actions);
}

/* Set in the other order than they end. */
static void test_timers_fire(void **state)
{
    struct fired fired = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    va_actions *actions = new_actions(on_timer, &fired);
    const va_slot late[] = {{"name", "late"}, {"seconds", "1.2"}}, early[] = {{"name", "early"}, {"seconds", "0.02"}};
    struct va_action_request request = request_for(set, late, 2, "{duration}");

    assert_response(actions, &request, 1, "1 second");
    request = request_for(set, early, 2, "");
    assert_response(actions, &request, 1, "");
    wait_for_fired(&fired, 2);
    assert_string_equal(fired.names[0], "early");
    assert_string_equal(fired.names[1], "late");
    assert_float_equal(fired.seconds[1], 1.2, 1e-9);
    request = request_for(list, NULL, 0, "");
    assert_response(actions, &request, 0, "There is no timer.");
    va_actions_free(actions);
}

static void test_timers_end_while_the_machine_sleeps(void **state)
{
    struct fired fired = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    va_actions *actions = new_actions(on_timer, &fired);
    const va_slot pasta[] = {{"name", "pasta"}, {"minutes", "10"}}, cake[] = {{"name", "cake"}, {"minutes", "10"}};
    struct va_action_request request = request_for(set, pasta, 2, "");

    assert_response(actions, &request, 1, "");
    slept_s = 600;
    request = request_for(set, cake, 2, ""); /* the thread looks at its timers at once */
    assert_response(actions, &request, 1, "");
    wait_for_fired(&fired, 1);
    assert_string_equal(fired.names[0], "pasta");
    request = request_for(remaining, NULL, 0, "{name} {remaining}");
    assert_response(actions, &request, 1, "cake 10 minutes");
    va_actions_free(actions);
}

static void test_words_are_settings(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot settings[] = {{"do", "set"}, {"minute", "Minute"}, {"minutes", "Minuten"}, {"hours", "Stunden"}};
    const va_slot slots[] = {{"hours", "2"}, {"minutes", "1"}};
    struct va_action_request request = request_for(settings, slots, 2, "{duration}");

    request.n_settings = COUNT(settings);
    assert_response(actions, &request, 1, "2 Stunden 1 Minute");
    va_actions_free(actions);
}

/* ---- alarms ---- */

/* The clock of the tests is the machine's, so what is expected is computed from it. */
static void expect_alarm(va_actions *actions, const va_slot *settings, size_t n_settings, const va_slot *slots, size_t n_slots, int days,
                         int hour, int minute)
{
    struct va_action_request request = {.type = "alarm",
                                        .command = "c",
                                        .settings = settings,
                                        .n_settings = n_settings,
                                        .slots = slots,
                                        .n_slots = n_slots,
                                        .response = "{time}"};
    time_t now = time(NULL);
    struct tm then;
    char expected[64];

    localtime_r(&now, &then);
    then.tm_mday += days;
    then.tm_hour = hour;
    then.tm_min = minute;
    then.tm_sec = 0;
    then.tm_isdst = -1;
    mktime(&then);
    if (difftime(mktime(&then), now) <= 0 && days == 0) {
        then.tm_mday++;
        mktime(&then);
    }
    strftime(expected, sizeof expected, "%Y-%m-%d %H:%M", &then);
    assert_response(actions, &request, 1, expected);
}

static void test_alarms(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot set_alarm[] = {{"do", "set"}, {"format", "%Y-%m-%d %H:%M"}, {"clock", "24"}};
    const va_slot seven[] = {{"hour", "7"}, {"minute", "30"}}, evening[] = {{"hour", "7"}, {"half", "pm"}}, exact[] = {{"time", "19:05"}},
                  later[] = {{"hour", "12"}, {"half", "am"}, {"days", "2"}}, night[] = {{"time", "0:00"}};

    expect_alarm(actions, set_alarm, 3, seven, 2, 0, 7, 30);
    expect_alarm(actions, set_alarm, 3, evening, 2, 0, 19, 0);
    expect_alarm(actions, set_alarm, 3, exact, 1, 0, 19, 5);
    expect_alarm(actions, set_alarm, 3, later, 3, 2, 0, 0);
    expect_alarm(actions, set_alarm, 3, night, 1, 0, 0, 0);

    static const va_slot bad[][2] = {{{"hour", "24"}},
                                     {{"hour", "7.5"}},
                                     {{"hour", "7"}, {"minute", "1.5"}},
                                     {{"hour", "7"}, {"days", "0.5"}},
                                     {{"hour", "7"}, {"minute", "60"}},
                                     {{"hour", "7"}, {"minute", "-60"}},
                                     {{"hour", "13"}, {"half", "pm"}},
                                     {{"hour", "7"}, {"half", "noon"}},
                                     {{"time", "7"}},
                                     {{"time", "24:00"}},
                                     {{"time", "7:60"}},
                                     {{"time", ":30"}},
                                     {{"time", "7:"}},
                                     {{"time", "7:30:00"}},
                                     {{"time", ""}},
                                     {{"minute", "5"}},
                                     {{"hour", "7"}, {"days", "30"}},
                                     {{"time", "7:30"}, {"days", "-1"}}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct va_action_request request = {.type = "alarm",
                                            .command = "c",
                                            .settings = set_alarm,
                                            .n_settings = 3,
                                            .slots = bad[i],
                                            .n_slots = bad[i][1].name != NULL ? 2 : 1};
        assert_failure(actions, &request, VA_EINVAL, "");
    }

    /* Alarms and timers are apart. */
    const va_slot tea[] = {{"name", "tea"}, {"minutes", "5"}};
    struct va_action_request request = request_for(set, tea, 2, "");
    assert_response(actions, &request, 1, "");
    request = request_for(list, NULL, 0, "{count}");
    assert_response(actions, &request, 1, "1");
    request.type = "alarm";
    assert_response(actions, &request, 1, "5");
    request = request_for(cancel_all, NULL, 0, "{count}");
    request.type = "alarm";
    assert_response(actions, &request, 1, "5");
    assert_response(actions, &request, 0, "There is no timer.");
    request = request_for(remaining, NULL, 0, "{name}");
    assert_response(actions, &request, 1, "tea");
    va_actions_free(actions);
}

/* Without am or pm the sooner of the two is meant. */
static void test_alarm_on_a_clock_of_twelve(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot settings[] = {{"do", "set"}, {"clock", "12"}, {"format", "%s"}};
    const va_slot slots[] = {{"hour", "6"}, {"minute", "30"}};
    struct va_action_request request = {
        .type = "alarm", .command = "c", .settings = settings, .n_settings = 3, .slots = slots, .n_slots = 2, .response = "{time}"};
    struct va_action_result result;

    assert_int_equal(va_actions_run(actions, &request, &result, NULL), 0);
    double left_s = (double)strtol(result.response, NULL, 10) - (double)time(NULL);
    assert_true(left_s > -60 && left_s <= 13 * 3600);
    va_action_result_clear(&result);
    va_actions_free(actions);
}

/* The half of the day is that of the time, not that of the hour which is named. */
static void test_alarms_before_the_hour(void **state)
{
    static const struct {
        const char *hour, *minute, *half;
        int expected_hour, expected_minute;
    } cases[] = {
        {"8", "-15", "am", 7, 45},    {"12", "-15", "am", 11, 45},    {"12", "-15", "pm", 23, 45}, {"1", "-15", "pm", 12, 45},
        {"1", "-15", "night", 0, 45}, {"12", "-10", "night", 23, 50}, {"2", "0", "night", 2, 0},   {"10", "0", "night", 22, 0},
        {"12", "15", "night", 0, 15}, {"5", "-1", "night", 4, 59},    {"0", "-10", NULL, 23, 50},
    };
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot settings[] = {{"do", "set"}, {"format", "%Y-%m-%d %H:%M"}, {"clock", "12"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const va_slot slots[] = {{"hour", cases[i].hour}, {"minute", cases[i].minute}, {"half", cases[i].half}};
        expect_alarm(actions, settings, 3, slots, cases[i].half == NULL ? 2 : 3, 0, cases[i].expected_hour, cases[i].expected_minute);
    }
    const va_slot eve[] = {{"hour", "0"}, {"minute", "-10"}, {"days", "2"}};
    expect_alarm(actions, settings, 3, eve, 3, 2, 23, 50);
    va_actions_free(actions);
}

static void test_alarm_of_another_day_at_a_time(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot settings[] = {{"do", "set"}, {"format", "%Y-%m-%d %H:%M"}};
    const va_slot slots[] = {{"time", "23:59"}, {"days", "2"}};

    expect_alarm(actions, settings, 2, slots, 2, 2, 23, 59);
    va_actions_free(actions);
}

/* Midnight has always passed, and the last minute of the day has not (but in it, when nothing is tested). */
static void test_alarm_of_today(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot settings[] = {{"do", "set"}, {"format", "%Y-%m-%d %H:%M"}};
    const va_slot passed[] = {{"hour", "0"}, {"days", "0"}}, coming[] = {{"hour", "23"}, {"minute", "59"}, {"days", "0"}};
    struct va_action_request request = {
        .type = "alarm", .command = "c", .settings = settings, .n_settings = 2, .slots = passed, .n_slots = 2};
    time_t now = time(NULL);
    struct tm local;

    localtime_r(&now, &local);
    if (local.tm_hour != 23 || local.tm_min < 58) {
        assert_failure(actions, &request, VA_EINVAL, "that time of today has passed");
        expect_alarm(actions, settings, 2, coming, 3, 0, 23, 59);
    }
    va_actions_free(actions);
}

static void test_cancel_by_time(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot settings[] = {{"do", "set"}, {"clock", "12"}, {"format", "%H:%M"}, {"which", "which of {timers}"}, {"none", "none"}};
    va_slot cancelling[5];
    const va_slot seven[] = {{"hour", "7"}, {"half", "am"}, {"days", "2"}}, eight[] = {{"hour", "8"}, {"half", "pm"}, {"days", "1"}};
    const va_slot at_seven[] = {{"hour", "7"}}, at_nine[] = {{"hour", "9"}}, at_pm[] = {{"hour", "7"}, {"half", "pm"}},
                  at_noon[] = {{"time", "12:00"}}, wrong[] = {{"hour", "99"}};
    struct va_action_request request = {
        .type = "alarm", .command = "c", .settings = settings, .n_settings = 5, .slots = seven, .n_slots = 3, .response = "{name}"};
    struct va_action_result result;

    memcpy(cancelling, settings, sizeof cancelling);
    cancelling[0].value = "cancel";
    assert_response(actions, &request, 1, "07:00");
    request.slots = eight;
    assert_response(actions, &request, 1, "20:00");
    request.settings = cancelling;
    request.n_slots = 1;
    request.slots = at_nine;
    assert_response(actions, &request, 0, "which of 07:00, 20:00");
    request.slots = wrong;
    assert_int_equal(va_actions_run(actions, &request, &result, NULL), VA_EINVAL);
    request.slots = at_noon;
    assert_response(actions, &request, 0, "which of 07:00, 20:00");
    request.slots = at_pm;
    request.n_slots = 2;
    assert_response(actions, &request, 0, "which of 07:00, 20:00");
    request.slots = at_seven;
    request.n_slots = 1;
    assert_response(actions, &request, 1, "07:00");
    assert_response(actions, &request, 0, "which of 20:00");
    request.slots = eight;
    request.n_slots = 2;
    assert_response(actions, &request, 1, "20:00");
    assert_response(actions, &request, 0, "none");
    va_actions_free(actions);
}

static void test_alarms_of_two_days(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot settings[] = {{"do", "set"}, {"clock", "24"}, {"format", "%H:%M"}};
    const va_slot tomorrow[] = {{"hour", "7"}, {"days", "1"}}, later[] = {{"hour", "7"}, {"days", "2"}};
    struct va_action_request request = request_for(settings, tomorrow, 2, "{name}");

    request.type = "alarm";
    assert_response(actions, &request, 1, "07:00");
    request.slots = later;
    assert_response(actions, &request, 1, "07:00 2");
    assert_response(actions, &request, 1, "07:00 2"); /* that one again */
    request.slots = tomorrow;
    assert_response(actions, &request, 1, "07:00");
    request = request_for(list, NULL, 0, "{count}");
    request.type = "alarm";
    assert_response(actions, &request, 1, "2");
    va_actions_free(actions);
}

static void test_dry_run(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot tea[] = {{"name", "tea"}, {"minutes", "5"}};
    struct va_action_request request = request_for(set, tea, 2, "");

    request.dry_run = 1;
    assert_response(actions, &request, 1, "would set the timer 'tea' for 300 s");
    request = request_for(list, NULL, 0, "");
    assert_response(actions, &request, 0, "There is no timer.");
    va_actions_free(actions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_cancel),
        cmocka_unit_test(test_bad_durations),
        cmocka_unit_test(test_number_is_bounded),
        cmocka_unit_test(test_timers_fire),
        cmocka_unit_test(test_timers_end_while_the_machine_sleeps),
        cmocka_unit_test(test_words_are_settings),
        cmocka_unit_test(test_alarms),
        cmocka_unit_test(test_alarm_on_a_clock_of_twelve),
        cmocka_unit_test(test_alarms_before_the_hour),
        cmocka_unit_test(test_alarm_of_another_day_at_a_time),
        cmocka_unit_test(test_alarm_of_today),
        cmocka_unit_test(test_cancel_by_time),
        cmocka_unit_test(test_alarms_of_two_days),
        cmocka_unit_test(test_dry_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
