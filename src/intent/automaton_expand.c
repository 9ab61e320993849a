/* automaton_expand.c - which characters may follow a state, and where each leads. */
#include "intent/automaton_state.h"

#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

/* One way through the grammar without a character: where it is, and what it knows of the character before. */
struct walk {
    va_automaton *automaton;
    uint16_t language;
    uint8_t last; /* class of the character before */
    uint32_t context;
    int differs; /* the next character must be of another class: there is a boundary without a space */
    int depth;
};

static int expand_rest(struct walk walk, uint32_t rest);

static const struct va_grammar *grammar_of(const struct walk *walk)
{
    return &walk->automaton->commands->grammar;
}

static const struct va_language *language_of(const struct walk *walk)
{
    return &grammar_of(walk)->languages[walk->language];
}

static int add_move(struct walk *walk, uint32_t key, struct va_spot spot)
{
    struct va_expansion *expansion = &walk->automaton->expansion;

    if (expansion->n_moves >= VA_AUTOMATON_MAX_ITEMS)
        return VA_ELIMIT;
    if (va_grow(&expansion->moves, &expansion->moves_capacity, expansion->n_moves, sizeof *expansion->moves) < 0)
        return VA_ENOMEM;
    spot.language = walk->language;
    spot.context = walk->context;
    expansion->moves[expansion->n_moves++] = (struct va_move){.key = key, .spot = spot};
    return 0;
}

static int add_space(struct walk *walk, uint32_t rest)
{
    return add_move(walk, ' ', (struct va_spot){.kind = VA_SPOT_REST, .last = VA_CHAR_SPACE, .rest = rest});
}

static int may_follow(const struct walk *walk, uint8_t class)
{
    return !walk->differs || class == VA_CHAR_UNSPACED || class != walk->last;
}

/* The character of a TEXT node at byte `at`. */
static int expand_text(struct walk *walk, uint32_t index, uint32_t at, uint32_t rest)
{
    const struct va_node *node = &grammar_of(walk)->nodes[index];
    const char *bytes = grammar_of(walk)->text + node->first + at;
    uint32_t key = 0;
    size_t n = (size_t)va_utf8_next(bytes, node->n - at, &key);
    uint8_t class = va_automaton_class(key, bytes, n);

    if (n == 0 || (at == 0 && !may_follow(walk, class)))
        return 0;
    if (at + n == node->n)
        return add_move(walk, key, (struct va_spot){.kind = VA_SPOT_REST, .last = class, .rest = rest});
    return add_move(walk, key, (struct va_spot){.kind = VA_SPOT_TEXT, .node = index, .at = at + (uint32_t)n, .rest = rest});
}

/* The characters of a number behind the form. */
static int expand_form(struct walk *walk, uint32_t form, uint32_t rest)
{
    const struct va_form *forms = walk->automaton->forms;
    int starts = walk->last == VA_CHAR_SPACE || walk->differs, r = 0;

    for (uint32_t child = forms[form].child; r == 0 && child != 0; child = forms[child].sibling) {
        uint32_t key = forms[child].key;
        char byte = (char)key;
        uint8_t class = va_automaton_class(key, &byte, key < 0x80 ? 1 : 0);
        if (starts && !may_follow(walk, class))
            continue;
        struct va_spot spot = {.kind = VA_SPOT_FORM, .last = class, .at = form == VA_FORM_DIGITS ? form : child, .rest = rest};
        r = add_move(walk, key, spot);
    }
    return r;
}

static int expand_boundary(struct walk walk, uint32_t rest)
{
    if (walk.last != VA_CHAR_SPACE) { /* a second space is none */
        int r = add_space(&walk, rest);
        if (r < 0)
            return r;
        walk.differs = 1;
    }
    return expand_rest(walk, rest);
}

static int expand_node(struct walk walk, uint32_t index, uint32_t rest);

static int expand_slot(struct walk walk, const struct va_node *node, uint32_t rest)
{
    const struct va_language *language = language_of(&walk);
    const struct va_slot_list *list = &language->lists[node->first];
    int r = 0;

    switch (list->kind) {
    case VA_LIST_VALUES:
        for (uint32_t i = 0; r == 0 && i < list->n_values; i++) {
            const struct va_list_value *value = &language->values[list->first_value + i];
            if (va_block_allows(walk.automaton->blocks[walk.context], value))
                r = expand_node(walk, value->node, rest);
        }
        return r;
    case VA_LIST_RANGE:
        walk.differs |= walk.last != VA_CHAR_SPACE;
        return expand_form(&walk, va_automaton_form_root(walk.automaton, walk.language, node->first), rest);
    case VA_LIST_WILDCARD:
        if (walk.last != VA_CHAR_SPACE)
            return 0;
        return add_move(&walk, VA_KEY_ANY, (struct va_spot){.kind = VA_SPOT_WILD, .last = VA_CHAR_LETTER, .rest = rest});
    }
    return r;
}

