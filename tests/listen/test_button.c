/* A button is pressed and let go: when the listener opens and closes. */
#include "support.h"

static void a_button(void **state)
{
    begin(VA_LISTEN_WAKE, 0);
    assert_false(va_listener_is_open(listener));
    push("30# 40.");
    va_listener_open(listener, 0.0);
    assert_int_equal(told.n, 0);
    push("30# 4.");
    wait_for("OSp");
    assert_true(va_listener_is_open(listener));
    push("28.");
    wait_for("OSpHC");
    assert_false(va_listener_is_open(listener));
    assert_int_equal(told.event[0].reason, VA_LISTEN_BY_CALLER);
    assert_int_equal(told.event[4].reason, VA_LISTEN_DONE);
    /* The stream begins before the press, and so do its chunks. */
    size_t start = 70 * CHUNK - BEFORE;
    assert_int_equal(samples(told.event[1].start_s), start);
    assert_int_equal(samples(told.event[3].start_s), start);
    expect_near(told.event[3].speech_end_s, 100 * CHUNK);
    push("30# 40.");
    finish("OSpHC");
}

static void who_speaks_before_the_press_is_heard(void **state)
{
    begin(VA_LISTEN_WAKE, 0);
    push("2#"); /* less than is kept */
    va_listener_open(listener, 0.0);
    push("20#");
    wait_for("OS");
    assert_int_equal(samples(told.event[1].start_s), 0);
    finish("OSHC");
    begin(VA_LISTEN_WAKE, 0);
    push_as("20#", VA_DEAF); /* what was not to be heard stays so */
    va_listener_open(listener, 0.0);
    push("20. 20#");
    wait_for("OS");
    assert_int_equal(samples(told.event[1].start_s), 40 * CHUNK - PAD);
    finish("OSHC");
}

static void nothing_is_said_in_time(void **state)
{
    begin(VA_LISTEN_WAKE, 0);
    push("20.");
    va_listener_open(listener, 1.0);
    push("31.");
    assert_true(va_listener_is_open(listener));
    push("1.");
    wait_for("OC");
    assert_int_equal(told.event[1].reason, VA_LISTEN_NOTHING_SAID);
    assert_int_equal(samples(told.event[1].heard_s), 52 * CHUNK);
    va_listener_open(listener, 1.0);
    push("25. 30#"); /* in time, and longer than there was */
    wait_for("OCOS");
    finish("OCOSHC");
    begin(VA_LISTEN_WAKE, 0); /* the option's time */
    va_listener_open(listener, 0.0);
    push("187.");
    assert_true(va_listener_is_open(listener));
    push("1.");
    finish("OC");
}

static void a_noise_does_not_close(void **state)
{
    begin(VA_LISTEN_WAKE, 0);
    doubles.text = "";
    va_listener_open(listener, 4.0);
    push("20. 10# 4.");
    wait_for("OSp");
    push("26.");
    wait_for("OSpH");
    assert_true(va_listener_is_open(listener));
    doubles.text = "do it!";
    push("1. 20# 4.");
    wait_for("OSpHSp");
    push("2.");
    wait_for("OSpHSpHC");
    finish("OSpHSpHC");
}

static void letting_go_ends_the_utterance(void **state)
{
    begin(VA_LISTEN_WAKE, 0);
    va_listener_open(listener, 0.0);
    push("20. 30#");
    wait_for("OS");
    va_listener_close(listener, 0);
    push("1.");
    wait_for("OSHC");
    expect(2, 20 * CHUNK - PAD, 50 * CHUNK, 50 * CHUNK);
    assert_int_equal(told.event[3].reason, VA_LISTEN_DONE);
    va_listener_close(listener, 0); /* it is closed */
    push("30# 30.");
    va_listener_open(listener, 0.0);
    push("10.");
    va_listener_close(listener, 0);
    push("1.");
    wait_for("OSHCOC");
    assert_int_equal(told.event[5].reason, VA_LISTEN_BY_CALLER);
    finish("OSHCOC");
}

/* Before the beginning was told: the stream's thread is busy, or the ear has not decided yet. */
static void letting_go_loses_nothing(void **state)
{
    begin(VA_LISTEN_WAKE, 0);
    doubles.gate_closed = 1;
    va_listener_open(listener, 0.0);
    push("20. 30# 10.");
    assert_true(doubles_wait(&doubles.running, 1));
    va_listener_open(listener, 0.0);
    push("20. 20#");
    va_listener_close(listener, 0);
    push("1.");
    va_listener_close(listener, 0); /* once more does no harm */
    push("1.");
    wait_for("OSO");
    assert_false(va_listener_is_open(listener));
    doubles.gate_closed = 0;
    wait_for("OSOSHC");
    expect_near(told.event[4].start_s, 80 * CHUNK - PAD);
    expect_near(told.event[4].end_s, 100 * CHUNK);
    finish("OSOSHC");
}

