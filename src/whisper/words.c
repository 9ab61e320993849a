#include "whisper/words.h"

#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "whisper/segments.h"

/* A word at a pause often seems to begin or end in it; it is cut to twice the usual length, and 0.7 s is long for a usual one. */
#define USUAL_MAX_S 0.7

static const char *const before_word[] = {"\"", "'", "\u201c", "\u00bf", "(", "[", "{", "-", NULL};
static const char *const after_word[] = {"\"",     "'", ".",      "\u3002", ",", "\uff0c", "!", "\uff01", "?",
                                         "\uff1f", ":", "\uff1a", "\u201d", ")", "]",      "}", "\u3001", NULL};
static const char *const ends_sentence[] = {".", "\u3002", "!", "\uff01", "?", "\uff1f", NULL};

static int is_one_of(const char *text, const char *const *list)
{
    while (*text == ' ')
        text++;
    for (; *list != NULL; list++)
        if (strcmp(text, *list) == 0)
            return 1;
    return 0;
}

static int ends_with_one_of(const char *text, const char *const *list)
{
    size_t length = strlen(text);
    for (; *list != NULL; list++) {
        size_t n = strlen(*list);
        if (length >= n && memcmp(text + length - n, *list, n) == 0)
            return 1;
    }
    return 0;
}

/* Languages written without spaces: every character is a word. */
static int is_spaceless(const char *language)
{
    static const char *const list[] = {"zh", "ja", "th", "lo", "my", "yue", NULL};
    return is_one_of(language, list);
}

void va_words_free(struct va_word *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        va_free((char *)words[i].text);
    va_free(words);
}

/* Appends word `from` to `to` (or before it), and empties `from`. */
static int merge(struct va_word *to, struct va_word *from, int in_front)
{
    char *text = va_asprintf("%s%s", in_front ? from->text : to->text, in_front ? to->text : from->text);
    if (text == NULL)
        return VA_ENOMEM;
    va_free((char *)to->text);
    va_free((char *)from->text);
    to->text = text;
    from->text = NULL;
    return 0;
}

