/* acoustic.h - encoder rows beside those of enrolled samples: dynamic time warping of each sample anywhere in a span.
 *
 * Whisper's rows of the same word by different people differ less than those of different words, once each of their dimensions has the same
 * weight: the samples' own mean and deviation give it. Pure but for the allocations. */
#ifndef VA_WORD_ACOUSTIC_H
#define VA_WORD_ACOUSTIC_H

#include "word/state.h"

/* Encoder rows of a sample; those of the speech in it are first .. end - 1. */
struct va_word_rows {
    const float *rows; /* [frames][d] */
    int frames, first, end;
};

/* Makes the templates of samples [n], each with at least one row of speech. VA_ENOMEM; the word is then fit for va_word_free only. */
VA_MUST_CHECK int va_word_make_templates(va_word_model *word, const struct va_word_rows *samples, int n, va_error *error);

struct va_word_place {
    float distance; /* mean of 1 - cosine along the path, 0..2 */
    int start, end; /* frames start .. end - 1 */
};

/* Where in rows [frames][d] each template fits best: ret_places [n_templates]. frames <= VA_WORD_MAX_SPAN / 320 or what a sample has.
 * VA_ENOMEM. */
VA_MUST_CHECK int va_word_find(const va_word_model *word, const float *rows, int frames, struct va_word_place *ret_places, va_error *error);

/* What the places [n] say together: the mean of the two smallest distances, and the best one's place. */
struct va_word_place va_word_agree(const struct va_word_place *places, int n);

#endif
