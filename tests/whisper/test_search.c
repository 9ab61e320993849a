/* Logits of some tokens only: the same bits, and a search that is led by them. */
#include "whisper/search.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "dsp/log_mel.h"
#include "tiny_model.h"
#include "whisper/rules.h"

#define FRAMES 100
#define BEAMS 5

struct engine {
    va_model *model;
    va_pool *pool;
    va_encoder *encoder;
    va_search *search;
};

static char path[64];

static int set_up(void **state)
{
    snprintf(path, sizeof path, "/tmp/va-search-%d.vam", (int)getpid());
    tiny_model_write(path, VA_PRECISION_S8, 51865, NULL);
    return 0;
}

static int tear_down(void **state)
{
    return unlink(path);
}

static void open_engine(struct engine *engine, int threads)
{
    float *mel = va_alloc_aligned((size_t)2 * FRAMES * VA_MEL_BANDS, sizeof *mel);
    assert_int_equal(va_model_open(path, NULL, &engine->model, NULL), 0);
    assert_int_equal(va_pool_new(threads, &engine->pool, NULL), 0);
    assert_int_equal(va_encoder_new(engine->model, engine->pool, &engine->encoder, NULL), 0);
    assert_int_equal(va_search_new(engine->model, engine->pool, BEAMS, &engine->search, NULL), 0);
    for (int i = 0; i < 2 * FRAMES * VA_MEL_BANDS; i++)
        mel[i] = sinf((float)(i * i % 1000));
    assert_int_equal(va_encoder_run(engine->encoder, mel, FRAMES, VA_TAIL_SILENCE, NULL, NULL), 0);
    va_free(mel);
}

static void close_engine(struct engine *engine)
{
    va_search_free(engine->search);
    va_encoder_free(engine->encoder);
    va_pool_free(engine->pool);
    va_model_free(engine->model);
}

static void test_sets(void **state)
{
    struct va_token_set set = {{0}}, other = {{0}};
    assert_true(va_token_set_is_empty(&set));
    va_token_set_add(&set, 51865);
    va_token_set_add_range(&set, 30, 131);
    va_token_set_add_range(&set, 200, 203);
    va_token_set_add_range(&set, 300, 300);
    assert_int_equal(va_token_set_panel(&set, 1), 0xc000);
    assert_int_equal(va_token_set_panel(&set, 2), 0xffff);
    assert_int_equal(va_token_set_panel(&set, 7), 0xffff);
    assert_int_equal(va_token_set_panel(&set, 8), 0x0007);
    assert_int_equal(va_token_set_panel(&set, 12), 0x0700);
    assert_int_equal(va_token_set_panel(&set, 18), 0);
    assert_int_equal(va_token_set_panel(&set, 3241), 0x0200);
    va_token_set_add(&other, 15);
    va_token_set_add_all(&other, &set);
    assert_int_equal(va_token_set_panel(&other, 0), 0x8000);
    assert_int_equal(va_token_set_panel(&other, 8), 0x0007);
    va_token_set_clear(&set);
    assert_true(va_token_set_is_empty(&set) && !va_token_set_is_empty(&other));
}

static void test_logits_have_the_same_bits(void **state)
{
    const int32_t prompt[] = {50258, 50259, 50359};
    const size_t bytes = 51865 * sizeof(float);
    for (int threads = 1; threads <= 3; threads++) {
        struct engine engine;
        struct va_token_set wanted = {{0}}, none = {{0}};
        float *all = va_alloc(bytes, 1);
        open_engine(&engine, threads);
        memcpy(all, va_search_feed(engine.search, engine.encoder, prompt, 3, NULL), bytes);
        va_token_set_add_range(&wanted, 0, 3);
        va_token_set_add_range(&wanted, 1000, 1100);
        for (int32_t i = 5000; i < 51865; i += 997)
            va_token_set_add(&wanted, i);
        va_token_set_add(&wanted, 51864);
        const int32_t other[] = {1, 2, 3};
        (void)va_search_feed(engine.search, engine.encoder, other, 3, NULL); /* other logits in its place */
        const float *some = va_search_feed(engine.search, engine.encoder, prompt, 3, &wanted);
        int n = 0;
        for (int i = 0; i < 51865; i++)
            if (va_token_set_panel(&wanted, i / VA_PANEL) >> i % VA_PANEL & 1) {
                assert_memory_equal(&some[i], &all[i], sizeof(float));
                n++;
            }
        assert_int_equal(n, 3 + 100 + 49);
        (void)va_search_feed(engine.search, engine.encoder, prompt, 3, &none);
        va_free(all);
        close_engine(&engine);
    }
}

