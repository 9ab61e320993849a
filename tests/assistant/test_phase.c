#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "assistant/phase.h"

static void every_combination(void **state)
{
    for (unsigned bits = 0; bits < 256; bits++) {
        const struct va_phase_facts facts = {.listens = bits & 1,
                                             .is_awake = bits >> 1 & 1,
                                             .is_hearing = bits >> 2 & 1,
                                             .is_recording = bits >> 3 & 1,
                                             .is_thinking = bits >> 4 & 1,
                                             .n_acting = bits >> 5 & 1,
                                             .is_sounding = bits >> 6 & 1,
                                             .is_private = bits >> 7 & 1};
        enum va_phase expected = facts.is_private                         ? VA_PHASE_PRIVACY
                                 : facts.is_sounding                      ? VA_PHASE_SPEAKING
                                 : facts.n_acting                         ? VA_PHASE_ACTING
                                 : facts.is_thinking                      ? VA_PHASE_THINKING
                                 : facts.is_hearing || facts.is_recording ? VA_PHASE_LISTENING
                                 : facts.is_awake                         ? VA_PHASE_WAKE
                                 : facts.listens                          ? VA_PHASE_IDLE
                                                                          : VA_PHASE_OFF;
        assert_int_equal(va_phase_of(&facts), expected);
    }
}

struct step {
    enum va_fact fact;
    int value;
    enum va_phase phase;
};

static void walk(const struct step *steps, size_t n)
{
    struct va_phase_facts facts = {0};

    for (size_t i = 0; i < n; i++) {
        va_phase_note(&facts, steps[i].fact, steps[i].value);
        if (va_phase_of(&facts) != steps[i].phase)
            fail_msg("step %zu: %s, not %s", i, va_phase_name(va_phase_of(&facts)), va_phase_name(steps[i].phase));
    }
}

#define WALK(steps) walk(steps, sizeof(steps) / sizeof((steps)[0]))

static void from_the_word_to_the_reply(void **state)
{
    static const struct step steps[] = {
        {VA_FACT_LISTENS, 1, VA_PHASE_IDLE},      {VA_FACT_AWAKE, 1, VA_PHASE_WAKE},         {VA_FACT_HEARING, 1, VA_PHASE_LISTENING},
        {VA_FACT_THINKING, 1, VA_PHASE_THINKING}, {VA_FACT_THINKING, 0, VA_PHASE_LISTENING}, {VA_FACT_THINKING, 1, VA_PHASE_THINKING},
        {VA_FACT_ACTING, 1, VA_PHASE_ACTING},     {VA_FACT_HEARING, 0, VA_PHASE_ACTING},     {VA_FACT_AWAKE, 0, VA_PHASE_ACTING},
        {VA_FACT_ACTING, 1, VA_PHASE_ACTING},     {VA_FACT_ACTING, -1, VA_PHASE_ACTING},     {VA_FACT_SOUNDING, 1, VA_PHASE_SPEAKING},
        {VA_FACT_ACTING, -1, VA_PHASE_SPEAKING},  {VA_FACT_SOUNDING, 0, VA_PHASE_IDLE},      {VA_FACT_LISTENS, 0, VA_PHASE_OFF},
    };
    WALK(steps);
}

static void what_ends_with_something_else(void **state)
{
    static const struct step steps[] = {
        {VA_FACT_LISTENS, 1, VA_PHASE_IDLE},      {VA_FACT_AWAKE, 1, VA_PHASE_WAKE},      {VA_FACT_HEARING, 1, VA_PHASE_LISTENING},
        {VA_FACT_THINKING, 1, VA_PHASE_THINKING}, {VA_FACT_AWAKE, 0, VA_PHASE_IDLE},      {VA_FACT_HEARING, 1, VA_PHASE_LISTENING},
        {VA_FACT_THINKING, 1, VA_PHASE_THINKING}, {VA_FACT_PRIVATE, 1, VA_PHASE_PRIVACY}, {VA_FACT_LISTENS, 0, VA_PHASE_PRIVACY},
        {VA_FACT_PRIVATE, 0, VA_PHASE_OFF},       {VA_FACT_LISTENS, 1, VA_PHASE_IDLE},    {VA_FACT_THINKING, 1, VA_PHASE_IDLE},
    };
    WALK(steps);
}

static void a_recording_is_not_what_is_listened_to(void **state)
{
    static const struct step steps[] = {
        {VA_FACT_RECORDING, 1, VA_PHASE_LISTENING}, {VA_FACT_LISTENS, 1, VA_PHASE_LISTENING}, {VA_FACT_HEARING, 1, VA_PHASE_LISTENING},
        {VA_FACT_HEARING, 0, VA_PHASE_LISTENING},   {VA_FACT_LISTENS, 0, VA_PHASE_LISTENING}, {VA_FACT_RECORDING, 0, VA_PHASE_OFF},
    };
    WALK(steps);
}

static void names(void **state)
{
    static const char *const expected[] = {"off", "idle", "wake", "listening", "thinking", "acting", "speaking", "privacy"};

    for (int i = VA_PHASE_OFF; i <= VA_PHASE_PRIVACY; i++)
        assert_string_equal(va_phase_name((enum va_phase)i), expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination),
        cmocka_unit_test(from_the_word_to_the_reply),
        cmocka_unit_test(what_ends_with_something_else),
        cmocka_unit_test(a_recording_is_not_what_is_listened_to),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
