/* token_set.h - which tokens, as one bit each. A panel of the embedding, VA_PANEL tokens, is a quarter of a word. Pure; any thread. */
#ifndef VA_WHISPER_TOKEN_SET_H
#define VA_WHISPER_TOKEN_SET_H

#include <string.h>

#include "kernels/kernels.h"

#define VA_TOKEN_SET_SIZE 51904 /* the largest vocabulary in whole words of bits */

struct va_token_set {
    uint64_t bits[VA_TOKEN_SET_SIZE / 64];
};

static inline void va_token_set_clear(struct va_token_set *set)
{
    memset(set, 0, sizeof *set);
}

/* 0 <= token < VA_TOKEN_SET_SIZE */
static inline void va_token_set_add(struct va_token_set *set, int32_t token)
{
    set->bits[token / 64] |= (uint64_t)1 << (token % 64);
}

/* first .. end - 1 */
static inline void va_token_set_add_range(struct va_token_set *set, int32_t first, int32_t end)
{
    for (; first < end && first % 64 != 0; first++)
        va_token_set_add(set, first);
    for (; first + 64 <= end; first += 64)
        set->bits[first / 64] = UINT64_MAX;
    for (; first < end; first++)
        va_token_set_add(set, first);
}

static inline void va_token_set_add_all(struct va_token_set *set, const struct va_token_set *other)
{
    for (size_t i = 0; i < sizeof set->bits / sizeof set->bits[0]; i++)
        set->bits[i] |= other->bits[i];
}

static inline int va_token_set_is_empty(const struct va_token_set *set)
{
    uint64_t any = 0;
    for (size_t i = 0; i < sizeof set->bits / sizeof set->bits[0]; i++)
        any |= set->bits[i];
    return any == 0;
}

/* Bit j: token panel * VA_PANEL + j is in the set. */
static inline unsigned va_token_set_panel(const struct va_token_set *set, int panel)
{
    return (unsigned)(set->bits[panel / 4] >> (panel % 4 * VA_PANEL)) & 0xffff;
}

#endif
