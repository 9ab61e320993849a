/* transcript.h - a va_transcript while it grows, and handed over. One thread.
 *
 * It grows in lists that belong to the context and are kept from one transcription to the next, and is handed over as one block of
 * memory: that block is all that a transcription allocates. */
#ifndef VA_WHISPER_TRANSCRIPT_H
#define VA_WHISPER_TRANSCRIPT_H

#include "token/tokenizer.h"

/* Longest text of a transcript, in bytes: a day of speech. */
#define VA_TRANSCRIPT_MAX_TEXT (64u << 20)

struct va_transcript_builder {
    va_transcript head;               /* what is not in the lists */
    struct va_buffer segments;        /* of va_segment, in order; what they point to is in the other lists, in the same order */
    struct va_buffer tokens;          /* of int32_t */
    struct va_buffer logprobs;        /* of float, one for each token */
    struct va_buffer words;           /* of va_word */
    struct va_buffer text, word_text; /* each one's text and a NUL */
    struct va_buffer command;         /* command_text and a NUL, or empty */
    double sum_logprob;               /* over all text tokens */
    size_t n_tokens;
};

/* Lists with room for a window, so that a clip never needs more. VA_ENOMEM. */
VA_MUST_CHECK int va_transcript_init(struct va_transcript_builder *builder);
void va_transcript_discard(struct va_transcript_builder *builder);

/* Empties the lists for a new transcript, and keeps their memory. */
void va_transcript_begin(struct va_transcript_builder *builder);

/* tokens [n] may hold timestamps, which are left out; logprobs [n]. segment gives times and measures; the rest is filled here. A segment
 * without text is skipped: *ret_added says whether it was. VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_transcript_add(struct va_transcript_builder *builder, const va_tokenizer *tokenizer, const struct va_segment *segment,
                                    const int32_t *tokens, const float *logprobs, int n, int *ret_added, va_error *error);

/* Copies words [n] to a segment that has none; segments in rising order. VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_transcript_add_words(struct va_transcript_builder *builder, size_t segment, const struct va_word *words, size_t n,
                                          va_error *error);

/* Sets command_text to that of tokens [n]. VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_transcript_set_command(struct va_transcript_builder *builder, const va_tokenizer *tokenizer, const int32_t *tokens,
                                            int n);

/* The transcript, in a block of its own. VA_ENOMEM. */
VA_MUST_CHECK int va_transcript_end(struct va_transcript_builder *builder, va_transcript **ret_transcript, va_error *error);

#endif
