#include "dsp/own_voice.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct va_own_voice new_voice(enum va_while_speaking while_speaking)
{
    struct va_own_voice_options options = VA_OWN_VOICE_DEFAULTS;
    struct va_own_voice voice;
    va_error error;

    options.while_speaking = while_speaking;
    options.after_ms = 100;
    assert_int_equal(va_own_voice_init(&voice, &options, &error), 0);
    return voice;
}

static void test_what_may_be_heard(void **state)
{
    static const struct {
        enum va_while_speaking option;
        int is_speaking, is_heard, is_ready;
        enum va_hearing hearing;
    } cases[] = {
        {VA_WHILE_SPEAKING_STOP_WORD, 0, 0, 0, VA_HEAR_ALL},
        {VA_WHILE_SPEAKING_STOP_WORD, 0, 0, 1, VA_HEAR_ALL},
        {VA_WHILE_SPEAKING_STOP_WORD, 1, 0, 0, VA_DEAF},
        {VA_WHILE_SPEAKING_STOP_WORD, 0, 1, 0, VA_DEAF},
        {VA_WHILE_SPEAKING_STOP_WORD, 0, 1, 1, VA_HEAR_WAKE_ONLY},
        {VA_WHILE_SPEAKING_STOP_WORD, 1, 0, 1, VA_HEAR_WAKE_ONLY},
        {VA_WHILE_SPEAKING_NOTHING, 1, 1, 1, VA_DEAF},
        {VA_WHILE_SPEAKING_NOTHING, 0, 0, 1, VA_HEAR_ALL},
        {VA_WHILE_SPEAKING_ALL, 1, 1, 1, VA_HEAR_ALL},
        {VA_WHILE_SPEAKING_ALL, 1, 1, 0, VA_DEAF},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct va_own_voice voice = new_voice(cases[i].option);
        struct va_echo_status echo = {.is_heard = cases[i].is_heard, .is_ready = cases[i].is_ready};
        assert_int_equal(va_own_voice_step(&voice, 160, cases[i].is_speaking, &echo), cases[i].hearing);
        assert_int_equal(voice.hearing, cases[i].hearing);
    }
}

static void test_some_time_after(void **state)
{
    struct va_own_voice voice = new_voice(VA_WHILE_SPEAKING_STOP_WORD);

    assert_int_equal(va_own_voice_step(&voice, 160, 1, NULL), VA_DEAF);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(va_own_voice_is_heard(&voice), 1);
        assert_int_equal(va_own_voice_step(&voice, 160, 0, NULL), VA_DEAF);
    }
    assert_int_equal(va_own_voice_step(&voice, 160, 0, NULL), VA_HEAR_ALL);
    assert_int_equal(va_own_voice_is_heard(&voice), 0);
    assert_int_equal(va_own_voice_step(&voice, 1000000, 1, NULL), VA_DEAF);
    assert_int_equal(va_own_voice_step(&voice, 1000000, 0, NULL), VA_HEAR_ALL);
}

static void test_whose_event(void **state)
{
    struct va_own_voice voice = new_voice(VA_WHILE_SPEAKING_STOP_WORD);
    struct va_echo_status echo = {.is_heard = 1, .is_ready = 1, .reduction_now_db = 3.0f};

    assert_int_equal(va_own_voice_is_own(&voice), 0);
    va_own_voice_step(&voice, 160, 1, &echo);
    assert_int_equal(va_own_voice_is_own(&voice), 0);
    echo.reduction_now_db = 15.0f; /* nobody else spoke */
    va_own_voice_step(&voice, 160, 1, &echo);
    assert_int_equal(va_own_voice_is_own(&voice), 1);
    echo.is_heard = 0; /* and what is left from then does not count */
    va_own_voice_step(&voice, 160, 0, &echo);
    assert_int_equal(va_own_voice_is_own(&voice), 0);

    va_own_voice_said(&voice);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(va_own_voice_is_own(&voice), 1);
        va_own_voice_step(&voice, 160, 0, &echo);
    }
    assert_int_equal(va_own_voice_is_own(&voice), 0);
}

static void test_errors(void **state)
{
    struct va_own_voice_options options = VA_OWN_VOICE_DEFAULTS;
    struct va_own_voice voice;
    va_error error;

    options.after_ms = -1;
    assert_int_equal(va_own_voice_init(&voice, &options, &error), VA_EINVAL);
    options.after_ms = 10001;
    assert_int_equal(va_own_voice_init(&voice, &options, &error), VA_EINVAL);
    options.after_ms = 10000;
    options.said_before_ms = -1;
    assert_int_equal(va_own_voice_init(&voice, &options, &error), VA_EINVAL);
    options.said_before_ms = 10001;
    assert_int_equal(va_own_voice_init(&voice, &options, NULL), VA_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_may_be_heard), cmocka_unit_test(test_some_time_after),
                                       cmocka_unit_test(test_whose_event), cmocka_unit_test(test_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
