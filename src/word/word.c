/* word.c - a word as it may be written. */
#include "word/state.h"

#include <ctype.h>
#include <string.h>

#include "base/memory.h"

#define NOISE_LEVEL 0.01f
enum { NOISE_SAMPLES = VA_SAMPLE_RATE_HZ * 8 / 5 };

void va_word_free(va_word_model *word)
{
    if (word == NULL)
        return;
    va_free(word->text);
    va_free(word->mean);
    va_free(word->scale);
    va_free(word->panels);
    va_free(word);
}

const char *va_word_text(const va_word_model *word)
{
    return word->text;
}

size_t va_word_span_samples(const va_word_model *word)
{
    return word->span_samples;
}

int va_word_any_end(const va_word_model *word)
{
    static const char *const spaceless[] = {"zh", "ja", "th", "lo", "my", "yue"};
    const char *code = va_language_code(word->language);

    for (size_t i = 0; i < sizeof spaceless / sizeof spaceless[0]; i++)
        if (strcmp(code, spaceless[i]) == 0)
            return 1;
    return 0;
}

int va_word_language(const va_model *model, const char *language, va_error *error)
{
    int index = language == NULL || strcmp(language, "auto") == 0 ? 0 : va_language_index(language);

    if (index < 0 || (model->special->multilingual && index >= model->special->n_languages))
        return va_fail(error, VA_EINVAL, "unknown language '%s'", language);
    return model->special->multilingual ? index : 0;
}

float va_word_writing_logprob(va_context *context, const va_word_model *word, const int32_t *before, int n_before)
{
    int32_t prompt[VA_SCORE_MAX_PROMPT];
    float logprobs[VA_WORD_MAX_WRITINGS], sum;
    int n = va_start_tokens(word->model, word->language, prompt);

    if (n_before > 0)
        memcpy(prompt + n, before, (size_t)n_before * sizeof *prompt);
    va_scorer_run(context->scorer, context->search, context->encoder, prompt, n + n_before, n_before, word->writings, word->n_writings,
                  va_word_any_end(word), logprobs);
    sum = logprobs[0];
    for (int i = 1; i < word->n_writings; i++)
        sum = va_word_add_logs(sum, logprobs[i]);
    return sum;
}

int va_word_set_text(va_word_model *word, va_error *error)
{
    const struct va_token_sequence *first = &word->writings[0];
    struct va_buffer text;

    va_buffer_init(&text, 1024);
    int r = va_tokenizer_decode(word->model->tokenizer, first->tokens, (size_t)first->n, &text);
    if (r == 0)
        word->text = va_strdup(text.size == 0 ? "" : text.data + (text.data[0] == ' '));
    va_buffer_free(&text);
    return word->text == NULL ? va_fail_memory(error) : 0;
}

int va_word_finish_writings(va_context *context, va_word_model *word, va_error *error)
{
    float *noise = va_alloc(NOISE_SAMPLES, sizeof *noise);
    uint32_t random = 1;

    if (noise == NULL)
        return va_fail_memory(error);
    for (int i = 0; i < NOISE_SAMPLES; i++) {
        random = random * 1664525u + 1013904223u;
        noise[i] = NOISE_LEVEL * ((float)(random >> 8) * 0x1p-23f - 1.0f);
    }
    va_context_encode(context, noise, NOISE_SAMPLES);
    va_free(noise);
    word->noise_logprob = va_word_writing_logprob(context, word, NULL, 0);
    return va_word_set_text(word, error);
}

/* ---- from text ---- */

enum writing { AS_GIVEN, LOWER, SENTENCE, TITLE, TITLE_COMMAS, WRITINGS };

/* text with a space before it: out [2 * VA_WORD_MAX_TEXT + 2]. */
static void write_as(enum writing how, const char *text, char *out)
{
    int first = 1;

    *out++ = ' ';
    for (; *text != '\0'; text++) {
        int c = (unsigned char)*text;
        int begins = first || text[-1] == ' ';
        if (how != AS_GIVEN && c < 0x80)
            c = begins && (first ? how >= SENTENCE : how >= TITLE) ? toupper(c) : tolower(c);
        if (how == TITLE_COMMAS && c == ' ')
            *out++ = ',';
        *out++ = (char)c;
        first = 0;
    }
    *out = '\0';
}

static int add_writing(va_word_model *word, const char *text, va_error *error)
{
    struct va_token_sequence *new = &word->writings[word->n_writings];
    int r = va_tokenizer_encode(word->model->tokenizer, text, new->tokens, VA_SCORE_MAX_TOKENS);

    if (r == VA_ELIMIT)
        return 0; /* another way may be shorter */
    if (r <= 0)
        return va_fail_memory(error);
    new->n = r;
    for (int i = 0; i < word->n_writings; i++)
        if (word->writings[i].n == new->n && memcmp(word->writings[i].tokens, new->tokens, (size_t) new->n * sizeof(int32_t)) == 0)
            return 0;
    word->n_writings++;
    return 0;
}

int va_word_from_text(va_context *context, const char *text, const char *language, va_word_model **ret_word, va_error *error)
{
    char written[2 * VA_WORD_MAX_TEXT + 2];
    size_t length = strlen(text);
    int r = va_word_language(context->model, language, error);

    if (r < 0)
        return r;
    if (length == 0 || length > VA_WORD_MAX_TEXT || text[0] == ' ')
        return va_fail(error, VA_EINVAL, "a word must have 1 to %d bytes, and no space before it", VA_WORD_MAX_TEXT);
    va_word_model *word = va_calloc(1, sizeof *word);
    if (word == NULL)
        return va_fail_memory(error);
    word->model = context->model;
    word->language = r;
    word->span_samples = VA_WORD_LONGEST;
    r = va_context_need_scorer(context, error);
    for (int how = AS_GIVEN; r == 0 && how < WRITINGS; how++) {
        write_as((enum writing)how, text, written);
        r = add_writing(word, written, error);
    }
    if (r == 0 && word->n_writings == 0)
        r = va_fail(error, VA_EINVAL, "'%s' is too long for a word to listen for", text);
    if (r == 0)
        r = va_word_finish_writings(context, word, error);
    if (r < 0) {
        va_word_free(word);
        return r;
    }
    *ret_word = word;
    return 0;
}
