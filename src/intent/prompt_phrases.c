#include "intent/prompt_phrases.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define MAX_FORCED 32

struct collector {
    const struct va_grammar *grammar;
    const struct va_language *language;
    const va_tokenizer *tokenizer;
    struct va_phrases *phrases;
    uint8_t *seen_choices;            /* [n_nodes] */
    uint8_t *seen_lists;              /* [n_lists] */
    uint32_t group;                   /* of the phrases being told, 0 around slots */
    char phrase[VA_PHRASE_MAX_BYTES]; /* being told, [n] */
    size_t n;
    int space, is_too_long;
    struct {
        uint32_t choice, child;
    } forced[MAX_FORCED]; /* [n_forced] alternatives that are taken; of other choices it is the first, or nothing */
    size_t n_forced;
};

static int has_digit(const char *text)
{
    return strpbrk(text, "0123456789") != NULL;
}

/* Ends the phrase that is being told. Digits are left out: they are told in words, or need not be. */
static int end_phrase(struct collector *collector)
{
    struct va_phrases *phrases = collector->phrases;
    char spoken[VA_PHRASE_MAX_BYTES + 2];
    int32_t ids[VA_PHRASE_MAX_BYTES + 2];
    size_t n = collector->n;

    collector->phrase[n] = '\0';
    int useful = n > 1 && !collector->is_too_long && !has_digit(collector->phrase) && phrases->n < VA_PHRASES_MAX;
    collector->n = 0;
    collector->space = collector->is_too_long = 0;
    if (!useful)
        return 0;
    snprintf(spoken, sizeof spoken, " %s", collector->phrase);
    int tokens = va_tokenizer_encode(collector->tokenizer, spoken, ids, sizeof ids / sizeof ids[0]);
    if (tokens < 0)
        return tokens == VA_ENOMEM ? VA_ENOMEM : 0;
    if (va_grow(&phrases->items, &phrases->capacity, phrases->n, sizeof *phrases->items) < 0)
        return VA_ENOMEM;
    phrases->items[phrases->n++] =
        (struct va_phrase){.text = (uint32_t)phrases->n_text, .group = collector->group, .tokens = (uint16_t)(tokens + 1)};
    for (size_t i = 0; i <= n; i++) {
        if (va_grow(&phrases->text, &phrases->text_capacity, phrases->n_text, 1) < 0)
            return VA_ENOMEM;
        phrases->text[phrases->n_text++] = collector->phrase[i];
    }
    return 0;
}

static void put(struct collector *collector, const char *bytes, size_t n)
{
    size_t space = collector->space && collector->n > 0;

    if (collector->n + space + n + 1 > sizeof collector->phrase) {
        collector->is_too_long = 1;
        return;
    }
    if (space)
        collector->phrase[collector->n++] = ' ';
    memcpy(collector->phrase + collector->n, bytes, n);
    collector->n += n;
    collector->space = 0;
}

/* The child of a choice that is told, or NULL for none. */
static const uint32_t *chosen_child(const struct collector *collector, uint32_t index)
{
    const struct va_node *node = &collector->grammar->nodes[index];
    const uint32_t *children = collector->grammar->children + node->first;

    for (size_t i = 0; i < collector->n_forced; i++)
        if (collector->forced[i].choice == index)
            return &children[collector->forced[i].child];
    return node->nullable ? NULL : &children[0];
}

static uint32_t rule_node(const struct collector *collector, const struct va_node *node)
{
    return collector->language->rules[node->first].node;
}

/* Tells a node in the alternatives that are forced. A slot ends the phrase. */
static int tell(struct collector *collector, uint32_t index)
{
    const struct va_node *node = &collector->grammar->nodes[index];
    const uint32_t *child;
    int r = 0;

    switch ((enum va_node_kind)node->kind) {
    case VA_NODE_EMPTY:
        return 0;
    case VA_NODE_TEXT:
        put(collector, collector->grammar->text + node->spelling, node->spelling_n);
        return 0;
    case VA_NODE_BOUNDARY:
        collector->space = 1;
        return 0;
    case VA_NODE_SEQUENCE:
    case VA_NODE_PERMUTATION:
        for (uint32_t i = 0; r == 0 && i < node->n; i++) {
            collector->space |= node->kind == VA_NODE_PERMUTATION;
            r = tell(collector, collector->grammar->children[node->first + i]);
        }
        return r;
    case VA_NODE_CHOICE:
        child = chosen_child(collector, index);
        return child == NULL ? 0 : tell(collector, *child);
    case VA_NODE_SLOT:
        return end_phrase(collector);
    case VA_NODE_RULE:
        return tell(collector, rule_node(collector, node));
    }
    return r;
}

