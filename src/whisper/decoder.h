/* decoder.h - one pass of the text decoder over a few rows: tokens in, logits out.
 *
 *     token + position -> [m, d] -> layers (causal self-attention over the cache, cross-attention over the encoder's rows, MLP)
 *                      -> norm -> logits [m, V] = x . E^T
 *
 * A row is one token of one hypothesis. The self-attention cache has a slot for each (position, beam); a row carries the list of slots
 * that its hypothesis went through, so that a beam that changes its parent copies a list of numbers, never keys and values.
 * One object per context; no allocation after _new. */
#ifndef VA_WHISPER_DECODER_H
#define VA_WHISPER_DECODER_H

#include "whisper/encoder.h"
#include "whisper/token_set.h"

#define VA_DECODER_MAX_ROWS 64 /* of one pass; longer prompts take several */

typedef struct va_decoder va_decoder;

struct va_decoder_row {
    int32_t token;
    int position;         /* 0 .. text_ctx - 1 */
    int logits;           /* 1: this row's logits are wanted */
    const int32_t *slots; /* [position + 1] cache slots of positions 0 .. position; the last is where this row writes */
};

/* beams: hypotheses that can live side by side (slots = beams * text_ctx); slot of (beam, position) is beam * text_ctx + position,
 * so that room for beams that are not used costs no memory. */
VA_MUST_CHECK int va_decoder_new(const va_model *model, va_pool *pool, int beams, va_decoder **ret_decoder, va_error *error);
void va_decoder_free(va_decoder *decoder);
int va_decoder_beams(const va_decoder *decoder);

/* Runs rows [m], 1 <= m <= VA_DECODER_MAX_ROWS, over the encoder's last run. Rows of one hypothesis must be in order of position.
 * ret_logits [number of rows that want them][va_decoder_logits_size]: of row i at the count of wanting rows before it. `tokens` says of
 * which tokens logits are wanted, NULL: of all; others may be left as they were, and those that are computed have the same bits. */
void va_decoder_run(va_decoder *decoder, const va_encoder *encoder, const struct va_decoder_row *rows, int m,
                    const struct va_token_set *tokens, float *ret_logits);

/* Row stride of logits: the vocabulary rounded up to whole panels. */
int va_decoder_logits_size(const va_decoder *decoder);

/* From now on, each run also writes the alignment heads' raw cross-attention products q . k: row i of the run goes to
 * capture + ((size_t)head * capacity + first + i) * frames, head = index in the model's alignment list, and first grows by m.
 * NULL switches it off. */
void va_decoder_capture(va_decoder *decoder, float *capture, int capacity);

#endif