/* Gives punctuation to its neighbour; returns the number of words left, or VA_ENOMEM. */
static int64_t merge_punctuation(struct va_word *words, size_t n)
{
    for (size_t i = n; i-- > 1;) {
        struct va_word *previous = &words[i - 1];
        if (words[i].text != NULL && previous->text[0] == ' ' && is_one_of(previous->text, before_word) &&
            merge(&words[i], previous, 1) < 0)
            return VA_ENOMEM;
        if (previous->text == NULL) {
            *previous = words[i];
            words[i].text = NULL;
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (words[i].text == NULL)
            continue;
        if (kept > 0 && is_one_of(words[i].text, after_word) && words[i].text[0] != ' ' &&
            !ends_with_one_of(words[kept - 1].text, (const char *const[]){" ", NULL})) {
            if (merge(&words[kept - 1], &words[i], 0) < 0)
                return VA_ENOMEM;
            continue;
        }
        words[kept] = words[i];
        if (kept != i)
            words[i].text = NULL;
        kept++;
    }
    return (int64_t)kept;
}

static double median_length(const struct va_word *words, size_t n)
{
    double lengths[VA_SEARCH_MAX_TOKENS];
    size_t m = 0;
    for (size_t i = 0; i < n && m < VA_SEARCH_MAX_TOKENS; i++) {
        double length = words[i].end_s - words[i].start_s;
        if (length <= 0.0)
            continue;
        size_t place = m++;
        for (; place > 0 && lengths[place - 1] > length; place--)
            lengths[place] = lengths[place - 1];
        lengths[place] = length;
    }
    double median = m == 0 ? 0.0 : lengths[m / 2];
    return median > USUAL_MAX_S ? USUAL_MAX_S : median;
}

static void shorten_at_pauses(struct va_word *words, size_t n)
{
    double longest = 2.0 * median_length(words, n);
    if (longest <= 0.0)
        return;
    for (size_t i = 0; i < n; i++) {
        if (words[i].end_s - words[i].start_s <= longest)
            continue;
        if (i == 0 || ends_with_one_of(words[i - 1].text, ends_sentence))
            words[i].start_s = words[i].end_s - longest;
        else if (ends_with_one_of(words[i].text, ends_sentence))
            words[i].end_s = words[i].start_s + longest;
    }
}

/* A token group that is whole UTF-8 begins a word of its own, or goes on with the one before. */
static int begins_word(const char *text, int spaceless)
{
    return spaceless || text[0] == ' ' || is_one_of(text, after_word) || is_one_of(text, before_word);
}

struct joiner {
    struct va_word *words; /* [n] */
    size_t n;
    struct va_buffer text; /* of the word under way */
    double sum;            /* of its probabilities */
    int tokens, first;     /* its number of tokens; its first token, -1: none */
};

static int close_word(struct joiner *joiner, const int *frames, int end, double offset_s)
{
    if (joiner->first < 0)
        return 0;
    struct va_word *word = &joiner->words[joiner->n];
    *word = (struct va_word){.start_s = offset_s + frames[joiner->first] * VA_FRAME_S,
                             .end_s = offset_s + frames[end] * VA_FRAME_S,
                             .probability = (float)(joiner->sum / joiner->tokens),
                             .text = va_strdup(joiner->text.data == NULL ? "" : joiner->text.data)};
    if (word->text == NULL)
        return VA_ENOMEM;
    joiner->n++;
    va_buffer_clear(&joiner->text);
    joiner->sum = 0.0;
    joiner->tokens = 0;
    joiner->first = -1;
    return 0;
}

/* tokens -> words, before punctuation is given to its neighbours. */
static int collect(struct joiner *joiner, const va_tokenizer *tokenizer, int spaceless, const int32_t *tokens, const float *logprobs, int n,
                   const int *frames, double offset_s)
{
    char group[64];
    size_t group_size = 0;
    int group_first = 0, r = 0;

    for (int i = 0; i < n && r == 0; i++) {
        size_t length;
        const uint8_t *bytes = va_tokenizer_bytes(tokenizer, tokens[i], &length);
        if (group_size + length >= sizeof group)
            group_size = 0; /* no character is that long: broken text */
        if (length < sizeof group)
            memcpy(group + group_size, bytes, length);
        group_size += length < sizeof group ? length : 0;
        group[group_size] = '\0';
        if (!va_utf8_valid(group, group_size) && i + 1 < n)
            continue;
        if (begins_word(group, spaceless))
            r = close_word(joiner, frames, group_first, offset_s);
        if (r == 0 && joiner->first < 0)
            joiner->first = group_first;
        for (int t = group_first; t <= i; t++) {
            joiner->sum += exp(logprobs[t]);
            joiner->tokens++;
        }
        if (r == 0)
            r = va_buffer_append(&joiner->text, group, group_size);
        group_size = 0;
        group_first = i + 1;
    }
    return r < 0 ? r : close_word(joiner, frames, n, offset_s);
}

int va_words_join(const va_tokenizer *tokenizer, const char *language, const int32_t *tokens, const float *logprobs, int n,
                  const int *frames, double offset_s, struct va_word **ret_words, size_t *ret_n, va_error *error)
{
    struct joiner joiner = {.words = va_calloc((size_t)n, sizeof(struct va_word)), .first = -1};
    if (joiner.words == NULL)
        return va_fail_memory(error);
    va_buffer_init(&joiner.text, 1 << 16);
    int r = collect(&joiner, tokenizer, is_spaceless(language), tokens, logprobs, n, frames, offset_s);
    va_buffer_free(&joiner.text);
    int64_t kept = r < 0 ? r : merge_punctuation(joiner.words, joiner.n);
    if (kept < 0) {
        va_words_free(joiner.words, (size_t)n);
        return va_fail_memory(error);
    }
    shorten_at_pauses(joiner.words, (size_t)kept);
    *ret_words = joiner.words;
    *ret_n = (size_t)kept;
    return 0;
}