/* Whether the choice is among endings or other parts of a word. */
static int is_in_word(const struct collector *collector, uint32_t parent, uint32_t i)
{
    const struct va_node *node = &collector->grammar->nodes[parent];
    const uint32_t *children = collector->grammar->children + node->first;

    return node->kind == VA_NODE_SEQUENCE && ((i > 0 && collector->grammar->nodes[children[i - 1]].kind == VA_NODE_TEXT) ||
                                              (i + 1 < node->n && collector->grammar->nodes[children[i + 1]].kind == VA_NODE_TEXT));
}

static int vary(struct collector *collector, uint32_t root, uint32_t index);

/* Tells the root once for each alternative of a choice beyond the one that was told, and varies what is in it. */
static int vary_choice(struct collector *collector, uint32_t root, uint32_t index)
{
    const struct va_node *node = &collector->grammar->nodes[index];
    uint32_t outer = collector->group, first = node->nullable ? 0 : 1;
    int r = 0;

    if (collector->seen_choices[index] || collector->n_forced == MAX_FORCED)
        return 0;
    collector->seen_choices[index] = 1;
    if (outer > 0)
        collector->group = ++collector->phrases->n_groups;
    if (first == 1)
        r = vary(collector, root, collector->grammar->children[node->first]);
    for (uint32_t i = first; r == 0 && i < node->n; i++) {
        uint32_t child = collector->grammar->children[node->first + i];
        if (child == VA_NODE_INDEX_EMPTY)
            continue;
        collector->forced[collector->n_forced].choice = index;
        collector->forced[collector->n_forced++].child = i;
        r = tell(collector, root);
        if (r == 0)
            r = end_phrase(collector);
        if (r == 0)
            r = vary(collector, root, child);
        collector->n_forced--;
    }
    collector->group = outer;
    return r;
}

static int collect_list(struct collector *collector, uint32_t index);

/* Finds the choices below a node that the telling of the root goes through, and the lists. */
static int vary(struct collector *collector, uint32_t root, uint32_t index)
{
    const struct va_node *node = &collector->grammar->nodes[index];
    int r = 0;

    switch ((enum va_node_kind)node->kind) {
    case VA_NODE_SEQUENCE:
    case VA_NODE_PERMUTATION:
        for (uint32_t i = 0; r == 0 && i < node->n; i++)
            if (!is_in_word(collector, index, i))
                r = vary(collector, root, collector->grammar->children[node->first + i]);
        return r;
    case VA_NODE_CHOICE:
        return vary_choice(collector, root, index);
    case VA_NODE_RULE:
        return vary(collector, root, rule_node(collector, node));
    case VA_NODE_SLOT:
        return collect_list(collector, node->first);
    default:
        return 0;
    }
}

/* One sentence or value in all its alternatives. */
static int collect(struct collector *collector, uint32_t root)
{
    int r = tell(collector, root);

    if (r == 0)
        r = end_phrase(collector);
    return r < 0 ? r : vary(collector, root, root);
}

static int collect_list(struct collector *collector, uint32_t index)
{
    const struct va_slot_list *list = &collector->language->lists[index];
    struct collector values = *collector;
    int r = 0;

    if (list->kind != VA_LIST_VALUES || collector->seen_lists[index])
        return 0;
    collector->seen_lists[index] = 1;
    uint32_t group = ++collector->phrases->n_groups;
    values.n_forced = values.n = 0;
    for (uint32_t i = 0; r == 0 && i < list->n_values; i++) {
        values.group = group;
        r = collect(&values, collector->language->values[list->first_value + i].node);
    }
    return r;
}

int va_phrases_collect(const struct va_grammar *grammar, const struct va_language *language, const va_tokenizer *tokenizer,
                       struct va_phrases *phrases)
{
    struct collector collector = {.grammar = grammar, .language = language, .tokenizer = tokenizer, .phrases = phrases};
    int r = VA_ENOMEM;

    collector.seen_choices = va_calloc(grammar->n_nodes, 1);
    collector.seen_lists = va_calloc(language->n_lists, 1);
    if (collector.seen_choices != NULL && collector.seen_lists != NULL)
        r = 0;
    for (size_t i = 0; r == 0 && i < language->n_sentences && phrases->n < VA_PHRASES_MAX; i++)
        r = collect(&collector, language->sentences[i].node);
    va_free(collector.seen_choices);
    va_free(collector.seen_lists);
    return r;
}

void va_phrases_clear(struct va_phrases *phrases)
{
    va_free(phrases->items);
    va_free(phrases->text);
    *phrases = (struct va_phrases){0};
}