static void pressed_again_while_it_decodes(void **state)
{
    begin(VA_LISTEN_WAKE, 0);
    doubles.gate_closed = 1;
    va_listener_open(listener, 0.0);
    push("20. 30#");
    wait_for("OS");
    va_listener_close(listener, 0);
    push("10.");
    va_listener_open(listener, 0.0);
    push("20. 30#");
    wait_for("OSO");
    doubles.gate_closed = 0;
    wait_for("OSOHS");
    expect(3, 20 * CHUNK - PAD, 50 * CHUNK, 50 * CHUNK);
    va_listener_close(listener, 0);
    push("1.");
    wait_for("OSOHSHC");
    finish("OSOHSHC");

    begin(VA_LISTEN_WAKE, 0); /* and let go at once */
    doubles.gate_closed = 1;
    va_listener_open(listener, 0.0);
    push("20. 30#");
    wait_for("OS");
    va_listener_close(listener, 0);
    push("10.");
    va_listener_open(listener, 0.0);
    push("1.");
    va_listener_close(listener, 0);
    push("1.");
    wait_for("OSO");
    doubles.gate_closed = 0;
    wait_for("OSOHC");
    finish("OSOHC");
}

static void a_noise_before_it_closes_does_not_hide_speech(void **state)
{
    begin(VA_LISTEN_WAKE, 0);
    doubles.gate_closed = 1;
    doubles.text = "";
    va_listener_open(listener, 0.0);
    push("20. 30# 30. 20. 20#");
    va_listener_close(listener, 0);
    push("1.");
    assert_true(doubles_wait(&doubles.running, 1));
    doubles.gate_closed = 0;
    assert_int_equal(va_listener_finish(listener, NULL), 0);
    assert_string_equal(told.kinds + told.n - 3, "SHC");
    assert_int_equal(count('C'), 1);
    va_listener_free(listener);
}

static void what_is_dropped_is_not_told(void **state)
{
    begin(VA_LISTEN_WAKE, 0);
    va_listener_open(listener, 0.0);
    push("20. 30#");
    wait_for("OS");
    va_listener_close(listener, 1);
    push("20# 60.");
    wait_for("OSC");
    assert_int_equal(told.event[2].reason, VA_LISTEN_BY_CALLER);
    finish("OSC");

    begin(VA_LISTEN_WAKE, 0); /* also when it was to be told in a moment */
    doubles.gate_closed = 1;
    va_listener_open(listener, 0.0);
    push("20. 30#");
    wait_for("OS");
    va_listener_close(listener, 0);
    push("1.");
    va_listener_close(listener, 1);
    push("30.");
    wait_for("OSC");
    va_listener_open(listener, 0.0);
    push("40. 30#");
    doubles.gate_closed = 0;
    wait_for("OSCOS");
    finish("OSCOSHC");
}

static void more_may_be_wished_for(void **state)
{
    begin(VA_LISTEN_WAKE, 0);
    doubles.text = "do it!";
    told.opens_again = 1;
    va_listener_open(listener, 0.0);
    push("20. 30# 3.");
    wait_for("OSp");
    push("2.");
    wait_for("OSpH");
    told.opens_again = 0;
    push("1.");
    wait_for("OSpHO");
    push("61.");
    assert_true(va_listener_is_open(listener)); /* for 2 s */
    push("1.");
    finish("OSpHOC");
}

static void *push_a_chunk(void *arg)
{
    push("1.");
    return NULL;
}

/* The button is pressed while the command before is being told. */
static void an_old_utterance_does_not_close_a_new_opening(void **state)
{
    pthread_t pusher;

    begin(VA_LISTEN_WAKE, 0);
    told.slowly = 1;
    va_listener_open(listener, 0.0);
    push("20. 30# 30.");
    assert_true(doubles_wait(&told.slowly, 2));
    va_listener_open(listener, 0.0);
    assert_int_equal(pthread_create(&pusher, NULL, push_a_chunk, NULL), 0);
    usleep(20000);
    told.slowly = 3;
    pthread_join(pusher, NULL);
    wait_for("OSpHO");
    assert_true(va_listener_is_open(listener));
    finish("OSpHO");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_button),
        cmocka_unit_test(who_speaks_before_the_press_is_heard),
        cmocka_unit_test(nothing_is_said_in_time),
        cmocka_unit_test(a_noise_does_not_close),
        cmocka_unit_test(letting_go_ends_the_utterance),
        cmocka_unit_test(letting_go_loses_nothing),
        cmocka_unit_test(pressed_again_while_it_decodes),
        cmocka_unit_test(a_noise_before_it_closes_does_not_hide_speech),
        cmocka_unit_test(what_is_dropped_is_not_told),
        cmocka_unit_test(more_may_be_wished_for),
        cmocka_unit_test(an_old_utterance_does_not_close_a_new_opening),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