static int is_allowed(int n, int32_t token)
{
    return token % 7 == n % 7 && token < 20000;
}

/* Behind the first token: one in seven of the first 20,000, another seventh at each step. */
static int allow_a_seventh(void *user, const int32_t *tokens, int n, struct va_token_set *ret_allowed)
{
    if (n == 0)
        return 0;
    for (int32_t i = 0; i < 20000; i++)
        if (is_allowed(n, i))
            va_token_set_add(ret_allowed, i);
    return 1;
}

static void forbid_the_others(void *user, const int32_t *tokens, int n, float *logits)
{
    va_rules_apply(user, tokens, n, logits);
    for (int32_t i = 0; n > 0 && i < 51865; i++)
        if (!is_allowed(n, i))
            logits[i] = VA_FORBIDDEN;
}

static const int32_t start_sequence[] = {50258, 50259, 50359, 50363};

static struct va_search_options options_of(struct va_rules *rules)
{
    return (struct va_search_options){
        .prompt = start_sequence, .n_prompt = 4, .beams = 1, .max_tokens = 20, .filter = va_rules_apply, .filter_user = rules};
}

static struct va_hypothesis run(struct engine *engine, const struct va_search_options *options)
{
    struct va_search_result result;
    assert_int_equal(va_search_run(engine->search, engine->encoder, options, &result), 0);
    return *result.best;
}

static void assert_same(const struct va_hypothesis *a, const struct va_hypothesis *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->tokens, b->tokens, (size_t)a->n * sizeof *a->tokens);
    assert_memory_equal(a->logprobs, b->logprobs, (size_t)a->n * sizeof *a->logprobs);
}

/* Greedy, with a guess, beams, samples: as if all logits were computed and the filter forbade the others. */
static void test_a_restricted_search_is_a_filtered_one(void **state)
{
    struct engine engine;
    open_engine(&engine, 2);
    struct va_rules rules = {.model = engine.model};
    for (int beams = 1; beams <= BEAMS; beams += 4)
        for (int warm = 0; warm <= 1; warm++) {
            struct va_search_options filtered = options_of(&rules), restricted = options_of(&rules);
            filtered.filter = forbid_the_others;
            restricted.allowed = allow_a_seventh;
            filtered.beams = restricted.beams = beams;
            filtered.temperature = restricted.temperature = 0.5f * (float)warm;
            struct va_hypothesis a = run(&engine, &filtered), b = run(&engine, &restricted);
            assert_true(a.n > 2);
            assert_same(&a, &b);
            for (int i = 1; i < b.n; i++)
                assert_true(is_allowed(i, b.tokens[i]));
            restricted.guess = a.tokens;
            restricted.n_guess = a.n / 2;
            b = run(&engine, &restricted);
            assert_same(&a, &b);
        }
    close_engine(&engine);
}

static int allow_three(void *user, const int32_t *tokens, int n, struct va_token_set *ret_allowed)
{
    if (n == 0) {
        va_token_set_add(ret_allowed, 1000);
        va_token_set_add(ret_allowed, 2000);
        va_token_set_add(ret_allowed, 3000);
    }
    return 1; /* and then nothing: the end */
}

/* The first token is one of those allowed, and its probability that among all tokens. */
static void test_the_first_probability_is_absolute(void **state)
{
    struct engine engine;
    open_engine(&engine, 1);
    struct va_rules rules = {.model = engine.model};
    struct va_search_options options = options_of(&rules);
    double sum = 0.0;
    options.allowed = allow_three;
    struct va_hypothesis led = run(&engine, &options);
    float *logits = va_alloc(51872, sizeof *logits);
    memcpy(logits, va_search_feed(engine.search, engine.encoder, start_sequence, 4, NULL), 51865 * sizeof *logits);
    va_rules_apply(&rules, NULL, 0, logits);
    for (int i = 0; i < 51865; i++)
        sum += exp(logits[i]);
    assert_int_equal(led.n, 1);
    int32_t best = logits[1000] > logits[2000] ? 1000 : 2000;
    assert_int_equal(led.tokens[0], logits[best] > logits[3000] ? best : 3000);
    assert_float_equal(led.logprobs[0], logits[led.tokens[0]] - log(sum), 1e-4);
    assert_float_equal(led.sum_logprob, led.logprobs[0], 1e-6); /* the end was the only way: it is certain */
    va_free(logits);
    close_engine(&engine);
}

