/* vocabulary.h - a tokenizer of the 256 bytes and a few joined words, for tests. */
#ifndef VA_TESTS_INTENT_VOCABULARY_H
#define VA_TESTS_INTENT_VOCABULARY_H

#include <string.h>

#include "token/tokenizer.h"

/* Behind the bytes, in the order of their ids: the later, the rarer. */
static const char *const vocabulary_joins[] = {" t", "he", "th", " a", " o", "on", " on", "or"};

#define VOCABULARY_N (256 + (int)(sizeof vocabulary_joins / sizeof vocabulary_joins[0]))

struct vocabulary {
    uint8_t bytes[512];
    uint32_t ends[VOCABULARY_N];
    va_tokenizer *tokenizer;
};

static inline void vocabulary_open(struct vocabulary *v)
{
    uint32_t used = 0;

    for (int id = 0; id < VOCABULARY_N; id++) {
        const uint8_t byte = (uint8_t)id;
        const void *bytes = id < 256 ? (const void *)&byte : vocabulary_joins[id - 256];
        size_t n = id < 256 ? 1 : strlen(vocabulary_joins[id - 256]);
        memcpy(v->bytes + used, bytes, n);
        used += (uint32_t)n;
        v->ends[id] = used;
    }
    assert_int_equal(va_tokenizer_new(v->bytes, used, v->ends, VOCABULARY_N, 51865, &v->tokenizer, NULL), 0);
}

#endif
