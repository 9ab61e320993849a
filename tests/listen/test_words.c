/* Wake words, stop words, words of one's own. */
#include "support.h"

static void a_word_opens(void **state)
{
    begin(VA_LISTEN_WAKE, 2);
    push("30# 10.");
    push_mark(WORD_MARK, VA_HEAR_ALL);
    wait_for("WO");
    assert_ptr_equal(told.event[0].word, &words[0]);
    assert_int_equal(samples(told.event[0].end_s), 40 * CHUNK + 101);
    assert_int_equal(samples(told.event[0].start_s), 40 * CHUNK + 101 - 8000);
    assert_true(told.event[0].score == 0.75f);
    assert_true(told.event[0].level_dbfs > -35.0f && told.event[0].level_dbfs < 0.0f);
    assert_int_equal(told.event[1].reason, VA_LISTEN_BY_WORD);
    push("19. 30# 4.");
    wait_for("WOSp");
    expect_near(told.event[2].start_s, 60 * CHUNK - PAD);
    push("27.");
    wait_for("WOSpHC");
    push("30# 30.");
    finish("WOSpHC");
}

/* What follows a word at once is in the block with it. */
static void what_follows_at_once_is_heard(void **state)
{
    size_t n;
    float *pcm = play_script("40# 4.", &n);

    begin(VA_LISTEN_WAKE, 1);
    pcm[10 * CHUNK + 5] = WORD_MARK;
    assert_int_equal(va_listener_push(listener, pcm, n, VA_HEAR_ALL, NULL), 0);
    wait_for("WOSp");
    assert_int_equal(samples(told.event[2].start_s), 10 * CHUNK + 6);
    finish("WOSpHC");
    va_free(pcm);
}

static void a_word_again_opens_again(void **state)
{
    begin(VA_LISTEN_WAKE, 1);
    push_mark(WORD_MARK, VA_HEAR_ALL);
    push("20. 30#");
    wait_for("WOS");
    push_mark(WORD_MARK, VA_HEAR_ALL);
    push("20. 30#");
    wait_for("WOSWOS");
    finish("WOSWOSHC");
}

static void a_stop_word_opens_nothing(void **state)
{
    begin(VA_LISTEN_WAKE, 2);
    push_mark(WORD_MARK + 1.0f, VA_HEAR_WAKE_ONLY);
    wait_for("W");
    assert_ptr_equal(told.event[0].word, &words[1]);
    assert_false(va_listener_is_open(listener));
    push("30# 30.");
    finish("W");
}

static void always_words_are_only_told(void **state)
{
    begin(VA_LISTEN_ALWAYS, 2);
    push("20.");
    push_mark(WORD_MARK, VA_HEAR_ALL);
    wait_for("W");
    push("200. 30#");
    wait_for("WS");
    finish("WSH");
}

static _Atomic int own;

static int is_own(void *user)
{
    assert_ptr_equal(user, &told);
    return own;
}

static void its_own_voice_does_not_wake_it(void **state)
{
    struct va_listener_options options = options_for(VA_LISTEN_WAKE, 1);

    options.is_own = is_own;
    begin_with(&options);
    own = 1;
    push_mark(WORD_MARK, VA_HEAR_WAKE_ONLY);
    push("20.");
    own = 0;
    assert_int_equal(told.n, 0);
    push_mark(WORD_MARK, VA_HEAR_WAKE_ONLY);
    finish("WO");
}

static void it_strains_to_hear_behind_its_own_voice(void **state)
{
    begin(VA_LISTEN_WAKE, 1);
    push_as("2.", VA_HEAR_WAKE_ONLY);
    assert_true(word_double_sensitivity == words[0].sensitivity + 0.2f);
    push("2.");
    assert_true(word_double_sensitivity == words[0].sensitivity);
    push_as("2.", VA_DEAF);
    assert_true(word_double_sensitivity == words[0].sensitivity);
    finish("");
}

static void words_behind_a_gap_are_where_they_were_said(void **state)
{
    begin(VA_LISTEN_WAKE, 1);
    push_mark(WORD_MARK, VA_DEAF);
    push_as("400#", VA_DEAF);
    push_as("10.", VA_HEAR_WAKE_ONLY);
    push_mark(WORD_MARK, VA_HEAR_WAKE_ONLY);
    wait_for("WO");
    assert_int_equal(samples(told.event[0].end_s), 411 * CHUNK + 101);
    push_as("30#", VA_HEAR_WAKE_ONLY);
    assert_int_equal(told.n, 2);
    push("20. 20#");
    wait_for("WOS"); /* and none of what it was deaf for */
    assert_int_equal(samples(told.event[2].start_s), 462 * CHUNK - PAD);
    finish("WOSHC");
}

/* ---- words of one's own ---- */

static void speak(size_t chunks, size_t mark_at)
{
    char script[16];
    size_t n;
    snprintf(script, sizeof script, "%zu#", chunks);
    float *pcm = play_script(script, &n);
    pcm[mark_at] = OWN_MARK;
    assert_int_equal(va_listener_push(listener, pcm, n, VA_HEAR_ALL, NULL), 0);
    va_free(pcm);
}

static void an_own_word_opens(void **state)
{
    begin(VA_LISTEN_WAKE, 3);
    push("20.");
    speak(20, 1000);
    wait_for("WOS"); /* judged once there is a span */
    assert_ptr_equal(told.event[0].word, &words[2]);
    assert_int_equal(samples(told.event[0].end_s), 20 * CHUNK + 1001);
    assert_true(told.event[0].score == 0.625f);
    push("30#");
    finish("WOSHC");
}

