/* prompt.c - words for the recognizer to expect: what it would expect least, group by group.
 *
 * How rare a word is, the vocabulary tells: its tokens were made in the order of their frequency, and a word of several tokens was rare in
 * the text that the model learned from. A group are the values of a slot, or alternatives in them: a value that stands in the prompt is
 * favoured over those that are like it and do not, so a group goes in whole, unless it is too large. Around the slots only rare words
 * count. A sentence is told in each of its alternatives, one at a time. */
#include "intent/prompt_phrases.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define MAX_TOKENS_OF_WORD 16
#define COMMON 1000.0f          /* token ids below are of common words */
#define FURTHER_TOKEN_GAIN 1.5f /* of a word, for each token behind its first */
#define PAIR_GAIN 2.0f          /* of two words that stand together, if one is rare */
#define LEAST_GAIN 0.3f         /* of a group, for each of its tokens */
#define SHARE_AROUND_SLOTS 4    /* a quarter of the tokens is for words around slots */

#define KNOWN_WORDS 512

struct chooser {
    const va_tokenizer *tokenizer;
    /* How rare words are, each where its hash says: the same few stand in most phrases. */
    struct {
        const char *word; /* or NULL */
        float rarity;
    } known[KNOWN_WORDS];
    struct va_phrases *phrases;
    const char **words; /* [n_words] that chosen phrases have, up to the ends of the phrases */
    size_t n_words, words_capacity;
    int tokens_left;
};

/* ---- what a phrase is worth ---- */

static size_t word_length(const char *word)
{
    return strcspn(word, " ");
}

static const char *next_word(const char *word)
{
    word += word_length(word);
    return word + strspn(word, " ");
}

static float find_rarity(const va_tokenizer *tokenizer, const char *word, size_t n)
{
    char spoken[VA_PHRASE_MAX_BYTES + 2];
    int32_t ids[MAX_TOKENS_OF_WORD], rarest = 0;

    snprintf(spoken, sizeof spoken, " %.*s", (int)n, word);
    int n_ids = va_tokenizer_encode(tokenizer, spoken, ids, MAX_TOKENS_OF_WORD);
    for (int i = 0; i < n_ids; i++)
        rarest = ids[i] > rarest ? ids[i] : rarest;
    float gain = n_ids > 1 ? FURTHER_TOKEN_GAIN * (float)(n_ids - 1) : 0.0f;
    return (float)rarest > COMMON ? gain + log2f((float)rarest / COMMON) : gain;
}

/* 0 for a common word. */
static float rarity(struct chooser *chooser, const char *word)
{
    size_t n = word_length(word);
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (uint8_t)word[i]) * 16777619u;
    const char *known = chooser->known[hash % KNOWN_WORDS].word;
    if (known == NULL || word_length(known) != n || memcmp(known, word, n) != 0) {
        chooser->known[hash % KNOWN_WORDS].word = word;
        chooser->known[hash % KNOWN_WORDS].rarity = find_rarity(chooser->tokenizer, word, n);
    }
    return chooser->known[hash % KNOWN_WORDS].rarity;
}

/* 1 when a chosen phrase has the word, or with `pair` also the word behind it. */
static int is_chosen(const struct chooser *chooser, const char *word, int pair)
{
    size_t n = word_length(word) + (pair ? 1 + word_length(next_word(word)) : 0);

    for (size_t i = 0; i < chooser->n_words; i++)
        if (strncmp(chooser->words[i], word, n) == 0 && (chooser->words[i][n] == ' ' || chooser->words[i][n] == '\0'))
            return 1;
    return 0;
}

/* What the words of a phrase are worth that no chosen one has. */
static float gain(struct chooser *chooser, const struct va_phrase *phrase)
{
    const char *word = chooser->phrases->text + phrase->text;
    float sum = 0, rare = *word == '\0' ? 0 : rarity(chooser, word);

    while (*word != '\0') {
        const char *next = next_word(word);
        float behind = *next == '\0' ? 0 : rarity(chooser, next);
        if (!is_chosen(chooser, word, 0))
            sum += rare;
        if (*next != '\0' && (rare > 0 || behind > 0) && !is_chosen(chooser, word, 1))
            sum += PAIR_GAIN;
        word = next;
        rare = behind;
    }
    return sum;
}

/* ---- choosing ---- */

static int take(struct chooser *chooser, struct va_phrase *phrase)
{
    phrase->chosen = 1;
    chooser->tokens_left -= phrase->tokens;
    for (const char *word = chooser->phrases->text + phrase->text; *word != '\0'; word = next_word(word)) {
        if (va_grow(&chooser->words, &chooser->words_capacity, chooser->n_words, sizeof *chooser->words) < 0)
            return VA_ENOMEM;
        chooser->words[chooser->n_words++] = word;
    }
    return 0;
}

/* Around slots: what stands between the first and the last rare word of each phrase. */
static void trim_to_rare(struct chooser *chooser, struct va_phrase *phrase)
{
    char *first = NULL, *end = NULL, *text = chooser->phrases->text + phrase->text;

    for (const char *word = text; *word != '\0'; word = next_word(word)) {
        if (rarity(chooser, word) <= 0)
            continue;
        if (first == NULL)
            first = text + (word - text);
        end = text + (word - text) + word_length(word);
    }
    if (first == NULL) {
        phrase->chosen = 1; /* nothing is left of it */
        *text = '\0';
        return;
    }
    *end = '\0';
    phrase->text += (uint32_t)(first - text);
}

