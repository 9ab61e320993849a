/* What is told of what is said, when an utterance ends, and where in the audio it was. */
#include "support.h"

/* ---- always ---- */

static void all_that_is_said(void **state)
{
    begin(VA_LISTEN_ALWAYS, 0);
    assert_true(va_listener_is_open(listener));
    push("20. 30# 3.");
    wait_for("Sp");
    push("26.");
    wait_for("SpH");
    expect(0, 20 * CHUNK - PAD, 24 * CHUNK, 24 * CHUNK);
    expect(2, 20 * CHUNK - PAD, 53 * CHUNK, 50 * CHUNK);
    assert_int_equal(samples(told.event[2].heard_s), 79 * CHUNK);
    assert_false(told.event[2].is_command);
    assert_null(told.event[2].understanding);
    va_listener_open(listener, 0.0); /* it is open */
    va_listener_close(listener, 1);
    push("100. 30# 3.");
    wait_for("SpHSp");
    push("1#");
    wait_for("SpHSpR");
    push("30.");
    finish("SpHSpRpH");
}

static void pieces_of_any_size(void **state)
{
    static const size_t sizes[] = {1, 7, CHUNK, 1000, 100000};
    size_t n;
    float *pcm = play_script("20. 30# 40.", &n);

    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        begin(VA_LISTEN_ALWAYS, 1);
        for (size_t at = 0; at < n; at += sizes[s])
            assert_int_equal(va_listener_push(listener, pcm + at, n - at < sizes[s] ? n - at : sizes[s], VA_HEAR_ALL, NULL), 0);
        assert_int_equal(va_listener_push(listener, NULL, 0, VA_HEAR_ALL, NULL), 0);
        doubles.gate_closed = 0;
        assert_int_equal(va_listener_finish(listener, NULL), 0);
        va_listener_free(listener);
        assert_true(told.n >= 2 && told.kinds[0] == 'S' && told.kinds[told.n - 1] == 'H');
        expect(told.n - 1, 20 * CHUNK - PAD, 53 * CHUNK, 50 * CHUNK);
    }
    va_free(pcm);
}

/* The texts of doubles.h: what may follow them decides. */
static void how_long_a_pause_is_waited_for(void **state)
{
    static const struct {
        const char *text;
        int chunks, outlook; /* of pause that end the utterance */
    } rows[] = {
        {"do it!", 5, VA_OUTLOOK_CLOSED}, {"do it,", 6, VA_OUTLOOK_UNLIKELY},
        {"do it", 12, VA_OUTLOOK_OPEN},   {"what!", 29, VA_OUTLOOK_CLOSED}, /* no command */
        {"", 29, VA_OUTLOOK_OPEN},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char pause[16];
        begin(VA_LISTEN_ALWAYS, 0);
        doubles.text = rows[i].text;
        push("20. 30# 3.");
        wait_for("Sp");
        snprintf(pause, sizeof pause, "%d.", rows[i].chunks - 4);
        push(pause);
        push("2#");
        wait_for("SpR");
        push("3.");
        wait_for("SpRp");
        snprintf(pause, sizeof pause, "%d.", rows[i].chunks - 3);
        push(pause);
        wait_for("SpRpH");
        assert_int_equal(told.event[4].is_command, rows[i].text[0] == 'd');
        assert_string_equal(told.text[4], rows[i].text);
        if (told.event[4].is_command)
            assert_int_equal(told.event[4].outlook, rows[i].outlook);
        finish("SpRpH");
    }
}

static void a_command_must_be_sure(void **state)
{
    struct va_listener_options options = options_for(VA_LISTEN_ALWAYS, 0);

    options.confidence = 0.8f; /* the double is sure by 0.75 */
    begin_with(&options);
    doubles.text = "do it!";
    push("20. 30# 3.");
    wait_for("Sp");
    push("5.");
    push("2#");
    wait_for("SpR"); /* no end */
    assert_false(told.event[1].is_command);
    assert_non_null(told.event[1].understanding);
    finish("SpRH");
}

static void without_commands_there_are_texts(void **state)
{
    struct va_listener_options options = options_for(VA_LISTEN_WAKE, 0);

    options.steering = NULL;
    options.language = NULL;
    doubles_reset();
    memset(&told, 0, sizeof told);
    assert_int_equal(va_listener_new(&options, &listener, NULL), 0);
    assert_string_equal(doubles.last_prompt, "");
    doubles.text = "do it!";
    va_listener_open(listener, 0.0);
    push("20. 30# 3.");
    wait_for("OSp");
    push("26.");
    wait_for("OSpHC");
    assert_string_equal(told.text[3], "do it!");
    assert_null(told.event[3].understanding);
    finish("OSpHC");
}

static void speech_without_end_is_cut(void **state)
{
    struct va_listener_options options = options_for(VA_LISTEN_ALWAYS, 0);
    double end_s = 0.0;

    options.max_ms = 2000;
    begin_with(&options);
    push("20. 300#");
    assert_int_equal(va_listener_finish(listener, NULL), 0);
    va_listener_free(listener);
    assert_true(count('H') >= 4);
    for (int i = 0; i < told.n; i++) {
        if (told.kinds[i] == 'S' && i > 0)
            assert_int_equal(samples(told.event[i].start_s), samples(end_s)); /* nothing is lost */
        if (told.kinds[i] == 'H')
            end_s = told.event[i].end_s;
        assert_int_equal(told.kinds[i], "SH"[i % 2]);
    }
    assert_int_equal(samples(end_s), 320 * CHUNK);
}

