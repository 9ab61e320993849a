#include "support.h"

#include <math.h>

va_model *model;
va_listener *listener;
struct va_listen_word words[4] = {
    {.model = (const va_wake_model *)&words, .name = "computer", .sensitivity = 0.5f},
    {.model = (const va_wake_model *)&words, .name = "enough", .sensitivity = 0.5f, .is_stop = 1},
    {.own = (const va_word_model *)&words, .name = "mine", .sensitivity = 0.5f},
    {.model = (const va_wake_model *)&words, .own = (const va_word_model *)&words, .name = "sure", .sensitivity = 0.5f},
};

struct told told;

size_t samples(double seconds)
{
    return (size_t)lround(seconds * VA_SAMPLE_RATE_HZ);
}

static void note(void *user, const struct va_listen_event *event)
{
    int i = told.n;

    assert_ptr_equal(user, &told);
    assert_true(i < MAX_TOLD);
    told.kinds[i] = " WOSPpRHC"[event->kind];
    told.event[i] = *event;
    snprintf(told.text[i], sizeof told.text[i], "%s", event->text);
    int has_text = event->kind == VA_LISTEN_PARTIAL || event->kind == VA_LISTEN_PAUSED || event->kind == VA_LISTEN_HEARD;
    assert_true((event->transcript != NULL) == has_text && event->n_stable <= strlen(event->text));
    assert_true((event->word != NULL) == (event->kind == VA_LISTEN_WOKEN));
    assert_true(samples(event->start_s) <= samples(event->end_s) && samples(event->end_s) <= samples(event->heard_s));
    assert_true(samples(event->speech_end_s) <= samples(event->end_s));
    assert_true(event->decode_ms >= 0.0 && (!event->is_command || event->understanding != NULL));
    assert_true((event->reason != 0) == (event->kind == VA_LISTEN_OPENED || event->kind == VA_LISTEN_CLOSED));
    if (event->kind == VA_LISTEN_HEARD && told.opens_again)
        va_listener_open(listener, 2.0);
    if (event->kind == VA_LISTEN_HEARD && told.slowly == 1) {
        told.slowly = 2;
        assert_true(doubles_wait(&told.slowly, 3));
    }
    told.n = i + 1;
}

static int steering_double;

struct va_listener_options options_for(enum va_listen_mode mode, size_t n_words)
{
    struct va_listener_options options;

    va_listener_options_init(&options);
    options.mode = mode;
    options.model = model;
    options.steering = (const va_steering *)&steering_double;
    options.language = "en";
    options.step_ms = 0;
    options.words = words;
    options.n_words = n_words;
    options.on_event = note;
    options.user = &told;
    return options;
}

void begin_with(const struct va_listener_options *options)
{
    doubles_reset();
    memset(&told, 0, sizeof told);
    assert_int_equal(va_listener_new(options, &listener, NULL), 0);
    assert_string_equal(doubles.last_language, "en");
    assert_string_equal(doubles.last_prompt, "kitchen bath");
}

void begin(enum va_listen_mode mode, size_t n_words)
{
    struct va_listener_options options = options_for(mode, n_words);
    begin_with(&options);
}

void push_as(const char *script, enum va_hearing hear)
{
    size_t n;
    float *pcm = play_script(script, &n);
    assert_int_equal(va_listener_push(listener, pcm, n, hear, NULL), 0);
    va_free(pcm);
}

void push(const char *script)
{
    push_as(script, VA_HEAR_ALL);
}

void push_mark(float mark, enum va_hearing hear)
{
    float pcm[CHUNK] = {0.0f};
    pcm[100] = mark;
    assert_int_equal(va_listener_push(listener, pcm, CHUNK, hear, NULL), 0);
}

void wait_for(const char *kinds)
{
    if (!doubles_wait(&told.n, (int)strlen(kinds)) || strcmp(told.kinds, kinds) != 0)
        fail_msg("told %s, not %s", told.kinds, kinds);
}

void finish(const char *kinds)
{
    doubles.gate_closed = 0;
    assert_int_equal(va_listener_finish(listener, NULL), 0);
    va_listener_free(listener);
    assert_string_equal(told.kinds, kinds);
    assert_int_equal(doubles.contexts, 0);
}

void expect(int i, size_t start, size_t end, size_t speech_end)
{
    assert_int_equal(samples(told.event[i].start_s), start);
    assert_int_equal(samples(told.event[i].end_s), end);
    assert_int_equal(samples(told.event[i].speech_end_s), speech_end);
}

void expect_near(double seconds, size_t sample)
{
    assert_true(samples(seconds) + CHUNK >= sample && samples(seconds) <= sample + CHUNK);
}

int count(char kind)
{
    int n = 0;
    for (int i = 0; i < told.n; i++)
        n += told.kinds[i] == kind;
    return n;
}
int setup_all(void **state)
{
    return va_model_open("", NULL, &model, NULL);
}

int teardown_all(void **state)
{
    va_model_free(model);
    return 0;
}
