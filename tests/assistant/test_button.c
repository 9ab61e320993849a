/* A button is pressed and let go: when the listener is told. */
#include "listening_support.h"

static void a_press(void **state)
{
    struct va_listener_options options;
    va_error error;

    begin("button", NULL);
    doubles_listener(&options);
    assert_int_equal(options.mode, VA_LISTEN_WAKE);
    assert_int_equal(options.n_words, 0);
    assert_int_equal(va_assistant_talk(assistant, 1, &error), 0);
    assert_int_equal(doubles.opened, 1);
    assert_true(doubles.wait_s == 0.0);
    assert_int_equal(doubles.silenced, 1);
    assert_int_equal(va_assistant_talk(assistant, 0, &error), 0);
    assert_true(doubles_wait(&doubles.closed, 1));
    assert_int_equal(doubles.silenced, 1);
    end();

    begin("off", NULL);
    assert_int_equal(doubles.captures, 0);
    assert_string_equal(state_now(), "off");
    assert_int_equal(va_assistant_talk(assistant, 1, &error), VA_ESTATE);
    assert_non_null(strstr(error.text, "listen.mode"));
    end();
}

static void push_more(void)
{
    assert_true(doubles_wait(&doubles.pushed, doubles.pushed + 3));
}

static void letting_go_counts_when_it_happened(void **state)
{
    enum { BLOCK = VA_ECHO_FRAME_SAMPLES, SAMPLE_NS = 1000000000 / VA_SAMPLE_RATE_HZ };
    va_error error;

    begin("button", NULL);
    doubles.captured_ns = 1; /* listening is far behind the sound */
    push_more();
    assert_int_equal(va_assistant_talk(assistant, 1, &error), 0);
    assert_int_equal(doubles.opened, 1);
    uint64_t earliest_ns = va_clock_ns();
    assert_int_equal(va_assistant_talk(assistant, 0, &error), 0);
    uint64_t latest_ns = va_clock_ns();
    assert_int_equal(va_assistant_talk(assistant, 1, &error), 0); /* again, while what was said before is still to be heard */
    push_more();
    assert_int_equal(doubles.closed, 0);
    assert_int_equal(doubles.opened, 1);
    uint64_t block_ns = latest_ns - BLOCK / 2 * SAMPLE_NS;
    doubles.captured_ns = block_ns;
    assert_true(doubles_wait(&doubles.closed, 1));
    int at = doubles.closed_at % BLOCK;
    assert_true(at <= BLOCK / 2);
    assert_true(block_ns >= earliest_ns || (uint64_t)at >= (earliest_ns - block_ns) / SAMPLE_NS);
    doubles.captured_ns = 0;
    assert_true(doubles_wait(&doubles.opened, 2));
    assert_int_equal(doubles.closed, 1);
    end();

    begin("button", NULL); /* what was never captured is not waited for */
    doubles.captured_ns = 1;
    push_more();
    assert_int_equal(va_assistant_talk(assistant, 0, &error), 0);
    push_more();
    assert_int_equal(doubles.closed, 0);
    doubles.lost = 1;
    assert_true(doubles_wait(&doubles.closed, 1));
    end();

    begin("button", NULL); /* more than can be remembered: the last counts */
    doubles.captured_ns = 1;
    push_more();
    for (int i = 0; i < 21; i++)
        assert_int_equal(va_assistant_talk(assistant, i % 2, &error), 0);
    push_more();
    assert_int_equal(doubles.opened + doubles.closed, 0);
    doubles.captured_ns = 0;
    assert_true(doubles_wait(&doubles.closed, 5));
    assert_int_equal(doubles.opened, 3);
    push_more();
    assert_int_equal(doubles.closed, 5);
    end();
}

int main(void)
{
    const struct va_log_options quiet = {.level = VA_LOG_ERROR};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_press),
        cmocka_unit_test(letting_go_counts_when_it_happened),
    };
    if (va_log_open(&quiet, NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
