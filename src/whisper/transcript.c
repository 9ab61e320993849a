#include "whisper/transcript.h"

#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

/* The public struct shows constant arrays; the memory is the transcript's own. */
static struct va_segment *segments_of(va_transcript *transcript)
{
    return (struct va_segment *)transcript->segments;
}

static void free_words(const struct va_word *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        va_free((char *)words[i].text);
    va_free((struct va_word *)words);
}

void va_transcript_free(va_transcript *transcript)
{
    if (transcript == NULL)
        return;
    for (size_t i = 0; i < transcript->n_segments; i++) {
        struct va_segment *segment = &segments_of(transcript)[i];
        va_free((char *)segment->text);
        va_free((int32_t *)segment->tokens);
        free_words(segment->words, segment->n_words);
    }
    va_free(segments_of(transcript));
    va_free((char *)transcript->text);
    va_free(transcript);
}

int va_transcript_begin(struct va_transcript_builder *builder, va_error *error)
{
    *builder = (struct va_transcript_builder){.transcript = va_calloc(1, sizeof(va_transcript))};
    return builder->transcript == NULL ? va_fail_memory(error) : 0;
}

void va_transcript_abandon(struct va_transcript_builder *builder)
{
    va_transcript_free(builder->transcript);
    *builder = (struct va_transcript_builder){0};
}

/* The text without blanks at its ends, in place. */
static void trim(char *text)
{
    size_t start = strspn(text, " \t\r\n"), end = strlen(text);
    while (end > start && strchr(" \t\r\n", text[end - 1]) != NULL)
        end--;
    memmove(text, text + start, end - start);
    text[end - start] = '\0';
}

static int reserve_segment(struct va_transcript_builder *builder)
{
    va_transcript *transcript = builder->transcript;
    if (transcript->n_segments < builder->capacity)
        return 0;
    size_t capacity = builder->capacity == 0 ? 8 : 2 * builder->capacity;
    struct va_segment *segments = va_realloc(segments_of(transcript), capacity, sizeof *segments);
    if (segments == NULL)
        return VA_ENOMEM;
    transcript->segments = segments;
    builder->capacity = capacity;
    return 0;
}

int va_transcript_add(struct va_transcript_builder *builder, const va_tokenizer *tokenizer, const struct va_segment *segment,
                      const int32_t *tokens, const float *logprobs, int n, int *ret_added, va_error *error)
{
    int end = va_tokenizer_special(tokenizer)->end;
    va_transcript *transcript = builder->transcript;
    char *text = NULL;
    double sum = 0.0;
    size_t kept = 0;

    int32_t *own = va_alloc((size_t)n, sizeof *own);
    if (own == NULL || reserve_segment(builder) < 0)
        goto no_memory;
    for (int i = 0; i < n; i++)
        if (tokens[i] < end) {
            own[kept++] = tokens[i];
            sum += logprobs[i];
        }
    text = va_tokenizer_decode(tokenizer, own, kept);
    if (text == NULL)
        goto no_memory;
    trim(text);
    *ret_added = *text != '\0';
    if (*text == '\0') {
        va_free(own);
        va_free(text);
        return 0;
    }
    struct va_segment *added = &segments_of(transcript)[transcript->n_segments++];
    *added = *segment;
    added->text = text;
    added->tokens = own;
    added->n_tokens = kept;
    added->avg_logprob = (float)(sum / (double)kept);
    added->confidence = expf(added->avg_logprob);
    added->words = NULL;
    added->n_words = 0;
    builder->sum_logprob += sum;
    builder->n_tokens += kept;
    return 0;

no_memory:
    va_free(own);
    va_free(text);
    return va_fail_memory(error);
}

void va_transcript_set_words(struct va_transcript_builder *builder, size_t segment, struct va_word *words, size_t n)
{
    struct va_segment *target = &segments_of(builder->transcript)[segment];
    free_words(target->words, target->n_words);
    target->words = words;
    target->n_words = n;
}

int va_transcript_end(struct va_transcript_builder *builder, va_transcript **ret_transcript, va_error *error)
{
    va_transcript *transcript = builder->transcript;
    struct va_buffer text;
    int r = 0;

    va_buffer_init(&text, VA_TRANSCRIPT_MAX_TEXT);
    for (size_t i = 0; r == 0 && i < transcript->n_segments; i++)
        r = va_buffer_printf(&text, "%s%s", i == 0 ? "" : " ", transcript->segments[i].text);
    if (r == 0 && (transcript->text = va_buffer_take(&text)) == NULL)
        r = VA_ENOMEM;
    if (r < 0) {
        va_buffer_free(&text);
        return r == VA_ELIMIT ? va_fail(error, r, "the transcript is longer than %u MB", VA_TRANSCRIPT_MAX_TEXT >> 20)
                              : va_fail_memory(error);
    }
    if (builder->n_tokens > 0)
        transcript->confidence = (float)exp(builder->sum_logprob / (double)builder->n_tokens);
    *ret_transcript = transcript;
    *builder = (struct va_transcript_builder){0};
    return 0;
}
