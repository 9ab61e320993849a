/* tokenizer.h - Whisper's tokens: byte-level BPE and the special ids.
 *
 * The vocabulary is a table of byte strings; a token's id is its merge rank. The tokenizer keeps a pointer to that table (in the
 * mapped model file) and builds a small index for encoding. Immutable after _new: any number of threads. */
#ifndef VA_TOKEN_TOKENIZER_H
#define VA_TOKEN_TOKENIZER_H

#include "base/buffer.h"

typedef struct va_tokenizer va_tokenizer;

/* bytes: the tokens' raw bytes one after the other; ends [n_text]: where each one ends. n_text ordinary tokens (ids 0 .. n_text-1);
 * n_vocab as the model has it (51864 for .en, 51865 multilingual, 51866 with yue). The arrays must outlive the tokenizer.
 * VA_EFORMAT when sizes do not fit a Whisper vocabulary. */
VA_MUST_CHECK int va_tokenizer_new(const uint8_t *bytes, size_t n_bytes, const uint32_t *ends, int n_text, int n_vocab,
                                   va_tokenizer **ret_tokenizer, va_error *error);
void va_tokenizer_free(va_tokenizer *tokenizer);

struct va_special_tokens {
    int end;            /* <|endoftext|> */
    int start;          /* <|startoftranscript|> */
    int first_language; /* en */
    int n_languages;    /* 99, or 100 with yue */
    int translate, transcribe;
    int start_of_lm, start_of_prev;
    int no_speech;
    int no_timestamps;
    int first_timestamp; /* <|0.00|>; one each 0.02 s */
    int last_timestamp;  /* <|30.00|> */
    int multilingual;    /* 0 for .en: language and task tokens are not used */
};
const struct va_special_tokens *va_tokenizer_special(const va_tokenizer *tokenizer);

/* UTF-8 text -> ids. ret_ids [capacity]. Returns the count, VA_ELIMIT when there are more than capacity, VA_ENOMEM. */
VA_MUST_CHECK int va_tokenizer_encode(const va_tokenizer *tokenizer, const char *text, int32_t *ret_ids, size_t capacity);

/* The bytes of one token (not NUL-terminated, may be a part of a UTF-8 character); length 0 for special and unknown ids. */
const uint8_t *va_tokenizer_bytes(const va_tokenizer *tokenizer, int32_t id, size_t *ret_length);

/* ids [n] -> UTF-8, special ids left out, broken sequences replaced by U+FFFD, appended to text. VA_ENOMEM; VA_ELIMIT: more than a third of
 * what the text's limit leaves. */
VA_MUST_CHECK int va_tokenizer_decode(const va_tokenizer *tokenizer, const int32_t *ids, size_t n, struct va_buffer *text);

/* "en" -> 0, "zh" -> 1, ...; -1 when unknown. Also takes a region with it ("en-US", "pt_BR"), and English names ("english"). */
int va_language_index(const char *code);
/* 0 -> "en"; NULL beyond the last (99 = "yue"). */
const char *va_language_code(int index);
/* 0 -> "english" */
const char *va_language_name(int index);

#endif
