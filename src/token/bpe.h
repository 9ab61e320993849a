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

/* The symbols of a piece are a linked list in an array indexed by where they start; next and previous are such indices. */
struct va_bpe_symbol {
    uint32_t next, previous; /* next of the last: the piece's length */
    int32_t id;              /* -1: swallowed by the one before */
    int32_t joined;          /* id of this and the next together, or -1 */
};

#define VA_BPE_SHORT 128 /* bytes; hardly a word is longer */

/* For pieces of up to n bytes, in `own` or, for very long ones, on the heap. */
struct va_bpe_scratch {
    struct va_bpe_symbol *symbols; /* [n] */
    uint64_t *heap;                /* [3 n] joined id << 32 | start: each join takes one entry off and puts at most two on */
    size_t heap_size;
    struct va_bpe_symbol own_symbols[VA_BPE_SHORT];
    uint64_t own_heap[3 * VA_BPE_SHORT];
};

/* For one thread at a time. VA_ENOMEM. */
VA_MUST_CHECK int va_bpe_scratch_init(struct va_bpe_scratch *scratch, size_t n);
void va_bpe_scratch_free(struct va_bpe_scratch *scratch);

/* piece [n], 0 < n <= the scratch's size -> ids; only the first `capacity` of them are written. Returns how many there are.
 * Takes time in the order of n log n. */
size_t va_bpe_encode(const va_bpe *bpe, struct va_bpe_scratch *scratch, const uint8_t *piece, size_t n, int32_t *ret_ids, size_t capacity);

#endif
