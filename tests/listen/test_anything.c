/* Whatever happens at once, what is wrong, and want of memory. */
#include "support.h"

static uint32_t random_state;

static uint32_t next_random(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

static void push_anything(void)
{
    char script[16];

    switch (next_random(12)) {
    case 0:
        va_listener_open(listener, next_random(3));
        break;
    case 1:
        va_listener_close(listener, 0);
        break;
    case 2:
        va_listener_close(listener, 1);
        break;
    case 3:
        push_mark(WORD_MARK + (float)next_random(2), VA_HEAR_ALL);
        break;
    case 4:
        doubles.text = next_random(2) == 0 ? "do it!" : "";
        break;
    default:
        snprintf(script, sizeof script, "%u%c", 1 + next_random(40), ".#~"[next_random(3)]);
        push_as(script, next_random(5) == 0 ? VA_DEAF : next_random(5) == 0 ? VA_HEAR_WAKE_ONLY : VA_HEAR_ALL);
        break;
    }
}

/* A button was let go and is pressed again, or more than once: what was said before is still told. */
static int may_follow(int opened)
{
    for (int i = opened + 1; i < told.n; i++)
        if (told.kinds[i] != 'W' && told.kinds[i] != 'O')
            return strchr("PpRH", told.kinds[i]) != NULL;
    return 0;
}

/* What is told makes sense: nothing is heard that was not opened for, and each opening closes once. */
static void check_order(int is_always)
{
    int is_open = is_always, in_utterance = 0;

    for (int i = 0; i < told.n; i++) {
        char kind = told.kinds[i];
        int is_right = kind == 'W'   ? 1
                       : kind == 'O' ? !is_always
                       : kind == 'C' ? is_open && !is_always
                       : kind == 'S' ? is_open && !in_utterance
                                     : in_utterance;
        if (!is_right)
            fail_msg("%d of %s", i, told.kinds);
        is_open = kind == 'O' ? 1 : kind == 'C' ? 0 : is_open;
        in_utterance = kind == 'S' ? 1 : kind == 'C' || kind == 'H' || (kind == 'O' && !may_follow(i)) ? 0 : in_utterance;
        assert_true(i == 0 || told.event[i].heard_s >= told.event[i - 1].heard_s);
    }
    assert_int_equal(in_utterance, 0);
}

static void anything(void **state)
{
    random_state = 5;
    for (int round = 0; round < 60; round++) {
        struct va_listener_options options = options_for(round % 3 == 0 ? VA_LISTEN_ALWAYS : VA_LISTEN_WAKE, round % 2 == 0 ? 2 : 3);
        options.step_ms = round % 4 == 0 ? 100 : 0;
        begin_with(&options);
        for (int i = 0; i < 60; i++)
            push_anything();
        assert_int_equal(va_listener_finish(listener, NULL), 0);
        va_listener_free(listener);
        check_order(options.mode == VA_LISTEN_ALWAYS);
    }
}

static _Atomic int is_over;

static void *press_often(void *arg)
{
    uint32_t random = 7;
    while (!is_over) {
        random = random * 1664525u + 1013904223u;
        if (random >> 31)
            va_listener_open(listener, 1.0);
        else
            va_listener_close(listener, (int)(random >> 30 & 1));
        (void)va_listener_is_open(listener);
        usleep(300);
    }
    return NULL;
}

static void wishes_from_another_thread(void **state)
{
    pthread_t thread;

    begin(VA_LISTEN_WAKE, 2);
    is_over = 0;
    assert_int_equal(pthread_create(&thread, NULL, press_often, NULL), 0);
    for (int i = 0; i < 60; i++) {
        push("3. 12# 4.");
        usleep(1000);
    }
    is_over = 1;
    pthread_join(thread, NULL);
    assert_int_equal(va_listener_finish(listener, NULL), 0);
    va_listener_free(listener);
    check_order(0);
}

static void decoding_fails(void **state)
{
    va_error error;
    float pcm[CHUNK] = {0.0f};
    int r = 0;

    begin(VA_LISTEN_ALWAYS, 0);
    doubles.gate_closed = 1;
    push("20. 30# 3.");
    assert_true(doubles_wait(&doubles.running, 1));
    va_memory_fail_after(1);
    doubles.gate_closed = 0;
    for (int i = 0; i < 5000 && r == 0; i++, usleep(1000))
        r = va_listener_push(listener, pcm, CHUNK, VA_HEAR_ALL, &error);
    va_memory_fail_after(0);
    assert_int_equal(r, VA_ENOMEM);
    assert_int_equal(va_listener_finish(listener, &error), VA_ENOMEM);
    assert_string_equal(told.kinds, "S");
    va_listener_free(listener);
}

static void what_is_wrong_is_refused(void **state)
{
    static struct va_listen_word many[VA_LISTEN_MAX_WORDS + 1];
    struct va_listener_options options = options_for(VA_LISTEN_WAKE, VA_LISTEN_MAX_WORDS + 1);
    va_error error = {0};

    options.words = many;
    assert_int_equal(va_listener_new(&options, &listener, &error), VA_EINVAL);
    assert_non_null(strstr(error.text, "words"));
    options = options_for(VA_LISTEN_WAKE, 3);
    options.step_ms = 1;
    assert_int_equal(va_listener_new(&options, &listener, &error), VA_EINVAL);
    va_listener_free(NULL);
}

static void out_of_memory_at_the_start(void **state)
{
    struct va_listener_options options = options_for(VA_LISTEN_WAKE, 4);
    int r = VA_ENOMEM;

    doubles_reset();
    for (size_t n = 1; r == VA_ENOMEM; n++) {
        va_memory_fail_after(n);
        r = va_listener_new(&options, &listener, NULL);
        va_memory_fail_after(0);
        assert_true(n < 100);
    }
    assert_int_equal(r, 0);
    va_listener_free(listener);
    assert_int_equal(doubles.contexts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything),
        cmocka_unit_test(wishes_from_another_thread),
        cmocka_unit_test(decoding_fails),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(out_of_memory_at_the_start),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
