#include "token/bpe.h"

#include <string.h>

#include "base/memory.h"

#define NONE (-1)
#define SLOTS 131072u /* a power of two, more than twice the tokens */

struct va_bpe {
    const uint8_t *bytes;
    const uint32_t *ends;
    size_t longest;
    int32_t byte_ids[256];
    uint16_t slots[SLOTS]; /* id + 1 by hash of the bytes, open addressing; 0: free */
};

static uint32_t hash_bytes(const uint8_t *p, size_t n)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * 16777619u;
    return (hash ^ hash >> 15) & (SLOTS - 1);
}

static const uint8_t *token_bytes(const va_bpe *bpe, int32_t id, size_t *ret_n)
{
    uint32_t start = id == 0 ? 0 : bpe->ends[id - 1];

    *ret_n = bpe->ends[id] - start;
    return bpe->bytes + start;
}

/* The slot that holds these bytes, or the free one where they belong. */
static uint32_t find_slot(const va_bpe *bpe, const uint8_t *p, size_t n)
{
    uint32_t slot = hash_bytes(p, n);

    for (; bpe->slots[slot] != 0; slot = (slot + 1) & (SLOTS - 1)) {
        size_t length;
        const uint8_t *token = token_bytes(bpe, bpe->slots[slot] - 1, &length);
        if (length == n && memcmp(token, p, n) == 0)
            break;
    }
    return slot;
}

static int32_t find(const va_bpe *bpe, const uint8_t *p, size_t n)
{
    if (n > bpe->longest)
        return NONE;
    return (int32_t)bpe->slots[find_slot(bpe, p, n)] - 1;
}

int va_bpe_new(const uint8_t *bytes, const uint32_t *ends, int n, va_bpe **ret_bpe, va_error *error)
{
    if (n < 256 || (uint32_t)n > SLOTS / 2 || n > UINT16_MAX)
        return va_fail(error, VA_EFORMAT, "a vocabulary of %d tokens", n);
    va_bpe *bpe = va_calloc(1, sizeof *bpe);
    if (bpe == NULL)
        return va_fail_memory(error);
    bpe->bytes = bytes;
    bpe->ends = ends;
    for (int32_t id = 0; id < n; id++) {
        size_t length;
        const uint8_t *token = token_bytes(bpe, id, &length);
        if (length == 0)
            continue;
        uint32_t slot = find_slot(bpe, token, length);
        if (bpe->slots[slot] == 0)
            bpe->slots[slot] = (uint16_t)(id + 1);
        if (length > bpe->longest)
            bpe->longest = length;
    }
    for (int i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        bpe->byte_ids[i] = find(bpe, &byte, 1);
        if (bpe->byte_ids[i] == NONE) {
            va_bpe_free(bpe);
            return va_fail(error, VA_EFORMAT, "the vocabulary has no token for byte %d", i);
        }
    }
    *ret_bpe = bpe;
    return 0;
}

void va_bpe_free(va_bpe *bpe)
{
    va_free(bpe);
}

size_t va_bpe_longest(const va_bpe *bpe)
{
    return bpe->longest;
}

int va_bpe_scratch_init(struct va_bpe_scratch *scratch, size_t n)
{
    scratch->symbols = scratch->own_symbols;
    scratch->heap = scratch->own_heap;
    if (n <= VA_BPE_SHORT)
        return 0;
    scratch->symbols = va_alloc(n, sizeof *scratch->symbols);
    scratch->heap = n <= SIZE_MAX / 3 ? va_alloc(3 * n, sizeof *scratch->heap) : NULL;
    if (scratch->symbols == NULL || scratch->heap == NULL) {
        va_bpe_scratch_free(scratch);
        return VA_ENOMEM;
    }
    return 0;
}

void va_bpe_scratch_free(struct va_bpe_scratch *scratch)
{
    if (scratch->symbols != scratch->own_symbols)
        va_free(scratch->symbols);
    if (scratch->heap != scratch->own_heap)
        va_free(scratch->heap);
}

static void heap_push(struct va_bpe_scratch *scratch, uint64_t entry)
{
    size_t i = scratch->heap_size++;

    for (; i > 0 && scratch->heap[(i - 1) / 2] > entry; i = (i - 1) / 2)
        scratch->heap[i] = scratch->heap[(i - 1) / 2];
    scratch->heap[i] = entry;
}

static uint64_t heap_pop(struct va_bpe_scratch *scratch)
{
    uint64_t *heap = scratch->heap, top = heap[0];
    size_t n = --scratch->heap_size, i = 0;
    uint64_t last = heap[n];

    for (size_t child = 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= last)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

/* Looks up what the symbol at `at` and its next would join to. */
static void offer(const va_bpe *bpe, struct va_bpe_scratch *scratch, const uint8_t *piece, size_t n, uint32_t at)
{
    struct va_bpe_symbol *symbol = &scratch->symbols[at];

    symbol->joined = NONE;
    if (symbol->next >= n)
        return;
    symbol->joined = find(bpe, piece + at, scratch->symbols[symbol->next].next - at);
    if (symbol->joined != NONE)
        heap_push(scratch, (uint64_t)symbol->joined << 32 | at);
}

static void join(const va_bpe *bpe, struct va_bpe_scratch *scratch, const uint8_t *piece, size_t n, uint32_t at)
{
    struct va_bpe_symbol *symbols = scratch->symbols, *symbol = &symbols[at], *next = &symbols[symbol->next];

    symbol->id = symbol->joined;
    symbol->next = next->next;
    next->id = next->joined = NONE;
    if (symbol->next < n)
        symbols[symbol->next].previous = at;
    offer(bpe, scratch, piece, n, at);
    if (at > 0)
        offer(bpe, scratch, piece, n, symbol->previous);
}

size_t va_bpe_encode(const va_bpe *bpe, struct va_bpe_scratch *scratch, const uint8_t *piece, size_t n, int32_t *ret_ids, size_t capacity)
{
    struct va_bpe_symbol *symbols = scratch->symbols;
    int32_t whole = find(bpe, piece, n);
    size_t count = 0;

    if (whole != NONE) {
        if (capacity > 0)
            ret_ids[0] = whole;
        return 1;
    }
    scratch->heap_size = 0;
    for (uint32_t i = 0; i < n; i++)
        symbols[i] = (struct va_bpe_symbol){.next = i + 1, .previous = i - 1, .id = bpe->byte_ids[piece[i]], .joined = NONE};
    for (uint32_t i = 0; i < n; i++)
        offer(bpe, scratch, piece, n, i);
    while (scratch->heap_size > 0) {
        uint64_t entry = heap_pop(scratch);
        uint32_t at = (uint32_t)entry;
        if (symbols[at].joined == (int32_t)(entry >> 32)) /* else the neighbours have changed since */
            join(bpe, scratch, piece, n, at);
    }
    for (uint32_t i = 0; i < n; i = symbols[i].next) {
        if (count < capacity)
            ret_ids[count] = symbols[i].id;
        count++;
    }
    return count;
}
