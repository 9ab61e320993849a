/* Stand-ins for what finds words: a sample of WORD_MARK + i is the end of fetched word i, one of OWN_MARK that of all own words. */
#include "word_double.h"

#include "base/memory.h"
#include "wake/wake.h"
#include "word/word.h"

float word_double_sensitivity;

struct va_wake {
    size_t n;
    uint64_t heard;
};

int va_wake_new(const struct va_wake_word *words, size_t n, va_wake **ret_wake, va_error *error)
{
    (void)words;
    *ret_wake = va_calloc(1, sizeof **ret_wake);
    if (*ret_wake == NULL)
        return va_fail_memory(error);
    (*ret_wake)->n = n;
    return 0;
}

void va_wake_free(va_wake *wake)
{
    va_free(wake);
}

void va_wake_push(va_wake *wake, const float *pcm, size_t n, va_wake_event_fn on_event, void *user)
{
    for (size_t i = 0; i < n; i++) {
        wake->heard++;
        if (pcm[i] < WORD_MARK || (size_t)(pcm[i] - WORD_MARK) >= wake->n)
            continue;
        uint64_t start = wake->heard > 8000 ? wake->heard - 8000 : 0;
        const struct va_wake_event event = {.word = (size_t)(pcm[i] - WORD_MARK), .score = 0.75f, .start = start, .end = wake->heard};
        on_event(user, &event);
    }
}

int va_wake_set_sensitivity(va_wake *wake, size_t word, float sensitivity, va_error *error)
{
    word_double_sensitivity = sensitivity;
    return wake == NULL || word >= wake->n ? va_fail(error, VA_EINVAL, "there is no such word") : 0;
}

void va_wake_skip(va_wake *wake, uint64_t n)
{
    wake->heard += n;
}

size_t va_word_span_samples(const va_word_model *word)
{
    (void)word;
    return OWN_SPAN;
}

int va_word_judge(va_context *context, const va_word_model *const *words, size_t n_words, const float *pcm, size_t n,
                  struct va_word_score *ret_scores, va_error *error)
{
    (void)words;
    if (context == NULL || n > VA_WORD_MAX_SPAN)
        return va_fail(error, VA_EINVAL, "not what word.h wants");
    for (size_t w = 0; w < n_words; w++) {
        ret_scores[w] = (struct va_word_score){.score = 0.25f, .end_samples = n};
        for (size_t i = 0; i < n; i++)
            if (pcm[i] == OWN_MARK)
                ret_scores[w] = (struct va_word_score){.score = 0.625f, .end_samples = i + 1};
    }
    return 0;
}
