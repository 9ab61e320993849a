/* Token lists and alignment heads that a source without a config.json does not carry. */
#include "base/memory.h"
#include "whisper/import_source.h"

enum {
    MAX_SYMBOL_BYTES = 9 /* three notes */
};

/* Sounds and marks that are not speech. A token is never sampled when its text is one of these, alone or after a space. */
static const char *const symbols[] = {
    "\"", "#",   "(",   ")",  "*",  "+",  "/",  ":",  ";",   "<",  "=",   ">",   "@",  "[",   "\\", "]",  "^",        "_",   "`",
    "{",  "|",   "}",   "~",  "「", "」", "『", "』", "<<",  ">>", "<<<", ">>>", "--", "---", "-(", "-[", "('",       "(\"", "((",
    "))", "(((", ")))", "[[", "]]", "{{", "}}", "♪♪", "♪♪♪", "♩",  "♪",   "♫",   "♬",  "♭",   "♮",  "♯",  "\xe2\x99", /* what the music
                                                                                                                         marks begin with
                                                                                                                         when they have no
                                                                                                                         token of their own
                                                                                                                       */
};
static const char *const only_after_space[] = {" -", " '"};

static const struct {
    int8_t layers, heads, multilingual, n;
    int8_t pairs[19][2];
} alignments[] = {
    {4, 6, 1, 6, {{2, 2}, {3, 0}, {3, 2}, {3, 3}, {3, 4}, {3, 5}}},
    {4, 6, 0, 8, {{1, 0}, {2, 0}, {2, 5}, {3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}}},
    {6, 8, 1, 8, {{3, 1}, {4, 2}, {4, 3}, {4, 7}, {5, 1}, {5, 2}, {5, 4}, {5, 6}}},
    {6, 8, 0, 5, {{3, 3}, {4, 7}, {5, 1}, {5, 5}, {5, 7}}},
    {12, 12, 1, 10, {{5, 3}, {5, 9}, {8, 0}, {8, 4}, {8, 7}, {8, 8}, {9, 0}, {9, 7}, {9, 9}, {10, 5}}},
    {12,
     12,
     0,
     19,
     {{6, 6},
      {7, 0},
      {7, 3},
      {7, 8},
      {8, 2},
      {8, 5},
      {8, 7},
      {9, 0},
      {9, 4},
      {9, 8},
      {9, 10},
      {10, 0},
      {10, 1},
      {10, 2},
      {10, 3},
      {10, 6},
      {10, 11},
      {11, 2},
      {11, 4}}},
};

static const char *token_text(const struct va_import_source *source, int id, size_t *ret_size)
{
    int32_t start = id == 0 ? 0 : source->vocab_ends[id - 1];
    *ret_size = (size_t)(source->vocab_ends[id] - start);
    return source->vocab_bytes.data + start;
}

static int is_one_of(const char *text, size_t size, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(list[i]) == size && memcmp(list[i], text, size) == 0)
            return 1;
    return 0;
}

static int is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int is_not_speech(const char *text, size_t size)
{
    if (size == 0 || size > MAX_SYMBOL_BYTES + 1 || is_letter_or_digit(text[size - 1])) /* nearly all */
        return 0;
    if (is_one_of(text, size, only_after_space, sizeof only_after_space / sizeof only_after_space[0]))
        return 1;
    if (size > 1 && text[0] == ' ') {
        text++;
        size--;
    }
    return is_one_of(text, size, symbols, sizeof symbols / sizeof symbols[0]);
}

static int complete_suppress(struct va_import_source *source, va_error *error)
{
    int vocab = source->hparams[VA_HPARAM_VOCAB], multilingual = vocab >= 51865;
    int32_t start = multilingual ? 50258 : 50257, languages = vocab - 51765 - multilingual;
    /* start of transcript; then after the languages: translate, transcribe, start of LM, start of previous, no speech */
    const int32_t specials[] = {
        start, start + languages + 1, start + languages + 2, start + languages + 3, start + languages + 4, start + languages + 5};
    size_t n = 0, capacity = 256;
    int32_t *values = va_alloc(capacity, sizeof *values);

    if (values == NULL)
        return va_fail_memory(error);
    for (int id = 0; id < source->n_text && n < capacity - 6; id++) {
        size_t size;
        const char *text = token_text(source, id, &size);
        if (is_not_speech(text, size))
            values[n++] = id;
    }
    memcpy(values + n, specials, sizeof specials);
    source->suppress = (struct va_import_list){values, n + sizeof specials / sizeof specials[0]};
    return 0;
}

static int complete_suppress_begin(struct va_import_source *source, va_error *error)
{
    int32_t end_of_text = source->hparams[VA_HPARAM_VOCAB] >= 51865 ? 50257 : 50256;
    int32_t *values = va_alloc(2, sizeof *values);
    size_t n = 0;

    if (values == NULL)
        return va_fail_memory(error);
    for (int id = 0; id < source->n_text && n < 1; id++) {
        size_t size;
        const char *text = token_text(source, id, &size);
        if (size == 1 && text[0] == ' ')
            values[n++] = id;
    }
    values[n++] = end_of_text;
    source->suppress_begin = (struct va_import_list){values, n};
    return 0;
}

static int complete_heads(struct va_import_source *source, va_error *error)
{
    int layers = source->hparams[VA_HPARAM_DEC_LAYERS], heads = source->hparams[VA_HPARAM_HEADS];
    int multilingual = source->hparams[VA_HPARAM_VOCAB] >= 51865;
    size_t n = 0;
    int32_t *values = va_alloc((size_t)(layers * heads) * 2 + 2 * 19, sizeof *values);

    if (values == NULL)
        return va_fail_memory(error);
    for (size_t i = 0; i < sizeof alignments / sizeof alignments[0]; i++) {
        if (alignments[i].layers != layers || alignments[i].heads != heads || alignments[i].multilingual != multilingual)
            continue;
        for (int j = 0; j < 2 * alignments[i].n; j++)
            values[n++] = alignments[i].pairs[j / 2][j % 2];
    }
    if (n == 0) /* a kind not in the table: all heads of the upper half, as Whisper itself does */
        for (int layer = layers / 2; layer < layers; layer++)
            for (int head = 0; head < heads; head++) {
                values[n++] = layer;
                values[n++] = head;
            }
    source->heads = (struct va_import_list){values, n};
    return 0;
}

int va_import_complete_lists(struct va_import_source *source, va_error *error)
{
    int r = 0;
    if (source->suppress.values == NULL)
        r = complete_suppress(source, error);
    if (r == 0 && source->suppress_begin.values == NULL)
        r = complete_suppress_begin(source, error);
    if (r == 0 && source->heads.values == NULL)
        r = complete_heads(source, error);
    return r;
}