/* The best phrases of a group (of group 0: each counts for itself) as long as they fit and are worth it. What a phrase is worth only falls
 * when others are taken: so the one whose worth, taken anew, is still above the others' old ones is the best. */
static int take_best(struct chooser *chooser, uint32_t group, float *gains)
{
    struct va_phrases *phrases = chooser->phrases;
    int r = 0;

    while (r == 0) {
        struct va_phrase *best = NULL;
        for (size_t i = 0; i < phrases->n; i++) {
            struct va_phrase *phrase = &phrases->items[i];
            if (phrase->group == group && !phrase->chosen && phrase->tokens <= chooser->tokens_left && gains[i] > LEAST_GAIN &&
                (best == NULL || gains[i] > gains[best - phrases->items]))
                best = phrase;
        }
        if (best == NULL)
            return 0;
        float *worth = &gains[best - phrases->items], now = gain(chooser, best) / (float)best->tokens;
        if (now >= *worth)
            r = take(chooser, best);
        *worth = now;
    }
    return r;
}

static int take_whole(struct chooser *chooser, uint32_t group)
{
    struct va_phrases *phrases = chooser->phrases;
    int r = 0;

    for (size_t i = 0; r == 0 && i < phrases->n; i++)
        if (phrases->items[i].group == group)
            r = take(chooser, &phrases->items[i]);
    return r;
}

struct group {
    float gain;
    int tokens;
    int done;
};

/* gains [phrases.n]: for each token. groups [n_groups + 1], cleared. */
static int choose(struct chooser *chooser, float *gains, struct group *groups)
{
    struct va_phrases *phrases = chooser->phrases;
    int all = chooser->tokens_left, r;

    for (size_t i = 0; i < phrases->n; i++) {
        struct va_phrase *phrase = &phrases->items[i];
        if (phrase->group == 0)
            trim_to_rare(chooser, phrase);
        gains[i] = phrase->chosen ? 0 : gain(chooser, phrase) / (float)phrase->tokens;
        groups[phrase->group].gain += gains[i] * (float)phrase->tokens;
        groups[phrase->group].tokens += phrase->tokens;
    }
    /* Words around slots get a part; groups follow, the best first. */
    chooser->tokens_left = all / SHARE_AROUND_SLOTS;
    r = take_best(chooser, 0, gains);
    chooser->tokens_left += all - all / SHARE_AROUND_SLOTS;
    while (r == 0) {
        struct group *best = NULL;
        for (uint32_t i = 1; i <= phrases->n_groups; i++) {
            struct group *group = &groups[i];
            if (!group->done && group->tokens > 0 && group->gain > LEAST_GAIN * (float)group->tokens &&
                (best == NULL || group->gain / (float)group->tokens > best->gain / (float)best->tokens))
                best = group;
        }
        if (best == NULL)
            return 0;
        best->done = 1;
        uint32_t index = (uint32_t)(best - groups);
        r = best->tokens <= chooser->tokens_left ? take_whole(chooser, index) : take_best(chooser, index, gains);
    }
    return r;
}

/* The chosen phrases in the order of the commands. */
static void write(const struct va_phrases *phrases, char *ret_prompt, size_t capacity)
{
    size_t n = 0;

    for (size_t i = 0; i < phrases->n; i++) {
        const char *text = phrases->text + phrases->items[i].text;
        if (phrases->items[i].chosen && *text != '\0' && n + strlen(text) + 4 <= capacity)
            n += (size_t)snprintf(ret_prompt + n, capacity - n, "%s%s", n > 0 ? ", " : "", text);
    }
    if (n > 0)
        snprintf(ret_prompt + n, capacity - n, ".");
}

int va_commands_prompt(const va_commands *commands, const char *language, const va_tokenizer *tokenizer, int max_tokens, char *ret_prompt,
                       size_t capacity)
{
    struct va_phrases phrases = {0};
    struct chooser chooser = {.tokenizer = tokenizer, .phrases = &phrases, .tokens_left = max_tokens};
    int r = 0;

    for (size_t i = 0; r == 0 && i < commands->grammar.n_languages; i++)
        if (language == NULL || strcmp(language, commands->grammar.languages[i].code) == 0)
            r = va_phrases_collect(&commands->grammar, &commands->grammar.languages[i], tokenizer, &phrases);
    float *gains = va_alloc(phrases.n, sizeof *gains);
    struct group *groups = va_calloc((size_t)phrases.n_groups + 1, sizeof *groups);
    if (r == 0)
        r = gains != NULL && groups != NULL ? choose(&chooser, gains, groups) : VA_ENOMEM;
    if (r == 0) {
        ret_prompt[0] = '\0';
        write(&phrases, ret_prompt, capacity);
    }
    va_free(gains);
    va_free(groups);
    va_free(chooser.words);
    va_phrases_clear(&phrases);
    return r;
}
