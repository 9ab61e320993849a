/* transcript.h - a va_transcript while it grows. One thread. */
#ifndef VA_WHISPER_TRANSCRIPT_H
#define VA_WHISPER_TRANSCRIPT_H

#include "token/tokenizer.h"

/* Longest text of a transcript, in bytes: a day of speech. */
#define VA_TRANSCRIPT_MAX_TEXT (64u << 20)

struct va_transcript_builder {
    va_transcript *transcript;
    size_t capacity;    /* of segments */
    double sum_logprob; /* over all text tokens */
    size_t n_tokens;
};

VA_MUST_CHECK int va_transcript_begin(struct va_transcript_builder *builder, va_error *error);

/* tokens [n] may hold timestamps, which are left out; logprobs [n]. segment gives times and measures; the rest is filled here. A segment
 * without text is skipped: *ret_added says whether it was. */
VA_MUST_CHECK int va_transcript_add(struct va_transcript_builder *builder, const va_tokenizer *tokenizer, const struct va_segment *segment,
                                    const int32_t *tokens, const float *logprobs, int n, int *ret_added, va_error *error);

/* Words of the segment added last; the transcript takes words [n] and their texts over, on failure too. */
void va_transcript_set_words(struct va_transcript_builder *builder, size_t segment, struct va_word *words, size_t n);

/* Joins the text. The builder is empty afterwards. */
VA_MUST_CHECK int va_transcript_end(struct va_transcript_builder *builder, va_transcript **ret_transcript, va_error *error);
void va_transcript_abandon(struct va_transcript_builder *builder);

#endif
