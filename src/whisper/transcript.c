#include "whisper/transcript.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

void va_transcript_free(va_transcript *transcript)
{
    va_free(transcript); /* one block */
}

/* Of each list: more than the text and the words of a window take. */
#define FIRST_BYTES 16384

int va_transcript_init(struct va_transcript_builder *builder)
{
    struct va_buffer *const lists[] = {&builder->segments, &builder->tokens,    &builder->logprobs, &builder->words,
                                       &builder->text,     &builder->word_text, &builder->command};
    int r = 0;

    *builder = (struct va_transcript_builder){.n_tokens = 0};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && r == 0; i++) {
        va_buffer_init(lists[i], VA_TRANSCRIPT_MAX_TEXT);
        r = va_buffer_reserve(lists[i], FIRST_BYTES);
    }
    return r;
}

void va_transcript_discard(struct va_transcript_builder *builder)
{
    va_buffer_free(&builder->segments);
    va_buffer_free(&builder->tokens);
    va_buffer_free(&builder->logprobs);
    va_buffer_free(&builder->words);
    va_buffer_free(&builder->text);
    va_buffer_free(&builder->word_text);
    va_buffer_free(&builder->command);
}

void va_transcript_begin(struct va_transcript_builder *builder)
{
    va_buffer_clear(&builder->segments);
    va_buffer_clear(&builder->tokens);
    va_buffer_clear(&builder->logprobs);
    va_buffer_clear(&builder->words);
    va_buffer_clear(&builder->text);
    va_buffer_clear(&builder->word_text);
    va_buffer_clear(&builder->command);
    builder->head = (va_transcript){.confidence = 0.0f};
    builder->sum_logprob = 0.0;
    builder->n_tokens = 0;
}

static int fail(va_error *error, int r)
{
    return r == VA_ELIMIT ? va_fail(error, r, "the transcript is longer than %u MB", VA_TRANSCRIPT_MAX_TEXT >> 20) : va_fail_memory(error);
}

static struct va_segment *segments_of(struct va_transcript_builder *builder)
{
    return (void *)builder->segments.data;
}

/* Takes the blanks off both ends of what text holds from `start` on. */
static void trim(struct va_buffer *text, size_t start)
{
    char *added = text->data + start;
    size_t first = strspn(added, " \t\r\n"), end = strlen(added);
    while (end > first && strchr(" \t\r\n", added[end - 1]) != NULL)
        end--;
    memmove(added, added + first, end - first);
    added[end - first] = '\0';
    text->size = start + end - first;
}

int va_transcript_add(struct va_transcript_builder *builder, const va_tokenizer *tokenizer, const struct va_segment *segment,
                      const int32_t *tokens, const float *logprobs, int n, int *ret_added, va_error *error)
{
    int end = va_tokenizer_special(tokenizer)->end, r = 0;
    size_t text_before = builder->text.size, tokens_before = builder->tokens.size, logprobs_before = builder->logprobs.size;
    struct va_segment added = *segment;
    double sum = 0.0;

    added.n_tokens = added.n_words = 0;
    for (int i = 0; i < n && r == 0; i++)
        if (tokens[i] < end) {
            r = va_buffer_append(&builder->tokens, &tokens[i], sizeof *tokens);
            if (r == 0)
                r = va_buffer_append(&builder->logprobs, &logprobs[i], sizeof *logprobs);
            sum += logprobs[i];
            added.n_tokens++;
        }
    if (r == 0 && added.n_tokens > 0)
        r = va_tokenizer_decode(tokenizer, (void *)(builder->tokens.data + tokens_before), added.n_tokens, &builder->text);
    if (r < 0)
        return fail(error, r);
    if (added.n_tokens > 0)
        trim(&builder->text, text_before);
    *ret_added = builder->text.size > text_before;
    if (!*ret_added) {
        builder->tokens.size = tokens_before;
        builder->logprobs.size = logprobs_before;
        return 0;
    }
    added.avg_logprob = (float)(sum / (double)added.n_tokens);
    added.confidence = expf(added.avg_logprob);
    r = va_buffer_append(&builder->text, "", 1);
    if (r == 0)
        r = va_buffer_append(&builder->segments, &added, sizeof added);
    if (r < 0)
        return fail(error, r);
    builder->head.n_segments++;
    builder->sum_logprob += sum;
    builder->n_tokens += added.n_tokens;
    return 0;
}

