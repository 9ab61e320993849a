/* The first byte chooses a language, the rest is a text: the numbers in it are read at each place, and spelled. */
#include "fuzz.h"

#include <string.h>

#include "base/memory.h"
#include "intent/number_rules.h"

static void check_numbers(const struct va_text *text, const struct va_number *numbers, size_t n, size_t pos)
{
    FUZZ_CHECK(n <= VA_NUMBERS_MAX);
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(numbers[i].end > pos && numbers[i].end <= text->n && va_text_is_boundary(text, numbers[i].end));
        FUZZ_CHECK(i == 0 || numbers[i].end >= numbers[i - 1].end);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct va_text text;
    struct va_number numbers[VA_NUMBERS_MAX];
    char spelled[VA_TEXT_MAX_BYTES];

    if (size == 0)
        return 0;
    const struct va_number_words *words = &va_number_words[data[0] % va_number_words_n];
    char *original = va_strndup((const char *)data + 1, size - 1);
    FUZZ_CHECK(original != NULL);
    int r = va_text_normalize(original, &text, NULL);
    va_free(original);
    if (r < 0)
        return 0;
    for (size_t pos = 0; pos <= text.n; pos++) {
        int is_prefix = va_numbers_prefix(words, &text, pos);
        FUZZ_CHECK(is_prefix == 0 || is_prefix == 1);
        check_numbers(&text, numbers, va_numbers_parse_ordinals(words, &text, pos, numbers), pos);
        size_t n = va_numbers_parse(words, &text, pos, numbers);
        check_numbers(&text, numbers, n, pos);
        for (size_t i = 0; i < n; i++) {
            r = va_numbers_spell(words, numbers[i].value, spelled, sizeof spelled);
            FUZZ_CHECK(r < 0 || strlen(spelled) == (size_t)r);
        }
    }
    va_text_free(&text);
    return 0;
}
