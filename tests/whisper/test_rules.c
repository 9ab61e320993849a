#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "whisper/rules.h"

#define N_VOCAB 51865
#define T0 50364
#define END 50257

static const struct va_special_tokens special = {.end = END, .first_timestamp = T0, .last_timestamp = 51864, .no_timestamps = 50363};
static const int32_t suppress[] = {1, 2, 50258}, suppress_begin[] = {220, END};
static va_model model;
static float logits[N_VOCAB];

/* Rules over logits that are all 0 but `likely`, which is 20. */
static void apply(int timestamps, const int32_t *tokens, int n, int likely)
{
    struct va_rules rules = {.model = &model, .timestamps = timestamps};
    memset(logits, 0, sizeof logits);
    logits[likely] = 20.0f;
    va_rules_apply(&rules, tokens, n, logits);
}

static int allowed(int token)
{
    return logits[token] > VA_FORBIDDEN / 2;
}

static int set_up(void **state)
{
    model = (va_model){.kernels = va_kernels_select("c"),
                       .special = &special,
                       .n_vocab = N_VOCAB,
                       .suppress = suppress,
                       .n_suppress = 3,
                       .suppress_begin = suppress_begin,
                       .n_suppress_begin = 2};
    return 0;
}

static void test_suppression(void **state)
{
    const int32_t tokens[] = {400};
    apply(0, NULL, 0, 400);
    assert_true(allowed(400) && !allowed(220) && !allowed(END) && !allowed(1) && !allowed(50258));
    apply(0, tokens, 1, 400);
    assert_true(allowed(220) && allowed(END) && !allowed(2));
    for (int i = END + 1; i < N_VOCAB; i++)
        assert_false(allowed(i)); /* without timestamps, no mark of any kind */
}

static void test_the_first_token_is_an_early_timestamp(void **state)
{
    apply(1, NULL, 0, 400);
    assert_false(allowed(400));
    assert_true(allowed(T0) && allowed(T0 + 50) && !allowed(T0 + 51));
}

static void test_timestamps_come_in_pairs(void **state)
{
    const int32_t opened[] = {T0}, closed[] = {T0, 400, T0 + 100}, reopened[] = {T0, 400, T0 + 100, T0 + 100};
    apply(1, opened, 1, 400); /* after the opening one: text */
    assert_true(allowed(400) && !allowed(T0 + 60));
    apply(1, closed, 3, T0 + 100); /* after text and one: the next opens at the same time or later, or all ends */
    assert_true(!allowed(400) && !allowed(T0 + 99) && allowed(T0 + 100) && allowed(T0 + 101));
    apply(1, reopened, 4, 400); /* after two: text */
    assert_true(allowed(400) && !allowed(T0 + 200));
}

static void test_timestamps_do_not_go_back_nor_stand_still(void **state)
{
    const int32_t tokens[] = {T0 + 10, 400};
    apply(1, tokens, 2, 401);
    assert_true(allowed(401) && !allowed(T0 + 10) && allowed(T0 + 11));
}

static void test_likely_timestamps_beat_any_one_word(void **state)
{
    const int32_t tokens[] = {T0, 400};
    /* All logits equal: 1,500 timestamps together are likelier than one word. */
    apply(1, tokens, 2, T0 + 300);
    assert_true(!allowed(401) && !allowed(END) && allowed(T0 + 300));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suppression),
        cmocka_unit_test(test_the_first_token_is_an_early_timestamp),
        cmocka_unit_test(test_timestamps_come_in_pairs),
        cmocka_unit_test(test_timestamps_do_not_go_back_nor_stand_still),
        cmocka_unit_test(test_likely_timestamps_beat_any_one_word),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