static int expand_with(struct walk walk, enum va_rest_kind kind, uint32_t node, uint32_t at, uint32_t next)
{
    int64_t rest = va_automaton_rest(walk.automaton, (struct va_rest){kind, node, at, next});
    return rest < 0 ? (int)rest : expand_rest(walk, (uint32_t)rest);
}

static int expand_node(struct walk walk, uint32_t index, uint32_t rest)
{
    const struct va_node *node = &grammar_of(&walk)->nodes[index];
    int r = 0;

    if (++walk.depth > VA_AUTOMATON_MAX_DEPTH)
        return VA_ELIMIT;
    switch ((enum va_node_kind)node->kind) {
    case VA_NODE_EMPTY:
        return expand_rest(walk, rest);
    case VA_NODE_TEXT:
        return expand_text(&walk, index, 0, rest);
    case VA_NODE_BOUNDARY:
        return expand_boundary(walk, rest);
    case VA_NODE_SEQUENCE:
        return expand_with(walk, VA_REST_SEQUENCE, index, 0, rest);
    case VA_NODE_CHOICE:
        for (uint32_t i = 0; r == 0 && i < node->n; i++)
            r = expand_node(walk, grammar_of(&walk)->children[node->first + i], rest);
        return r;
    case VA_NODE_PERMUTATION:
        return expand_with(walk, VA_REST_ANY_ORDER, index, 0, rest);
    case VA_NODE_SLOT:
        return expand_slot(walk, node, rest);
    case VA_NODE_RULE:
        return expand_node(walk, language_of(&walk)->rules[node->first].node, rest);
    }
    return r;
}

/* The children of a permutation that are left, each of which may come next. */
static int expand_any_order(struct walk walk, const struct va_rest *rest)
{
    const struct va_node *node = &grammar_of(&walk)->nodes[rest->node];
    uint32_t full = (1u << node->n) - 1, next = rest->next, mask = rest->at;
    int r = 0;

    if (mask == full)
        return expand_rest(walk, next);
    for (uint32_t i = 0, index = rest->node; r == 0 && i < node->n; i++) {
        if (mask >> i & 1)
            continue;
        int64_t others = va_automaton_rest(walk.automaton, (struct va_rest){VA_REST_ANY_ORDER, index, mask | 1u << i, next});
        /* A boundary stands between two, not behind the last. */
        if (others >= 0 && (mask | 1u << i) != full)
            others = va_automaton_rest(walk.automaton, (struct va_rest){VA_REST_BOUNDARY, 0, 0, (uint32_t)others});
        r = others < 0 ? (int)others : expand_node(walk, grammar_of(&walk)->children[node->first + i], (uint32_t)others);
    }
    return r;
}

/* Every sentence of every language that is asked for, and the words that may stand in front of it. */
static int expand_start(struct walk walk)
{
    const struct va_grammar *grammar = grammar_of(&walk);
    const char *wanted = walk.automaton->language;
    int r = 0;

    for (size_t i = 0; r == 0 && i < grammar->n_languages; i++) {
        const struct va_language *language = &grammar->languages[i];
        if (wanted != NULL && strcmp(wanted, language->code) != 0)
            continue;
        walk.language = (uint16_t)i;
        for (size_t j = 0; r == 0 && j < language->n_sentences; j++) {
            const struct va_sentence *sentence = &language->sentences[j];
            walk.context = sentence->block != NULL ? sentence->block->context : 0;
            r = expand_node(walk, sentence->node, VA_REST_END);
        }
        walk.context = 0;
        for (size_t j = 0; r == 0 && j < language->n_skips; j++)
            r = expand_node(walk, language->skips[j], VA_REST_SKIPPED);
    }
    return r;
}

static int expand_fixed(struct walk walk, uint32_t rest)
{
    int r = 0;

    switch (rest) {
    case VA_REST_START:
        return expand_start(walk);
    case VA_REST_SKIPPED:
        return expand_boundary(walk, VA_REST_START);
    case VA_REST_END:
        walk.automaton->expansion.accepts = 1;
        return walk.last == VA_CHAR_SPACE ? 0 : add_space(&walk, VA_REST_TAIL);
    default: /* VA_REST_TAIL */
        walk.automaton->expansion.accepts = 1;
        for (size_t i = 0; r == 0 && i < language_of(&walk)->n_skips; i++)
            r = expand_node(walk, language_of(&walk)->skips[i], VA_REST_END);
        return r;
    }
}

