#include "understand/token_filter.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "intent/arena.h"
#include "intent/automaton.h"

/* Answers that are kept: one for each state of the automaton that a search stood in. */
#define MAX_ANSWERS 1024
#define MAX_ANSWER_TOKENS ((size_t)1 << 20)

struct answer {
    struct va_automaton_place place;
    uint32_t first, n; /* in `tokens` */
};

struct va_token_filter {
    const va_tokenizer *tokenizer;
    pthread_mutex_t lock; /* of all below */
    va_automaton *automaton;
    uint16_t *sorted; /* [n_sorted] text tokens in the order of their bytes; NULL before the first walk */
    size_t n_sorted;
    struct answer answers[MAX_ANSWERS];
    size_t n_answers;
    uint16_t *tokens; /* [n_tokens] of all answers */
    size_t n_tokens, tokens_capacity;
};

/* A token with the first bytes of its text, which settle nearly all of the order: sorting by comparisons takes five times as long. */
struct spelled {
    uint64_t start; /* big-endian */
    uint16_t token;
};

static int compare_tokens(const void *a, const void *b, void *user)
{
    const struct spelled *first = a, *second = b;
    size_t n, m;
    const uint8_t *left = va_tokenizer_bytes(user, first->token, &n), *right = va_tokenizer_bytes(user, second->token, &m);
    int order = memcmp(left, right, n < m ? n : m);

    return order != 0 ? order : n < m ? -1 : n > m;
}

/* By start, a byte at a time from the last to the first. */
static void sort_by_start(struct spelled *spelled, struct spelled *scratch, size_t n)
{
    for (int shift = 0; shift < 64; shift += 8) {
        size_t places[257] = {0};
        for (size_t i = 0; i < n; i++)
            places[(spelled[i].start >> shift & 0xFF) + 1]++;
        for (size_t i = 1; i < 256; i++)
            places[i] += places[i - 1];
        for (size_t i = 0; i < n; i++)
            scratch[places[spelled[i].start >> shift & 0xFF]++] = spelled[i];
        struct spelled *sorted = scratch;
        scratch = spelled;
        spelled = sorted;
    }
}

/* The tokens that have a text, in the order of its bytes. At the first walk, not with the filter: it would be a seventh of the program's
 * start. */
static int sort_tokens(va_token_filter *filter)
{
    int32_t end = va_tokenizer_special(filter->tokenizer)->end;
    struct spelled *spelled = va_alloc((size_t)end * 2, sizeof *spelled);
    size_t same = 0; /* the first of those with the same start */

    filter->sorted = spelled != NULL ? va_alloc((size_t)end, sizeof *filter->sorted) : NULL;
    if (filter->sorted == NULL) {
        va_free(spelled);
        return VA_ENOMEM;
    }
    for (int32_t token = 0; token < end; token++) {
        size_t n;
        const uint8_t *bytes = va_tokenizer_bytes(filter->tokenizer, token, &n);
        uint64_t start = 0;
        if (n == 0)
            continue;
        for (size_t i = 0; i < sizeof start; i++)
            start = start << 8 | (i < n ? bytes[i] : 0);
        spelled[filter->n_sorted++] = (struct spelled){.start = start, .token = (uint16_t)token};
    }
    sort_by_start(spelled, spelled + end, filter->n_sorted);
    for (size_t i = 1; i <= filter->n_sorted; i++)
        if (i == filter->n_sorted || spelled[i].start != spelled[same].start) {
            if (i - same > 1)
                qsort_r(spelled + same, i - same, sizeof *spelled, compare_tokens, (void *)filter->tokenizer);
            same = i;
        }
    for (size_t i = 0; i < filter->n_sorted; i++)
        filter->sorted[i] = spelled[i].token;
    va_free(spelled);
    return 0;
}

int va_token_filter_new(const va_tokenizer *tokenizer, const va_commands *commands, const char *language, va_token_filter **ret_filter,
                        va_error *error)
{
    va_token_filter *filter = va_calloc(1, sizeof *filter);

    if (filter == NULL)
        return va_fail_memory(error);
    filter->tokenizer = tokenizer;
    pthread_mutex_init(&filter->lock, NULL);
    int r = va_automaton_new(commands, language, &filter->automaton, error);
    if (r < 0) {
        va_token_filter_free(filter);
        return r;
    }
    *ret_filter = filter;
    return 0;
}