int va_transcript_add_words(struct va_transcript_builder *builder, size_t segment, const struct va_word *words, size_t n, va_error *error)
{
    int r = va_buffer_append(&builder->words, words, n * sizeof *words);
    for (size_t i = 0; i < n && r == 0; i++)
        r = va_buffer_append(&builder->word_text, words[i].text, strlen(words[i].text) + 1);
    if (r < 0)
        return fail(error, r);
    segments_of(builder)[segment].n_words = n;
    return 0;
}

int va_transcript_set_command(struct va_transcript_builder *builder, const va_tokenizer *tokenizer, const int32_t *tokens, int n)
{
    struct va_buffer *command = &builder->command;

    va_buffer_clear(command);
    int r = va_tokenizer_decode(tokenizer, tokens, (size_t)n, command);
    if (r == 0) {
        trim(command, 0);
        r = va_buffer_append(command, "", 1);
    }
    return r;
}

/* Appends the bytes of a list to the block at *place, which moves on; returns where they stand. */
static void *put(char **place, const struct va_buffer *list)
{
    char *start = *place;
    if (list->size > 0)
        memcpy(start, list->data, list->size);
    *place += list->size;
    return start;
}

/* Makes the pointers of a transcript whose lists stand in one block, one after the other in the same order, and joins its text. */
static void connect(va_transcript *transcript, struct va_segment *segments, struct va_word *words, const int32_t *tokens,
                    const float *logprobs, const char *text, const char *word_text, char *joined)
{
    transcript->segments = segments;
    transcript->text = joined;
    for (size_t i = 0; i < transcript->n_segments; i++) {
        struct va_segment *segment = &segments[i];
        size_t length = strlen(text);
        segment->text = text;
        segment->tokens = tokens;
        segment->logprobs = logprobs;
        segment->words = segment->n_words > 0 ? words : NULL;
        if (i > 0)
            *joined++ = ' ';
        memcpy(joined, text, length);
        joined += length;
        text += length + 1;
        tokens += segment->n_tokens;
        logprobs += segment->n_tokens;
        for (size_t w = 0; w < segment->n_words; w++, words++) {
            words->text = word_text;
            word_text += strlen(word_text) + 1;
        }
    }
    *joined = '\0';
}

int va_transcript_end(struct va_transcript_builder *builder, va_transcript **ret_transcript, va_error *error)
{
    /* The joined text is the segments' with blanks in place of NULs. */
    size_t size = sizeof builder->head + builder->segments.size + builder->words.size + builder->tokens.size + builder->logprobs.size +
                  2 * builder->text.size + builder->word_text.size + builder->command.size + 1;
    va_transcript *transcript = va_alloc(size, 1);
    if (transcript == NULL)
        return va_fail_memory(error);
    *transcript = builder->head;
    if (builder->n_tokens > 0)
        transcript->confidence = (float)exp(builder->sum_logprob / (double)builder->n_tokens);
    char *place = (char *)(transcript + 1);
    struct va_segment *segments = put(&place, &builder->segments); /* in falling order of alignment */
    struct va_word *words = put(&place, &builder->words);
    const int32_t *tokens = put(&place, &builder->tokens);
    const float *logprobs = put(&place, &builder->logprobs);
    const char *text = put(&place, &builder->text), *word_text = put(&place, &builder->word_text),
               *command = put(&place, &builder->command);
    transcript->command_text = builder->command.size > 0 ? command : NULL;
    connect(transcript, segments, words, tokens, logprobs, text, word_text, place);
    *ret_transcript = transcript;
    return 0;
}