/* 1 when this was expanded before; negative VA_E* otherwise possible. */
static int was_seen(const struct walk *walk, uint32_t rest)
{
    struct va_expansion *expansion = &walk->automaton->expansion;
    uint64_t key = (uint64_t)rest << 42 | (uint64_t)walk->context << 20 | (uint64_t)walk->language << 4 | (uint64_t)walk->last << 1 |
                   (uint64_t)(walk->differs != 0);

    if (expansion->n_seen * 2 >= expansion->seen_size) {
        size_t size = expansion->seen_size == 0 ? 1024 : expansion->seen_size * 2;
        struct va_seen *seen = va_calloc(size, sizeof *seen);
        if (seen == NULL)
            return VA_ENOMEM;
        for (size_t i = 0; i < expansion->seen_size; i++) {
            if (expansion->seen[i].stamp != expansion->stamp)
                continue;
            size_t slot = (size_t)(expansion->seen[i].key * 0x9E3779B97F4A7C15u >> 20) & (size - 1);
            while (seen[slot].stamp == expansion->stamp)
                slot = (slot + 1) & (size - 1);
            seen[slot] = expansion->seen[i];
        }
        va_free(expansion->seen);
        expansion->seen = seen;
        expansion->seen_size = size;
    }
    size_t slot = (size_t)(key * 0x9E3779B97F4A7C15u >> 20) & (expansion->seen_size - 1);
    for (; expansion->seen[slot].stamp == expansion->stamp; slot = (slot + 1) & (expansion->seen_size - 1))
        if (expansion->seen[slot].key == key)
            return 1;
    expansion->seen[slot] = (struct va_seen){key, expansion->stamp};
    expansion->n_seen++;
    return 0;
}

static int expand_rest(struct walk walk, uint32_t index)
{
    int r = was_seen(&walk, index);

    if (r != 0)
        return r < 0 ? r : 0;
    if (++walk.depth > VA_AUTOMATON_MAX_DEPTH)
        return VA_ELIMIT;
    const struct va_rest rest = walk.automaton->rests[index]; /* the list may move */
    const struct va_node *node = &grammar_of(&walk)->nodes[rest.node];
    switch ((enum va_rest_kind)rest.kind) {
    case VA_REST_FIXED:
        return expand_fixed(walk, index);
    case VA_REST_BOUNDARY:
        return expand_boundary(walk, rest.next);
    case VA_REST_ANY_ORDER:
        return expand_any_order(walk, &rest);
    case VA_REST_SEQUENCE: {
        int64_t next = rest.next;
        if (rest.at + 1 < node->n)
            next = va_automaton_rest(walk.automaton, (struct va_rest){VA_REST_SEQUENCE, rest.node, rest.at + 1, rest.next});
        return next < 0 ? (int)next : expand_node(walk, grammar_of(&walk)->children[node->first + rest.at], (uint32_t)next);
    }
    }
    return 0;
}

static int expand_spot(struct walk walk, const struct va_spot *spot)
{
    int r = 0;

    switch ((enum va_spot_kind)spot->kind) {
    case VA_SPOT_REST:
        if (spot->last == VA_CHAR_SPACE)
            r = add_space(&walk, spot->rest);
        return r < 0 ? r : expand_rest(walk, spot->rest);
    case VA_SPOT_TEXT:
        return expand_text(&walk, spot->node, spot->at, spot->rest);
    case VA_SPOT_FORM:
        r = expand_form(&walk, spot->at, spot->rest);
        return r < 0 || !walk.automaton->forms[spot->at].ends ? r : expand_rest(walk, spot->rest);
    case VA_SPOT_WILD:
        /* Any further character, also a space; or its end, where a boundary must follow. */
        r = add_move(&walk, VA_KEY_ANY, (struct va_spot){.kind = VA_SPOT_WILD, .last = VA_CHAR_LETTER, .rest = spot->rest});
        if (r == 0)
            r = add_move(&walk, ' ', (struct va_spot){.kind = VA_SPOT_WILD, .last = VA_CHAR_SPACE, .rest = spot->rest});
        return r < 0 || spot->last == VA_CHAR_SPACE ? r : expand_rest(walk, spot->rest);
    }
    return r;
}

int va_automaton_expand(va_automaton *automaton, uint32_t index)
{
    const struct va_automaton_state state = automaton->states[index];
    struct va_expansion *expansion = &automaton->expansion;
    int r = 0;

    expansion->n_moves = expansion->n_seen = 0;
    expansion->accepts = 0;
    expansion->stamp++;
    for (uint32_t i = 0; r == 0 && i < state.n_spots; i++) {
        const struct va_spot spot = automaton->spots[state.first_spot + i];
        r = expand_spot((struct walk){.automaton = automaton, .language = spot.language, .last = spot.last, .context = spot.context},
                        &spot);
    }
    return r;
}