void va_token_filter_free(va_token_filter *filter)
{
    if (filter == NULL)
        return;
    va_automaton_free(filter->automaton);
    pthread_mutex_destroy(&filter->lock);
    va_free(filter->sorted);
    va_free(filter->tokens);
    va_free(filter);
}

/* ---- one walk over the vocabulary ---- */

static int add_token(va_token_filter *filter, uint16_t token)
{
    if (filter->n_tokens >= MAX_ANSWER_TOKENS)
        return VA_ELIMIT;
    if (va_grow(&filter->tokens, &filter->tokens_capacity, filter->n_tokens, sizeof token) < 0)
        return VA_ENOMEM;
    filter->tokens[filter->n_tokens++] = token;
    return 0;
}

/* First of sorted low..high whose byte at `depth` is above `byte`. */
static size_t end_of_byte(const va_token_filter *filter, size_t low, size_t high, size_t depth, uint8_t byte)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2, n;
        if (va_tokenizer_bytes(filter->tokenizer, filter->sorted[middle], &n)[depth] <= byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int ends_at(const va_token_filter *filter, size_t index, size_t length)
{
    size_t n;

    va_tokenizer_bytes(filter->tokenizer, filter->sorted[index], &n);
    return n == length;
}

/* Tokens low..high have their first `depth` bytes in common, which lead to the place; `goes`: they change the text. */
static int walk(va_token_filter *filter, size_t low, size_t high, size_t depth, struct va_automaton_place place, int goes)
{
    while (low < high) {
        size_t n, next;
        uint8_t byte = va_tokenizer_bytes(filter->tokenizer, filter->sorted[low], &n)[depth];
        struct va_automaton_place behind = place;
        next = end_of_byte(filter, low, high, depth, byte);
        int r = va_automaton_step(filter->automaton, &behind, (char)byte);
        if (r < 0)
            return r;
        if (r != VA_AUTOMATON_DEAD) {
            int changes = goes || r == VA_AUTOMATON_GOES;
            /* Of equal beginnings the shortest token comes first; a damaged vocabulary may have it several times. */
            while (low < next && ends_at(filter, low, depth + 1)) {
                if ((changes || behind.n_pending > 0) && (r = add_token(filter, filter->sorted[low])) < 0)
                    return r;
                low++;
            }
            if ((r = walk(filter, low, next, depth + 1, behind, changes)) < 0)
                return r;
        }
        low = next;
    }
    return 0;
}

static int is_same_place(const struct va_automaton_place *a, const struct va_automaton_place *b)
{
    return a->state == b->state && a->n_pending == b->n_pending && memcmp(a->pending, b->pending, a->n_pending) == 0;
}

static int find_answer(va_token_filter *filter, const struct va_automaton_place *place, const struct answer **ret_answer)
{
    for (size_t i = 0; i < filter->n_answers; i++)
        if (is_same_place(&filter->answers[i].place, place)) {
            *ret_answer = &filter->answers[i];
            return 0;
        }
    if (filter->n_answers == MAX_ANSWERS || filter->n_tokens >= MAX_ANSWER_TOKENS / 2)
        filter->n_answers = filter->n_tokens = 0;
    struct answer answer = {.place = *place, .first = (uint32_t)filter->n_tokens};
    int r = filter->sorted == NULL ? sort_tokens(filter) : 0;
    if (r == 0)
        r = walk(filter, 0, filter->n_sorted, 0, *place, 0);
    if (r < 0) {
        filter->n_tokens = answer.first;
        return r;
    }
    answer.n = (uint32_t)filter->n_tokens - answer.first;
    filter->answers[filter->n_answers] = answer;
    *ret_answer = &filter->answers[filter->n_answers++];
    return 0;
}

/* ---- answers ---- */

/* 1: the tokens lead to the place. 0: to none; negative: the automaton failed. */
static int find_place(va_token_filter *filter, const int32_t *tokens, int n, struct va_automaton_place *ret_place)
{
    int r;

    if (va_automaton_trim(filter->automaton))
        filter->n_answers = filter->n_tokens = 0;
    if ((r = va_automaton_start(filter->automaton, ret_place)) < 0)
        return r;
    for (int i = 0; i < n; i++) {
        size_t length;
        const uint8_t *bytes = va_tokenizer_bytes(filter->tokenizer, tokens[i], &length);
        for (size_t j = 0; j < length; j++) {
            r = va_automaton_step(filter->automaton, ret_place, (char)bytes[j]);
            if (r <= 0)
                return r;
        }
    }
    return 1;
}

static int allow(va_token_filter *filter, const int32_t *tokens, int n, struct va_token_set *ret_allowed)
{
    int32_t end = va_tokenizer_special(filter->tokenizer)->end;
    struct va_automaton_place place;
    const struct answer *answer;
    int r = find_place(filter, tokens, n, &place);

    if (r <= 0)
        return r == 0; /* nothing follows */
    int accepts = va_automaton_accepts(filter->automaton, &place);
    int is_free = va_automaton_is_free(filter->automaton, &place);
    if (accepts < 0 || is_free < 0)
        return 0;
    if (accepts > 0 && n > 0)
        va_token_set_add(ret_allowed, end);
    if (is_free) {
        va_token_set_add_range(ret_allowed, 0, end);
        return 1;
    }
    if (find_answer(filter, &place, &answer) < 0)
        return 0;
    for (uint32_t i = 0; i < answer->n; i++)
        va_token_set_add(ret_allowed, filter->tokens[answer->first + i]);
    return 1;
}

int va_token_filter_allow(va_token_filter *filter, const int32_t *tokens, int n, struct va_token_set *ret_allowed)
{
    pthread_mutex_lock(&filter->lock);
    int r = allow(filter, tokens, n, ret_allowed);
    pthread_mutex_unlock(&filter->lock);
    return r;
}

/* ---- what may follow a text ---- */

/* Length of the text without the spaces and punctuation at its end. */
static size_t without_end(const char *text)
{
    size_t n = strlen(text), kept = 0;

    for (size_t at = 0, length; at < n; at += length) {
        uint32_t code = 0;
        length = (size_t)va_utf8_next(text + at, n - at, &code);
        if (length == 0)
            return n; /* not UTF-8 */
        int is_word = code < 0x80 ? isalnum((int)code) : code < 0x2000 || (code > 0x206F && code != 0x3002 && code != 0xFF0C);
        kept = is_word ? at + length : kept;
    }
    return kept;
}

/* An enum va_outlook, or negative. */
static int outlook(va_token_filter *filter, const char *text, size_t n)
{
    struct va_automaton_place place;
    int was_whole = 0; /* before the last word */

    if (va_automaton_trim(filter->automaton))
        filter->n_answers = filter->n_tokens = 0;
    int r = va_automaton_start(filter->automaton, &place);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        if (text[i] == ' ' && (r = va_automaton_accepts(filter->automaton, &place)) > 0)
            was_whole = 1;
        if (r >= 0 && (r = va_automaton_step(filter->automaton, &place, text[i])) == VA_AUTOMATON_DEAD)
            return VA_OUTLOOK_CLOSED;
    }
    if (r < 0 || (r = va_automaton_continues(filter->automaton, &place)) <= 0)
        return r < 0 ? r : VA_OUTLOOK_CLOSED;
    int accepts = va_automaton_accepts(filter->automaton, &place), is_free = va_automaton_is_free(filter->automaton, &place);
    if (accepts < 0 || is_free < 0)
        return accepts < 0 ? accepts : is_free;
    return was_whole && accepts && !is_free ? VA_OUTLOOK_UNLIKELY : VA_OUTLOOK_OPEN;
}

enum va_outlook va_token_filter_outlook(va_token_filter *filter, const char *text)
{
    pthread_mutex_lock(&filter->lock);
    int r = outlook(filter, text, without_end(text));
    pthread_mutex_unlock(&filter->lock);
    return r < 0 ? VA_OUTLOOK_OPEN : (enum va_outlook)r;
}
