#include "whisper/words.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "whisper/segments.h"

/* A word at a pause often seems to begin or end in it; it is cut to twice the usual length, and 0.7 s is long for a usual one. */
#define USUAL_MAX_S 0.7

static const char *const before_word[] = {"\"", "'", "\u201c", "\u00bf", "(", "[", "{", "-", NULL};
static const char *const after_word[] = {"\"",     "'", ".",      "\u3002", ",", "\uff0c", "!", "\uff01", "?",
                                         "\uff1f", ":", "\uff1a", "\u201d", ")", "]",      "}", "\u3001", NULL};
static const char *const ends_sentence[] = {".", "\u3002", "!", "\uff01", "?", "\uff1f", NULL};

/* A word under way: text [length] in the list's text. Neighbours' texts follow each other without a gap, so joining words moves an end. */
struct piece {
    const char *text;
    size_t length;
    double start_s, end_s;
    float probability;
};

static int is_one_of(const char *text, size_t length, const char *const *list)
{
    while (length > 0 && *text == ' ') {
        text++;
        length--;
    }
    for (; *list != NULL; list++)
        if (strlen(*list) == length && memcmp(text, *list, length) == 0)
            return 1;
    return 0;
}

static int ends_with_one_of(const char *text, size_t length, const char *const *list)
{
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
    return is_one_of(language, strlen(language), list);
}

/* Gives punctuation to its neighbour; returns the number of words left. */
static size_t merge_punctuation(struct piece *pieces, size_t n)
{
    size_t first = n > 0 ? n - 1 : 0, kept = 0;

    /* Marks that open something go to the word behind: from the end on, where the words that are left stand. */
    for (size_t i = n; i-- > 1;) {
        struct piece *previous = &pieces[i - 1], *word = &pieces[first];
        if (is_one_of(previous->text, previous->length, before_word) && previous->text[0] == ' ') {
            word->length += previous->length;
            word->text = previous->text;
        } else {
            pieces[--first] = *previous;
        }
    }
    for (size_t i = first; i < n; i++) {
        struct piece *word = &pieces[i];
        if (kept > 0 && is_one_of(word->text, word->length, after_word) && word->text[0] != ' ' &&
            !ends_with_one_of(pieces[kept - 1].text, pieces[kept - 1].length, (const char *const[]){" ", NULL}))
            pieces[kept - 1].length += word->length;
        else
            pieces[kept++] = *word;
    }
    return kept;
}

static double median_length(const struct piece *pieces, size_t n)
{
    double lengths[VA_SEARCH_MAX_TOKENS];
    size_t m = 0;
    for (size_t i = 0; i < n && m < VA_SEARCH_MAX_TOKENS; i++) {
        double length = pieces[i].end_s - pieces[i].start_s;
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

static void shorten_at_pauses(struct piece *pieces, size_t n)
{
    double longest = 2.0 * median_length(pieces, n);
    if (longest <= 0.0)
        return;
    for (size_t i = 0; i < n; i++) {
        if (pieces[i].end_s - pieces[i].start_s <= longest)
            continue;
        if (i == 0 || ends_with_one_of(pieces[i - 1].text, pieces[i - 1].length, ends_sentence))
            pieces[i].start_s = pieces[i].end_s - longest;
        else if (ends_with_one_of(pieces[i].text, pieces[i].length, ends_sentence))
            pieces[i].end_s = pieces[i].start_s + longest;
    }
}

/* A token group that is whole UTF-8 begins a word of its own, or goes on with the one before. */
static int begins_word(const char *text, size_t length, int spaceless)
{
    return spaceless || text[0] == ' ' || is_one_of(text, length, after_word) || is_one_of(text, length, before_word);
}

struct joiner {
    struct piece *pieces; /* [n] */
    size_t n;
    char *text;       /* of all words */
    size_t size;      /* its bytes */
    size_t begin;     /* where the word under way begins in it */
    double sum;       /* of its probabilities */
    int count, first; /* its number of tokens; its first token, -1: none */
};

static void close_word(struct joiner *joiner, const int *frames, int end, double offset_s)
{
    if (joiner->first < 0)
        return;
    joiner->pieces[joiner->n++] = (struct piece){.text = joiner->text + joiner->begin,
                                                 .length = joiner->size - joiner->begin,
                                                 .start_s = offset_s + frames[joiner->first] * VA_FRAME_S,
                                                 .end_s = offset_s + frames[end] * VA_FRAME_S,
                                                 .probability = (float)(joiner->sum / joiner->count)};
    joiner->begin = joiner->size;
    joiner->sum = 0.0;
    joiner->count = 0;
    joiner->first = -1;
}

/* tokens -> words, before punctuation is given to its neighbours. */
static void collect(struct joiner *joiner, const va_tokenizer *tokenizer, int spaceless, const int32_t *tokens, const float *logprobs,
                    int n, const int *frames, double offset_s)
{
    char group[VA_WORD_GROUP];
    size_t group_size = 0;
    int group_first = 0;

    for (int i = 0; i < n; i++) {
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
        if (begins_word(group, group_size, spaceless))
            close_word(joiner, frames, group_first, offset_s);
        if (joiner->first < 0)
            joiner->first = group_first;
        for (int t = group_first; t <= i; t++) {
            joiner->sum += exp(logprobs[t]);
            joiner->count++;
        }
        memcpy(joiner->text + joiner->size, group, group_size);
        joiner->size += group_size;
        group_size = 0;
        group_first = i + 1;
    }
    close_word(joiner, frames, n, offset_s);
}

void va_words_join(const va_tokenizer *tokenizer, const char *language, const int32_t *tokens, const float *logprobs, int n,
                   const int *frames, double offset_s, struct va_word_list *ret_list)
{
    struct piece pieces[VA_SEARCH_MAX_TOKENS];
    char text[VA_SEARCH_MAX_TOKENS * VA_WORD_GROUP], *end = ret_list->text;
    struct joiner joiner = {.pieces = pieces, .text = text, .first = -1};

    collect(&joiner, tokenizer, is_spaceless(language), tokens, logprobs, n, frames, offset_s);
    ret_list->n = merge_punctuation(pieces, joiner.n);
    shorten_at_pauses(pieces, ret_list->n);
    for (size_t i = 0; i < ret_list->n; i++) {
        ret_list->words[i] =
            (struct va_word){.start_s = pieces[i].start_s, .end_s = pieces[i].end_s, .probability = pieces[i].probability, .text = end};
        memcpy(end, pieces[i].text, pieces[i].length);
        end += pieces[i].length;
        *end++ = '\0';
    }
}
