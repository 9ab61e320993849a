#include "fuzz.h"

#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "token/tokenizer.h"

#define N_BYTES 256
#define CAPACITY 4096

/* The first byte says how much of the input is a vocabulary (its tokens end at NUL); the rest is text. What is encoded must come
 * back, where it is valid. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[N_BYTES + 255];
    static uint32_t ends[N_BYTES + 255];
    static int32_t ids[CAPACITY];
    va_tokenizer *tokenizer = NULL;
    va_error error;
    uint32_t used = 0;
    int n_text = 0;

    if (size == 0)
        return 0;
    size_t n_vocabulary = data[0] < size - 1 ? data[0] : size - 1;
    for (; n_text < N_BYTES; n_text++) {
        bytes[used++] = (uint8_t)n_text;
        ends[n_text] = used;
    }
    for (size_t i = 0; i < n_vocabulary; i++) {
        if (data[1 + i] != 0)
            bytes[used++] = data[1 + i];
        else
            ends[n_text++] = used;
    }
    FUZZ_CHECK(va_tokenizer_new(bytes, used, ends, n_text, 51865, &tokenizer, &error) == 0);

    char *text = strndup((const char *)data + 1 + n_vocabulary, size - 1 - n_vocabulary);
    FUZZ_CHECK(text != NULL);
    int n = va_tokenizer_encode(tokenizer, text, ids, CAPACITY);
    FUZZ_CHECK(n >= 0 || (n == VA_ELIMIT && strlen(text) > CAPACITY));
    if (n >= 0) {
        struct va_buffer again;
        va_buffer_init(&again, SIZE_MAX);
        FUZZ_CHECK(va_tokenizer_decode(tokenizer, ids, (size_t)n, &again) == 0);
        FUZZ_CHECK(strlen(again.data) == again.size && va_utf8_valid(again.data, again.size));
        FUZZ_CHECK(!va_utf8_valid(text, strlen(text)) || strcmp(text, again.data) == 0);
        va_buffer_free(&again);
    }
    free(text);
    va_tokenizer_free(tokenizer);
    return 0;
}
