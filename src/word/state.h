/* state.h - what a word model holds. */
#ifndef VA_WORD_STATE_H
#define VA_WORD_STATE_H

#include <math.h>

#include "word/word.h"

enum {
    VA_WORD_MAX_WRITINGS = 8,
    VA_WORD_MAX_FRAMES = VA_WORD_LONGEST / 320, /* of a template */
    VA_WORD_PAD = 10,                           /* frames of a span before and behind a word */
    VA_WORD_MAX_COLUMNS = VA_WORD_MAX_SAMPLES * VA_WORD_MAX_FRAMES
};

struct va_word_model {
    const va_model *model;
    int language; /* index */
    char *text;
    struct va_token_sequence writings[VA_WORD_MAX_WRITINGS]; /* [n_writings], at least one */
    int n_writings;
    float noise_logprob; /* of all writings together, in noise */
    size_t span_samples;

    /* The samples' speech; none of a word from its text. A row is standardised (minus mean, times scale) and of length 1. */
    int n_templates, n_columns;      /* rows of all templates, rounded up to whole panels */
    int frames[VA_WORD_MAX_SAMPLES]; /* of each template */
    float *mean, *scale;             /* [d] */
    float *panels;                   /* [n_columns / VA_PANEL][d][VA_PANEL]: the templates' rows one after the other, then zeros */
};

/* log(exp(a) + exp(b)) */
static inline float va_word_add_logs(float a, float b)
{
    return fmaxf(a, b) + log1pf(expf(-fabsf(a - b)));
}

/* Languages written without spaces, where any token may follow a word. */
int va_word_any_end(const va_word_model *word);

/* Index of the language, or VA_EINVAL. */
int va_word_language(const va_model *model, const char *language, va_error *error);

/* log of the probability that the encoder's last run begins with a writing of the word. The context has a scorer. */
float va_word_writing_logprob(va_context *context, const va_word_model *word, const int32_t *before, int n_before);

/* Sets the text from the first writing. VA_ENOMEM. */
int va_word_set_text(va_word_model *word, va_error *error);

/* Sets what depends on the writings alone: text, noise_logprob. Runs the encoder. VA_ENOMEM. */
int va_word_finish_writings(va_context *context, va_word_model *word, va_error *error);

#endif
