#include "token/tokenizer.h"

#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "token/bpe.h"
#include "token/split.h"

#define VOCAB_ENGLISH 51864
#define VOCAB_MULTILINGUAL 51865
#define VOCAB_YUE 51866

#define REPLACEMENT_BYTES 3 /* of U+FFFD */

struct va_tokenizer {
    const uint8_t *bytes;
    const uint32_t *ends; /* [n_text] */
    int n_text;
    struct va_special_tokens special;
    va_bpe *bpe;
};

/* The special tokens follow the text tokens in one order in all models; only where they begin and how many languages differ. */
static void number_specials(int n_vocab, struct va_special_tokens *ret_special)
{
    struct va_special_tokens *s = ret_special;

    s->multilingual = n_vocab != VOCAB_ENGLISH;
    s->n_languages = n_vocab == VOCAB_YUE ? 100 : 99;
    s->end = s->multilingual ? 50257 : 50256;
    s->start = s->end + 1;
    s->first_language = s->start + 1;
    s->translate = s->first_language + s->n_languages;
    s->transcribe = s->translate + 1;
    s->start_of_lm = s->translate + 2;
    s->start_of_prev = s->translate + 3;
    s->no_speech = s->translate + 4;
    s->no_timestamps = s->translate + 5;
    s->first_timestamp = s->translate + 6;
    s->last_timestamp = s->first_timestamp + 1500;
}

int va_tokenizer_new(const uint8_t *bytes, size_t n_bytes, const uint32_t *ends, int n_text, int n_vocab, va_tokenizer **ret_tokenizer,
                     va_error *error)
{
    struct va_special_tokens special;
    uint32_t before = 0;

    if (n_vocab < VOCAB_ENGLISH || n_vocab > VOCAB_YUE)
        return va_fail(error, VA_EFORMAT, "%d tokens: not a Whisper vocabulary", n_vocab);
    number_specials(n_vocab, &special);
    if (n_text < 256 || n_text > special.end)
        return va_fail(error, VA_EFORMAT, "%d ordinary tokens among %d: not a Whisper vocabulary", n_text, n_vocab);
    for (int i = 0; i < n_text; i++) {
        if (ends[i] < before || ends[i] > n_bytes)
            return va_fail(error, VA_EFORMAT, "the vocabulary is damaged at token %d", i);
        before = ends[i];
    }

    va_tokenizer *tokenizer = va_calloc(1, sizeof *tokenizer);
    if (tokenizer == NULL)
        return va_fail_memory(error);
    *tokenizer = (va_tokenizer){.bytes = bytes, .ends = ends, .n_text = n_text, .special = special};
    int r = va_bpe_new(bytes, ends, n_text, &tokenizer->bpe, error);
    if (r < 0) {
        va_tokenizer_free(tokenizer);
        return r;
    }
    *ret_tokenizer = tokenizer;
    return 0;
}

void va_tokenizer_free(va_tokenizer *tokenizer)
{
    if (tokenizer == NULL)
        return;
    va_bpe_free(tokenizer->bpe);
    va_free(tokenizer);
}

const struct va_special_tokens *va_tokenizer_special(const va_tokenizer *tokenizer)
{
    return &tokenizer->special;
}

int va_tokenizer_encode(const va_tokenizer *tokenizer, const char *text, int32_t *ret_ids, size_t capacity)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t n = strlen(text), longest = 0, count = 0, length;
    struct va_bpe_scratch scratch;

    if (capacity > INT_MAX)
        capacity = INT_MAX;
    if (n / va_bpe_longest(tokenizer->bpe) > capacity) /* too many, whatever the text */
        return VA_ELIMIT;
    for (size_t at = 0; at < n; at += length) {
        length = va_split_next(p + at, n - at);
        longest = length > longest ? length : longest;
    }
    int r = va_bpe_scratch_init(&scratch, longest);
    if (r < 0)
        return r;
    for (size_t at = 0; at < n && count <= capacity; at += length) {
        length = va_split_next(p + at, n - at);
        count += va_bpe_encode(tokenizer->bpe, &scratch, p + at, length, ret_ids + count, capacity - count);
    }
    va_bpe_scratch_free(&scratch);
    return count <= capacity ? (int)count : VA_ELIMIT;
}

const uint8_t *va_tokenizer_bytes(const va_tokenizer *tokenizer, int32_t id, size_t *ret_length)
{
    *ret_length = 0;
    if (id < 0 || id >= tokenizer->n_text)
        return tokenizer->bytes;
    uint32_t start = id == 0 ? 0 : tokenizer->ends[id - 1];
    *ret_length = tokenizer->ends[id] - start;
    return tokenizer->bytes + start;
}

static size_t broken_length(const uint8_t *raw, size_t n)
{
    size_t length = 1;

    while (length < n && length < 3 && raw[0] >= 0xc0 && (raw[length] & 0xc0) == 0x80)
        length++;
    return length;
}

/* Copies raw [n] to ret_text as valid UTF-8 without NUL, and ends it; ret_text has room for 3 n + 1 bytes, and raw may be the n before the
 * last of them. A character that was begun and not ended becomes one U+FFFD, as does any other byte that does not fit. Returns the length.
 */
static size_t mend(const uint8_t *raw, size_t n, char *ret_text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t length, size = 0;

    for (size_t at = 0; at < n; at += length) {
        uint32_t code;
        length = (size_t)va_utf8_next((const char *)raw + at, n - at, &code);
        if (length > 0 && code != 0) {
            memmove(ret_text + size, raw + at, length);
            size += length;
        } else {
            length = length > 0 ? length : broken_length(raw + at, n - at);
            memcpy(ret_text + size, replacement, REPLACEMENT_BYTES);
            size += REPLACEMENT_BYTES;
        }
    }
    ret_text[size] = '\0';
    return size;
}

int va_tokenizer_decode(const va_tokenizer *tokenizer, const int32_t *ids, size_t n, struct va_buffer *text)
{
    size_t raw_bytes = 0, length, at = 0;

    for (size_t i = 0; i < n; i++) {
        va_tokenizer_bytes(tokenizer, ids[i], &length);
        raw_bytes += length;
    }
    int r = va_buffer_reserve(text, REPLACEMENT_BYTES * raw_bytes);
    if (r < 0)
        return r;
    /* At the end of the room: the mended text, which may be longer, never overtakes what is still to be read. */
    uint8_t *raw = (uint8_t *)text->data + text->size + (REPLACEMENT_BYTES - 1) * raw_bytes;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *token = va_tokenizer_bytes(tokenizer, ids[i], &length);
        memcpy(raw + at, token, length);
        at += length;
    }
    text->size += mend(raw, raw_bytes, text->data + text->size);
    return 0;
}
