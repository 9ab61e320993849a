/* Everybody wants something of the microphone at once; and privacy mode overtakes what was said. */
#include "listening_support.h"

static void *reload(void *arg)
{
    static const char *const modes[] = {"always", "wake", "off", "button"};
    va_error error;

    for (int i = 0; i < 24; i++)
        assert_int_equal(va_assistant_reload(assistant, load_config(modes[i % 4], NULL), load_commands(), &error), 0);
    return NULL;
}

static void *switch_privacy(void *arg)
{
    struct va_privacy_state privacy;
    va_error error;

    for (int i = 0; i < 24; i++) {
        assert_int_equal(va_assistant_privacy_set(assistant, i % 2 == 0, VA_PRIVACY_BY_API, &privacy, &error), 0);
        usleep(1000);
    }
    return NULL;
}

static void *press(void *arg)
{
    struct va_microphone_status microphone;
    char id[VA_ID_SIZE];
    double duration_s;
    va_error error;

    for (int i = 0; i < 60; i++) {
        int r = va_assistant_talk(assistant, i % 2 == 0, &error);
        assert_true(r == 0 || r == VA_ESTATE);
        r = va_assistant_start_recording(assistant, &error);
        assert_true(r == 0 || r == VA_EDENIED || r == VA_EIO); /* lost */
        r = va_assistant_stop_recording(assistant, id, &duration_s, &error);
        assert_true(r == 0 || r == VA_ESTATE || r == VA_EDENIED || r == VA_EBUSY);
        va_assistant_get_microphone(assistant, &microphone);
        usleep(300);
    }
    return NULL;
}

static void *lose(void *arg)
{
    for (int i = 0; i < 20; i++) {
        doubles.lost = i % 2 == 0;
        doubles_capture(&(struct va_capture_event){
            .change = VA_CAPTURE_STATE, .state = i % 2 == 0 ? VA_CAPTURE_LOST : VA_CAPTURE_OPEN, .device = "double"});
        forget_told();
        usleep(2000);
    }
    return NULL;
}

static void everything_at_once(void **state)
{
    void *(*const tasks[])(void *) = {reload, switch_privacy, press, lose};
    pthread_t threads[4];
    va_error error;

    begin("always", NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, tasks[i], NULL), 0);
    for (int i = 0; i < 60; i++) {
        say("turn on the light", "light");
        usleep(300);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    forget_told();
    assert_int_equal(va_assistant_reload(assistant, load_config("always", NULL), load_commands(), &error), 0);
    assert_int_equal(doubles.captures, 1);
    assert_int_equal(doubles.listeners, 1);
    say("turn on the light", "light");
    expect_told("result command=light success=1");
    expect_state("idle");
    end();
}

static void what_privacy_mode_overtakes_is_forgotten(void **state)
{
    struct va_privacy_state privacy;

    begin("always", NULL);
    hold_errands();
    say("turn on the light", "light");
    assert_int_equal(va_assistant_privacy_set(assistant, 1, VA_PRIVACY_BY_API, &privacy, NULL), 0);
    let_errands_go();
    expect_state("privacy");
    assert_int_equal(va_assistant_privacy_set(assistant, 0, VA_PRIVACY_BY_API, &privacy, NULL), 0);
    end();
    assert_true(has_told("heard command=1"));
    assert_false(has_told("\nacting "));
    assert_false(has_told("\nresult "));
    assert_int_equal(doubles.said, 0);
}

int main(void)
{
    const struct va_log_options quiet = {.level = VA_LOG_ERROR};
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_at_once), cmocka_unit_test(what_privacy_mode_overtakes_is_forgotten)};

    if (va_log_open(&quiet, NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