/* ---- while others talk ---- */

/* Speech without a pause, slow enough for partial texts; ends early when something is heard. */
static void talk(int chunks)
{
    for (int i = 0; i < chunks && count('H') == 0; i++) {
        push("1#");
        usleep(1000);
    }
}

static void begin_talk(void)
{
    struct va_listener_options options = options_for(VA_LISTEN_ALWAYS, 0);

    options.step_ms = 100;
    begin_with(&options);
    doubles.text = "do it";
    push("20. 4#");
    wait_for("SP");
}

static void a_command_that_stays_ends(void **state)
{
    begin_talk();
    doubles.text = "do it and they talk on";
    talk(300);
    assert_int_equal(count('H'), 1);
    int heard = (int)(strchr(told.kinds, 'H') - told.kinds);
    assert_int_equal(samples(told.event[heard].end_s), samples(told.event[1].end_s));
    assert_true(told.event[heard].is_command);
    assert_true(told.event[heard].heard_s - told.event[1].end_s >= 0.9);
    push("10#");
    assert_true(doubles_wait(&told.n, heard + 2));
    assert_int_equal(told.kinds[heard + 1], 'S'); /* the others */
    assert_int_equal(samples(told.event[heard + 1].start_s), samples(told.event[1].end_s));
    va_listener_free(listener);
}

/* The same person may go on behind a pause; once. */
static void who_pauses_may_have_more_to_say(void **state)
{
    begin_talk();
    doubles.text = "do it and they talk on";
    talk(12);
    push("3.");
    for (int i = 0; i < 2000 && count('p') == 0; i++)
        usleep(1000);
    talk(300);
    assert_int_equal(count('H'), 1);
    const char *resumed = strchr(told.kinds, 'R'), *heard = strchr(told.kinds, 'H');
    assert_true(resumed != NULL && resumed < heard);
    assert_true(told.event[heard - told.kinds].heard_s - told.event[resumed - told.kinds].heard_s >= 0.8);
    assert_int_equal(samples(told.event[heard - told.kinds].end_s), samples(told.event[1].end_s));
    va_listener_free(listener);
}

/* Speech until there is another partial text. */
static void talk_for_a_text(const char *text)
{
    int n = told.n;

    doubles.text = text;
    for (int i = 0; i < 500 && told.n == n; i++) {
        push("1#");
        for (int wait = 0; wait < 20 && told.n == n; wait++)
            usleep(1000);
    }
    assert_true(told.n > n);
}

static void a_command_that_changes_does_not(void **state)
{
    static const char *const texts[] = {"do it", "do it now", "do it now,", "do that"};

    begin_talk();
    for (int i = 0; i < 30; i++)
        talk_for_a_text(texts[i % 4]);
    assert_true(told.event[told.n - 1].heard_s - told.event[0].start_s > 2.0);
    assert_int_equal(count('H'), 0);
    talk_for_a_text("what"); /* it was but the beginning of something else */
    talk_for_a_text("what");
    talk(60);
    assert_int_equal(count('H'), 0);
    va_listener_free(listener);
}

/* ---- half-duplex ---- */

static void what_is_not_heard_interrupts(void **state)
{
    begin(VA_LISTEN_ALWAYS, 0);
    push("20. 30#");
    wait_for("S");
    push_as("1#", VA_DEAF);
    wait_for("SH"); /* it does not wait until hearing goes on */
    expect(1, 20 * CHUNK - PAD, 50 * CHUNK, 50 * CHUNK);
    push_as("49#", VA_HEAR_WAKE_ONLY);
    push("20. 30# 3.");
    wait_for("SHSp");
    expect(3, 120 * CHUNK - PAD, 153 * CHUNK, 150 * CHUNK); /* seconds of all that was pushed */
    push_as("5.", VA_DEAF);
    push("1.");
    finish("SHSpH");
}

static void where_it_began_does_not_depend_on_who_is_slow(void **state)
{
    begin(VA_LISTEN_ALWAYS, 0);
    push_as("10.", VA_DEAF);
    doubles.gate_closed = 1;
    push("20. 30# 30. 20. 30#");
    push_as("50.", VA_DEAF);
    push("20. 30#");
    push_as("7.", VA_DEAF);
    push("1.");
    assert_true(doubles_wait(&doubles.running, 1));
    doubles.gate_closed = 0;
    assert_int_equal(va_listener_finish(listener, NULL), 0);
    va_listener_free(listener);
    static const size_t starts[] = {30, 110, 210};
    for (int i = 0, n = 0; i < told.n; i++)
        if (told.kinds[i] == 'S') {
            assert_true(n < 3);
            assert_int_equal(samples(told.event[i].start_s), starts[n++] * CHUNK - PAD);
        }
    assert_int_equal(count('S'), 3);
    assert_int_equal(count('H'), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_said),
        cmocka_unit_test(pieces_of_any_size),
        cmocka_unit_test(how_long_a_pause_is_waited_for),
        cmocka_unit_test(a_command_must_be_sure),
        cmocka_unit_test(without_commands_there_are_texts),
        cmocka_unit_test(speech_without_end_is_cut),
        cmocka_unit_test(a_command_that_stays_ends),
        cmocka_unit_test(who_pauses_may_have_more_to_say),
        cmocka_unit_test(a_command_that_changes_does_not),
        cmocka_unit_test(what_is_not_heard_interrupts),
        cmocka_unit_test(where_it_began_does_not_depend_on_who_is_slow),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