static int allow_all(void *user, const int32_t *tokens, int n, struct va_token_set *ret_allowed)
{
    va_token_set_add_range(ret_allowed, 0, 51865);
    return 1;
}

/* Only tokens 1000, 2000, 1000, 2000 and then the end. */
static int allow_four(void *user, const int32_t *tokens, int n, struct va_token_set *ret_allowed)
{
    va_token_set_add(ret_allowed, n < 4 ? (n % 2 == 0 ? 1000 : 2000) : 50257);
    return 1;
}

/* Tokens 1000, 2000, and then no way on. */
static int allow_dead_end(void *user, const int32_t *tokens, int n, struct va_token_set *ret_allowed)
{
    if (n < 2)
        va_token_set_add(ret_allowed, n == 0 ? 1000 : 2000);
    return 1;
}

/* Where all is allowed, what is found is as likely as what a free search finds, or more: it is chosen by the sum. */
static void test_absolute_sums(void **state)
{
    struct engine engine;
    open_engine(&engine, 1);
    struct va_rules rules = {.model = engine.model};
    struct va_search_options options = options_of(&rules);
    options.beams = BEAMS;
    struct va_hypothesis free = run(&engine, &options);
    options.allowed = allow_all;
    options.absolute = 1;
    options.least_logprob = -1e6f;
    struct va_hypothesis led = run(&engine, &options);
    if (free.ended)
        assert_true(led.ended && led.sum_logprob >= free.sum_logprob - 1e-3f);

    options.allowed = allow_four;
    led = run(&engine, &options);
    const int32_t expected[] = {1000, 2000, 1000, 2000};
    assert_true(led.ended);
    assert_int_equal(led.n, 4);
    assert_memory_equal(led.tokens, expected, sizeof expected);
    assert_true(led.sum_logprob < -4.0f); /* none of them is likely by itself */
    float sum = led.sum_logprob;

    options.least_logprob = sum + 0.1f;
    assert_false(run(&engine, &options).ended);
    options.least_logprob = sum - 0.1f;
    led = run(&engine, &options);
    assert_true(led.ended && led.sum_logprob == sum);

    options.allowed = allow_dead_end;
    options.least_logprob = -1e6f;
    led = run(&engine, &options);
    assert_false(led.ended);
    close_engine(&engine);
}

/* A prompt that is there already gives the same bits as one that is fed. */
static void test_same_prompt(void **state)
{
    int32_t prompt[104];
    for (int i = 0; i < 100; i++)
        prompt[i] = i == 0 ? 50361 : 300 + 7 * i;
    memcpy(prompt + 100, start_sequence, sizeof start_sequence);
    struct engine engine;
    open_engine(&engine, 2);
    struct va_rules rules = {.model = engine.model};
    struct va_search_options options = options_of(&rules);
    options.prompt = prompt;
    options.n_prompt = 104;
    options.start = 100;
    (void)run(&engine, &options);
    struct va_search_options led = options;
    led.beams = BEAMS;
    led.allowed = allow_a_seventh;
    led.absolute = 1;
    led.least_logprob = -1e6f;
    struct va_hypothesis fed = run(&engine, &led);
    led.same_prompt = 1;
    struct va_hypothesis kept = run(&engine, &led);
    assert_true(fed.n > 2);
    assert_same(&fed, &kept);

    /* Another prompt is fed, whatever is said. */
    prompt[50] = 4242;
    kept = run(&engine, &led);
    led.same_prompt = 0;
    fed = run(&engine, &led);
    assert_same(&fed, &kept);
    close_engine(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_logits_have_the_same_bits),
        cmocka_unit_test(test_a_restricted_search_is_a_filtered_one),
        cmocka_unit_test(test_the_first_probability_is_absolute),
        cmocka_unit_test(test_absolute_sums),
        cmocka_unit_test(test_same_prompt),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
