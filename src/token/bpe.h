/* bpe.h - byte-pair encoding where a token's id is its rank: bytes are joined as long as a joined pair is a token, the pair with
 * the lowest id first. */
#ifndef VA_TOKEN_BPE_H
#define VA_TOKEN_BPE_H

#include "base/error.h"

typedef struct va_bpe va_bpe;

/* bytes, ends [n]: as va_tokenizer_new has them, checked; they must outlive the object. Immutable after _new: any thread.
 * VA_EFORMAT when one of the 256 single bytes is not a token. */
VA_MUST_CHECK int va_bpe_new(const uint8_t *bytes, const uint32_t *ends, int n, va_bpe **ret_bpe, va_error *error);
void va_bpe_free(va_bpe *bpe);
size_t va_bpe_longest(const va_bpe *bpe); /* bytes of the longest token */

/* Scratch for pieces of up to n bytes: for one thread at a time. NULL when out of memory. */
struct va_bpe_scratch;
struct va_bpe_scratch *va_bpe_scratch_new(size_t n);
void va_bpe_scratch_free(struct va_bpe_scratch *scratch);

/* piece [n], 0 < n <= the scratch's size -> ids; only the first `capacity` of them are written. Returns how many there are.
 * Takes time in the order of n log n. */
size_t va_bpe_encode(const va_bpe *bpe, struct va_bpe_scratch *scratch, const uint8_t *piece, size_t n, int32_t *ret_ids, size_t capacity);

#endif