static void an_own_word_is_judged_when_it_pauses(void **state)
{
    begin(VA_LISTEN_WAKE, 3);
    push("20.");
    speak(5, 2500); /* shorter than a span */
    assert_int_equal(told.n, 0);
    push("7.");
    wait_for("WO");
    finish("WO");
}

static void an_own_word_in_the_middle(void **state)
{
    begin(VA_LISTEN_WAKE, 3);
    push("20. 200#");
    assert_int_equal(told.n, 0);
    assert_int_equal(doubles.contexts, 2);
    speak(40, 1000); /* once a second */
    wait_for("WOS");
    assert_int_equal(samples(told.event[0].end_s), 220 * CHUNK + 1001);
    push("40.");
    wait_for("WOSpHC");
    push("470."); /* the memory goes back */
    assert_true(doubles.contexts <= 1);
    finish("WOSpHC");
}

/* An utterance of the longest kind may be cut in a pause, behind which nothing is said. */
static void an_own_word_in_what_was_cut(void **state)
{
    begin(VA_LISTEN_WAKE, 3);
    push("20. 340#");
    speak(21, 20 * CHUNK); /* too late for the last second's look */
    push("10.");
    wait_for("WO");
    push("200."); /* the listener closes: nobody has said more */
    wait_for("WOC");
    push("270.");
    assert_true(doubles.contexts <= 1); /* the memory goes back: nothing is judged any more */
    finish("WOC");
}

static void an_own_word_behind_a_gap(void **state)
{
    begin(VA_LISTEN_WAKE, 3);
    push("20. 10#");
    push_as("100#", VA_DEAF);
    push("20.");
    speak(20, 1000);
    wait_for("WOS");
    assert_int_equal(samples(told.event[0].start_s), 150 * CHUNK - 300 * MS);
    assert_int_equal(samples(told.event[0].end_s), 150 * CHUNK + 1001);
    finish("WOSHC");
}

static void a_found_word_may_be_judged_again(void **state)
{
    static struct va_listen_word verified;
    struct va_listener_options options = options_for(VA_LISTEN_WAKE, 1);

    verified = words[0];
    verified.own = words[2].own;
    options.words = &verified;
    begin_with(&options);
    push("20.");
    push_mark(WORD_MARK, VA_HEAR_ALL);
    push("2.");
    assert_int_equal(told.n, 0); /* it was not there */
    speak(3, 1000);
    assert_int_equal(told.n, 0); /* by itself it is not looked for */
    push_mark(WORD_MARK, VA_HEAR_ALL);
    wait_for("WO");
    assert_ptr_equal(told.event[0].word, &verified);
    finish("WO");
}

static void an_own_word_without_memory(void **state)
{
    size_t n;
    float *pcm = play_script("20. 30#", &n);
    va_error error;

    begin(VA_LISTEN_WAKE, 3);
    doubles.fail_contexts = 1;
    assert_int_equal(va_listener_push(listener, pcm, n, VA_HEAR_ALL, &error), VA_ENOMEM);
    doubles.fail_contexts = 0;
    va_listener_free(listener);
    va_free(pcm);
}

/* Whisper judges what the network finds: the third of the fetched ones. */
static void a_word_that_is_judged(void **state)
{
    float pcm[CHUNK] = {[100] = WORD_MARK + 2.0f};
    va_error error;

    begin(VA_LISTEN_WAKE, 4);
    push("20.");
    push_mark(OWN_MARK, VA_HEAR_ALL);
    push("20."); /* more than a span */
    push_mark(WORD_MARK + 2.0f, VA_HEAR_ALL);
    assert_int_equal(told.n, 0);
    push_mark(OWN_MARK, VA_HEAR_ALL);
    push("12.");
    push_mark(WORD_MARK + 2.0f, VA_HEAR_ALL);
    wait_for("WO");
    assert_ptr_equal(told.event[0].word, &words[3]);
    assert_int_equal(samples(told.event[0].end_s), 55 * CHUNK + 101);
    assert_true(told.event[0].score == 0.75f);
    finish("WO");

    begin(VA_LISTEN_WAKE, 4);
    doubles.fail_contexts = 1;
    assert_int_equal(va_listener_push(listener, pcm, CHUNK, VA_HEAR_ALL, &error), VA_ENOMEM);
    doubles.fail_contexts = 0;
    va_listener_free(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_opens),
        cmocka_unit_test(what_follows_at_once_is_heard),
        cmocka_unit_test(a_word_again_opens_again),
        cmocka_unit_test(a_stop_word_opens_nothing),
        cmocka_unit_test(always_words_are_only_told),
        cmocka_unit_test(its_own_voice_does_not_wake_it),
        cmocka_unit_test(it_strains_to_hear_behind_its_own_voice),
        cmocka_unit_test(words_behind_a_gap_are_where_they_were_said),
        cmocka_unit_test(an_own_word_opens),
        cmocka_unit_test(an_own_word_is_judged_when_it_pauses),
        cmocka_unit_test(an_own_word_in_the_middle),
        cmocka_unit_test(an_own_word_in_what_was_cut),
        cmocka_unit_test(an_own_word_behind_a_gap),
        cmocka_unit_test(a_found_word_may_be_judged_again),
        cmocka_unit_test(an_own_word_without_memory),
        cmocka_unit_test(a_word_that_is_judged),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
