#include "intent/text.h"

#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

static enum va_char_class classify(uint32_t code)
{
    if (code < 0x80) {
        if ((code | 32) >= 'a' && (code | 32) <= 'z')
            return VA_CHAR_LETTER;
        if (code >= '0' && code <= '9')
            return VA_CHAR_DIGIT;
        if (code == '\'' || code == '`')
            return VA_CHAR_DROP;
        return strchr("%+/&$#@=*", (int)code) != NULL ? VA_CHAR_SYMBOL : VA_CHAR_SPACE;
    }
    if (code == 0xB0 || (code >= 0xA2 && code <= 0xA5) || code == 0x20AC || code == 0x2103)
        return VA_CHAR_SYMBOL; /* degree sign, currencies, degree Celsius */
    if (code >= 0xBC && code <= 0xBE)
        return VA_CHAR_LETTER; /* vulgar fractions are words */
    if (code == 0x2018 || code == 0x2019 || code == 0x02BC || code == 0x200B || code == 0x200C || code == 0x200D || code == 0xFEFF)
        return VA_CHAR_DROP;
    if (code < 0xC0)
        return code == 0xAA || code == 0xB5 || code == 0xBA ? VA_CHAR_LETTER : VA_CHAR_SPACE;
    if (code == 0xD7 || code == 0xF7)
        return VA_CHAR_SYMBOL;
    if (code == 0x37E || code == 0x589 || code == 0x60C || code == 0x61B || code == 0x61F || code == 0x6D4 || code == 0x964 ||
        code == 0x965 || (code >= 0x2000 && code < 0x2070) || (code >= 0x3000 && code < 0x3004) || (code >= 0x3008 && code < 0x3020) ||
        code == 0x30FB || (code >= 0xFF01 && code < 0xFF10) || (code >= 0xFF1A && code < 0xFF21))
        return VA_CHAR_SPACE;
    return VA_CHAR_LETTER;
}

int va_text_is_unspaced(uint32_t code)
{
    return (code >= 0x3040 && code < 0x3100) || (code >= 0x3400 && code < 0xA000) || (code >= 0xF900 && code < 0xFB00) ||
           (code >= 0x20000 && code < 0x32000) || (code >= 0xE00 && code < 0xF00) || (code >= 0x1000 && code < 0x10A0) ||
           (code >= 0x1780 && code < 0x1800);
}

/* Whether the character at pos of the text is of such a script. */
static int is_unspaced_at(const struct va_text *text, size_t pos)
{
    uint32_t code = 0;
    return (unsigned char)text->bytes[pos] >= 0xE0 && va_utf8_next(text->bytes + pos, text->n - pos, &code) > 0 &&
           va_text_is_unspaced(code);
}

/* Whether the character that ends before pos is. */
static int is_unspaced_before(const struct va_text *text, size_t pos)
{
    do
        pos--;
    while (pos > 0 && ((unsigned char)text->bytes[pos] & 0xC0) == 0x80);
    return is_unspaced_at(text, pos);
}

static int is_digit(const char *text, size_t size, size_t pos)
{
    return pos < size && text[pos] >= '0' && text[pos] <= '9';
}

int va_text_next(const char *text, size_t size, size_t *pos, enum va_char_class *ret_class, char ret_bytes[4], size_t *ret_n)
{
    uint32_t code;
    size_t at = *pos, n = (size_t)va_utf8_next(text + at, size - at, &code);

    if (n == 0 || code == 0)
        return VA_EFORMAT;
    enum va_char_class class = classify(code);
    if ((code == '.' || code == ',') && at > 0 && is_digit(text, size, at - 1) && is_digit(text, size, at + 1))
        class = VA_CHAR_DIGIT;
    if ((code == '-' || code == 0x2212) && is_digit(text, size, at + n) && (at == 0 || text[at - 1] == ' ')) {
        class = VA_CHAR_SYMBOL;
        code = '-';
    }
    *ret_n = va_utf8_put(va_utf8_lower(code), ret_bytes);
    *ret_class = class;
    *pos = at + n;
    return 0;
}

static void put(struct va_text *text, const char *bytes, size_t n, enum va_char_class class, size_t from, size_t to)
{
    for (size_t i = 0; i < n; i++) {
        text->bytes[text->n] = bytes[i];
        text->kinds[text->n] = (uint8_t) class;
        text->from[text->n] = (uint32_t)from;
        text->to[text->n] = (uint32_t)to;
        text->n++;
    }
}

int va_text_normalize(const char *original, struct va_text *ret_text, va_error *error)
{
    /* A character grows by a byte at most when it is made lower case, and none of the bound is a valid sentence anyway. */
    size_t size = strnlen(original, VA_TEXT_MAX_BYTES + 1), capacity = 2 * size + 2;
    struct va_text text = {0};
    int space = 0;

    if (size > VA_TEXT_MAX_BYTES)
        return va_fail(error, VA_ELIMIT, "the text is longer than %d bytes: no command is", VA_TEXT_MAX_BYTES);
    char *memory = va_calloc(capacity, 2 + 2 * sizeof(uint32_t));
    if (memory == NULL)
        return va_fail_memory(error);
    text.from = (uint32_t *)(void *)memory;
    text.to = text.from + capacity;
    text.bytes = (char *)(text.to + capacity);
    text.kinds = (uint8_t *)text.bytes + capacity;
    for (size_t pos = 0; pos < size;) {
        enum va_char_class class;
        char bytes[4];
        size_t n, from = pos;
        if (va_text_next(original, size, &pos, &class, bytes, &n) < 0) {
            va_text_free(&text);
            return va_fail(error, VA_EFORMAT, "byte %zu of the text is not UTF-8", from + 1);
        }
        if (class == VA_CHAR_SPACE)
            space = text.n > 0;
        if (class == VA_CHAR_SPACE || class == VA_CHAR_DROP)
            continue;
        uint32_t code = 0;
        va_utf8_next(bytes, n, &code);
        if (space && !(va_text_is_unspaced(code) && is_unspaced_before(&text, text.n)))
            put(&text, " ", 1, VA_CHAR_SPACE, from, from);
        space = 0;
        put(&text, bytes, n, class, from, pos);
    }
    *ret_text = text;
    return 0;
}

void va_text_free(struct va_text *text)
{
    va_free(text->from);
    *text = (struct va_text){0};
}

int va_text_is_boundary(const struct va_text *text, size_t pos)
{
    if (pos == 0 || pos >= text->n)
        return 1;
    return text->kinds[pos] != text->kinds[pos - 1] ||
           (text->from[pos] != text->from[pos - 1] && (is_unspaced_at(text, pos) || is_unspaced_before(text, pos)));
}
