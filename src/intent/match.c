/* match.c - finds the command that fits a text best.
 *
 * match_node answers: where can this node end when it starts at this position, and what is the best way to each end? Answers are
 * sets of a few ends, and composite nodes remember theirs (by node and position), so time grows with the size of the templates
 * and the length of the text, not with the number of sentences the templates stand for. */
#include "intent/ways.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* What skipped words cost: a text half of which is skipped scores 0.8. */
#define SKIP_COST 0.4f

static void match_node(struct va_matcher *matcher, uint32_t index, uint32_t pos, struct va_ways *ret_ways);

/* Adds the ways of `head` followed by those of node, which starts at head's end. */
static void follow(struct va_matcher *matcher, const struct va_way *head, uint32_t node, struct va_ways *ret_ways)
{
    struct va_ways tails = {0};

    match_node(matcher, node, head->end, &tails);
    for (uint32_t i = 0; i < tails.n && matcher->status == 0; i++) {
        struct va_way way = tails.items[i];
        way.wild += head->wild;
        way.skipped += head->skipped;
        way.literal += head->literal;
        way.captures = va_capture_join(matcher, head->captures, way.captures);
        va_ways_add(matcher, ret_ways, way);
    }
}

/* Where the next word begins when pos is in front of its space. */
static uint32_t behind_space(const struct va_text *text, uint32_t pos)
{
    return pos < text->n && text->bytes[pos] == ' ' ? pos + 1 : pos;
}

static int can_skip(const struct va_matcher *matcher, uint32_t pos)
{
    return matcher->may_skip != NULL && matcher->may_skip[behind_space(matcher->text, pos)];
}

/* Whether anything but nothing can start at pos: a quick look at the next byte, behind skip words too. */
static int may_start(const struct va_matcher *matcher, uint32_t index, uint32_t pos)
{
    const struct va_node *node = &matcher->grammar->nodes[index];

    return node->nullable || (node->starts & matcher->starts[behind_space(matcher->text, pos)]) != 0;
}

static void match_text(struct va_matcher *matcher, const struct va_node *node, uint32_t pos, struct va_ways *ret_ways)
{
    const struct va_text *text = matcher->text;

    if (node->n <= text->n - pos && memcmp(text->bytes + pos, matcher->grammar->text + node->first, node->n) == 0)
        va_ways_add(matcher, ret_ways, (struct va_way){.end = pos + node->n, .literal = node->n});
}

static void match_boundary(struct va_matcher *matcher, uint32_t pos, struct va_ways *ret_ways)
{
    const struct va_text *text = matcher->text;

    if (!va_text_is_boundary(text, pos))
        return;
    pos = behind_space(text, pos);
    va_ways_add(matcher, ret_ways, (struct va_way){.end = pos});
    if (matcher->may_skip == NULL || !matcher->may_skip[pos])
        return;
    const uint8_t *may_skip = matcher->may_skip;
    for (size_t i = 0; i < matcher->language->n_skips && matcher->status == 0; i++) {
        struct va_ways skipped = {0};
        matcher->may_skip = NULL;
        match_node(matcher, matcher->language->skips[i], pos, &skipped);
        matcher->may_skip = may_skip;
        for (uint32_t j = 0; j < skipped.n && matcher->status == 0; j++) {
            struct va_way way = {.end = skipped.items[j].end, .skipped = skipped.items[j].end - pos};
            if (way.end > pos)
                follow(matcher, &way, VA_NODE_INDEX_BOUNDARY, ret_ways);
        }
    }
}

static void match_sequence(struct va_matcher *matcher, const struct va_node *node, uint32_t pos, struct va_ways *ret_ways)
{
    const uint32_t *children = matcher->grammar->children + node->first;
    struct va_ways now = {0};

    match_node(matcher, children[0], pos, &now);
    for (uint32_t i = 1; i < node->n && now.n > 0 && matcher->status == 0; i++) {
        struct va_ways next = {0};
        for (uint32_t j = 0; j < now.n; j++)
            if (may_start(matcher, children[i], now.items[j].end))
                follow(matcher, &now.items[j], children[i], &next);
        now = next;
    }
    *ret_ways = now;
}

static void match_choice(struct va_matcher *matcher, const struct va_node *node, uint32_t pos, struct va_ways *ret_ways)
{
    const struct va_way start = {.end = pos};

    for (uint32_t i = 0; i < node->n && matcher->status == 0; i++) {
        uint32_t child = matcher->grammar->children[node->first + i];
        if (may_start(matcher, child, pos))
            follow(matcher, &start, child, ret_ways);
    }
}

/* sets[mask] holds the ways on which exactly the children of mask were matched. */
static void match_permutation(struct va_matcher *matcher, const struct va_node *node, uint32_t pos, struct va_ways *ret_ways)
{
    uint32_t full = (1u << node->n) - 1;
    struct va_ways *sets = va_matcher_alloc(matcher, (size_t)full + 1, sizeof *sets);

    if (sets == NULL)
        return;
    memset(sets, 0, ((size_t)full + 1) * sizeof *sets);
    va_ways_add(matcher, &sets[0], (struct va_way){.end = pos});
    for (uint32_t mask = 0; mask < full && matcher->status == 0; mask++)
        for (uint32_t j = 0; j < sets[mask].n; j++) {
            struct va_ways starts = {0};
            follow(matcher, &sets[mask].items[j], mask == 0 ? VA_NODE_INDEX_EMPTY : VA_NODE_INDEX_BOUNDARY, &starts);
            for (uint32_t i = 0; i < node->n; i++)
                for (uint32_t k = 0; !(mask >> i & 1) && k < starts.n && matcher->status == 0; k++)
                    follow(matcher, &starts.items[k], matcher->grammar->children[node->first + i], &sets[mask | 1u << i]);
        }
    *ret_ways = sets[full];
}

/* Adds a way whose slot is captured. */
static void capture(struct va_matcher *matcher, struct va_way way, uint32_t slot, uint32_t pos, const char *out, struct va_ways *ret_ways)
{
    struct va_capture *leaf = va_matcher_alloc(matcher, 1, sizeof *leaf);

    if (leaf == NULL)
        return;
    *leaf = (struct va_capture){.slot = slot, .from = pos, .to = way.end, .out = out};
    way.captures = va_capture_join(matcher, way.captures, leaf);
    va_ways_add(matcher, ret_ways, way);
}

static void match_values(struct va_matcher *matcher, const struct va_slot_list *list, uint32_t slot, uint32_t pos, struct va_ways *ret_ways)
{
    for (uint32_t i = 0; i < list->n_values && matcher->status == 0; i++) {
        const struct va_list_value *value = &matcher->language->values[list->first_value + i];
        struct va_ways ways = {0};
        if (!may_start(matcher, value->node, pos))
            continue;
        match_node(matcher, value->node, pos, &ways);
        for (uint32_t j = 0; j < ways.n && matcher->status == 0; j++)
            capture(matcher, ways.items[j], slot, pos, value->out, ret_ways);
    }
}

static void match_range(struct va_matcher *matcher, const struct va_slot_list *list, uint32_t slot, uint32_t pos, struct va_ways *ret_ways)
{
    struct va_number numbers[VA_NUMBERS_MAX];

    if (!va_text_is_boundary(matcher->text, pos))
        return;
    size_t n = va_numbers_parse(matcher->language->numbers, matcher->text, pos, numbers);
    for (size_t i = 0; i < n && matcher->status == 0; i++) {
        double value = numbers[i].value, steps = (value - list->from) / list->step;
        char text[32];
        if (value < list->from - 1e-9 || value > list->to + 1e-9 || fabs(steps - round(steps)) > 1e-6)
            continue;
        snprintf(text, sizeof text, "%.10g", value * list->multiplier + 0.0);
        char *out = va_matcher_alloc(matcher, strlen(text) + 1, 1);
        if (out == NULL)
            return;
        memcpy(out, text, strlen(text) + 1);
        capture(matcher, (struct va_way){.end = (uint32_t)numbers[i].end}, slot, pos, out, ret_ways);
    }
}

/* One word or more. */
static void match_wildcard(struct va_matcher *matcher, uint32_t slot, uint32_t pos, struct va_ways *ret_ways)
{
    const struct va_text *text = matcher->text;

    if (pos >= text->n || text->bytes[pos] == ' ' || !va_text_is_boundary(text, pos))
        return;
    for (uint32_t end = pos + 1; end <= text->n && matcher->status == 0; end++)
        if (end == text->n || text->bytes[end] == ' ')
            capture(matcher, (struct va_way){.end = end, .wild = end - pos}, slot, pos, NULL, ret_ways);
}

static void match_slot(struct va_matcher *matcher, const struct va_node *node, uint32_t pos, struct va_ways *ret_ways)
{
    const struct va_slot_list *list = &matcher->language->lists[node->first];

    if (list->kind == VA_LIST_VALUES)
        match_values(matcher, list, node->n, pos, ret_ways);
    else if (list->kind == VA_LIST_RANGE)
        match_range(matcher, list, node->n, pos, ret_ways);
    else
        match_wildcard(matcher, node->n, pos, ret_ways);
}

static void match_composite(struct va_matcher *matcher, uint32_t index, uint32_t pos, struct va_ways *ret_ways)
{
    const struct va_node *node = &matcher->grammar->nodes[index];

    /* Inside a skip word nothing is skipped, so the answer is another one: it is short, and not worth remembering. */
    int remember = matcher->may_skip != NULL;
    if (remember) {
        struct va_memo_entry *entry = va_memo_find(matcher, index, pos);
        if (entry == NULL)
            return;
        if (entry->used) {
            *ret_ways = entry->ways;
            return;
        }
    }
    va_matcher_step(matcher);
    switch ((enum va_node_kind)node->kind) {
    case VA_NODE_SEQUENCE:
        match_sequence(matcher, node, pos, ret_ways);
        break;
    case VA_NODE_CHOICE:
        match_choice(matcher, node, pos, ret_ways);
        break;
    case VA_NODE_PERMUTATION:
        match_permutation(matcher, node, pos, ret_ways);
        break;
    case VA_NODE_BOUNDARY:
        match_boundary(matcher, pos, ret_ways);
        break;
    default:
        match_slot(matcher, node, pos, ret_ways);
        break;
    }
    if (remember && matcher->status == 0) {
        struct va_memo_entry *entry = va_memo_find(matcher, index, pos); /* it may have moved */
        if (entry == NULL)
            return;
        *entry = (struct va_memo_entry){.node = index, .pos = pos, .used = 1, .ways = *ret_ways};
        matcher->memo_n++;
    }
}

/* ret_ways must be empty; what it points to may be shared and is not changed afterwards. */
static void match_node(struct va_matcher *matcher, uint32_t index, uint32_t pos, struct va_ways *ret_ways)
{
    const struct va_node *node = &matcher->grammar->nodes[index];

    if (matcher->status < 0)
        return;
    switch ((enum va_node_kind)node->kind) {
    case VA_NODE_EMPTY:
        va_ways_add(matcher, ret_ways, (struct va_way){.end = pos});
        break;
    case VA_NODE_TEXT:
        match_text(matcher, node, pos, ret_ways);
        break;
    case VA_NODE_BOUNDARY:
        if (can_skip(matcher, pos))
            match_composite(matcher, index, pos, ret_ways);
        else
            match_boundary(matcher, pos, ret_ways);
        break;
    case VA_NODE_RULE:
        match_node(matcher, matcher->language->rules[node->first].node, pos, ret_ways);
        break;
    default:
        match_composite(matcher, index, pos, ret_ways);
        break;
    }
}

/* ---- a whole text ---- */

/* Fills starts and may_skip, from the end to the start. */
static int mark_starts(struct va_matcher *matcher)
{
    const struct va_text *text = matcher->text;
    uint64_t *starts = va_matcher_alloc(matcher, text->n + 1, sizeof *starts);
    uint8_t *may_skip = va_matcher_alloc(matcher, text->n + 1, 1);

    if (starts == NULL || may_skip == NULL)
        return matcher->status;
    matcher->starts = starts;
    memset(may_skip, 0, text->n + 1);
    starts[text->n] = 0;
    for (uint32_t pos = (uint32_t)text->n; pos-- > 0 && matcher->status == 0;) {
        starts[pos] = UINT64_C(1) << (text->bytes[pos] & 63);
        if (text->bytes[pos] == ' ' || !va_text_is_boundary(text, pos))
            continue;
        uint64_t behind = 0;
        for (size_t i = 0; i < matcher->language->n_skips; i++) {
            struct va_ways ways = {0};
            if (may_start(matcher, matcher->language->skips[i], pos))
                match_node(matcher, matcher->language->skips[i], pos, &ways);
            for (uint32_t j = 0; j < ways.n; j++) {
                uint32_t end = ways.items[j].end;
                if (end <= pos || !va_text_is_boundary(text, end))
                    continue;
                may_skip[pos] = 1;
                behind |= starts[behind_space(text, end)];
            }
        }
        starts[pos] |= behind;
    }
    matcher->may_skip = may_skip;
    return matcher->status;
}

struct best {
    const struct va_sentence *sentence;
    const struct va_language *language;
    struct va_way way;
};

/* Looks at every sentence of the language; of equals the first found stays. */
static void match_sentences(struct va_matcher *matcher, struct best *best)
{
    const struct va_language *language = matcher->language;
    uint32_t n = (uint32_t)matcher->text->n;
    struct va_ways starts = {0};
    uint64_t held = 0;

    for (uint32_t i = 0; i < n; i++)
        held |= UINT64_C(1) << (matcher->text->bytes[i] & 63);
    match_node(matcher, VA_NODE_INDEX_BOUNDARY, 0, &starts);
    for (size_t i = 0; i < language->n_sentences && matcher->status == 0; i++) {
        struct va_ways bodies = {0}, ends = {0};
        if (matcher->grammar->nodes[language->sentences[i].node].needs & ~held)
            continue;
        for (uint32_t j = 0; j < starts.n; j++)
            if (may_start(matcher, language->sentences[i].node, starts.items[j].end))
                follow(matcher, &starts.items[j], language->sentences[i].node, &bodies);
        for (uint32_t j = 0; j < bodies.n; j++)
            if (bodies.items[j].end == n || va_text_is_boundary(matcher->text, bodies.items[j].end))
                follow(matcher, &bodies.items[j], VA_NODE_INDEX_BOUNDARY, &ends);
        const struct va_way *whole = ends.n > 0 ? &ends.items[ends.n - 1] : NULL;
        if (whole != NULL && whole->end == n && (best->sentence == NULL || va_way_is_better(whole, &best->way)))
            *best = (struct best){.sentence = &language->sentences[i], .language = language, .way = *whole};
    }
}

/* Writes the slots [MAX_SLOTS] from left to right; of two with one name the last counts. The tree is as deep as templates nest. */
#define MAX_SLOTS 64

static void collect(const struct va_capture *captures, const struct va_capture **slots, size_t *n)
{
    if (captures == NULL)
        return;
    if (captures->left != NULL) {
        collect(captures->left, slots, n);
        collect(captures->right, slots, n);
        return;
    }
    for (size_t i = 0; i < *n; i++)
        if (slots[i]->slot == captures->slot) {
            slots[i] = captures;
            return;
        }
    if (*n < MAX_SLOTS)
        slots[(*n)++] = captures;
}

/* Copies n bytes and a NUL to *end, and moves it behind them. */
static const char *put_string(char **end, const char *bytes, size_t n)
{
    char *start = *end;

    memcpy(start, bytes, n);
    start[n] = '\0';
    *end = start + n + 1;
    return start;
}

/* The text of a slot: what the list says, or what was said. */
static const char *slot_text(const struct va_capture *capture, const struct va_text *text, const char *original, size_t *ret_n)
{
    if (capture->out != NULL) {
        *ret_n = strlen(capture->out);
        return capture->out;
    }
    *ret_n = text->to[capture->to - 1] - text->from[capture->from];
    return original + text->from[capture->from];
}

/* The intent in one piece of memory: the struct, its slots, their strings. */
static int make_intent(const va_commands *commands, const struct best *best, const struct va_text *text, const char *original,
                       va_intent **ret_intent)
{
    const struct va_command *command = &commands->commands[best->sentence->command];
    const struct va_capture *slots[MAX_SLOTS];
    size_t n = 0, bytes = sizeof(va_intent), size;

    collect(best->way.captures, slots, &n);
    bytes += n * sizeof(va_slot) + strlen(command->name) + strlen(command->response) + 2;
    for (size_t i = 0; i < n; i++) {
        slot_text(slots[i], text, original, &size);
        bytes += strlen(best->language->slot_names[slots[i]->slot]) + size + 2;
    }
    va_intent *intent = va_alloc(1, bytes);
    if (intent == NULL)
        return VA_ENOMEM;
    va_slot *values = (va_slot *)(intent + 1);
    char *end = (char *)(values + n);
    intent->score = 1.0f - SKIP_COST * (float)best->way.skipped / (float)text->n;
    intent->slots = values;
    intent->n_slots = n;
    intent->name = put_string(&end, command->name, strlen(command->name));
    intent->response = put_string(&end, command->response, strlen(command->response));
    for (size_t i = 0; i < n; i++) {
        const char *name = best->language->slot_names[slots[i]->slot], *value = slot_text(slots[i], text, original, &size);
        values[i].name = put_string(&end, name, strlen(name));
        values[i].value = put_string(&end, value, size);
    }
    *ret_intent = intent;
    return 0;
}

int va_commands_match_language(const va_commands *commands, const char *language, const char *original, va_intent **ret_intent,
                               va_error *error)
{
    struct va_text text;
    struct best best = {0};
    int r = va_text_normalize(original, &text, error);

    if (r < 0)
        return r;
    struct va_arena arena;
    va_arena_init(&arena, VA_MATCH_MAX_BYTES);
    struct va_matcher matcher = {.grammar = &commands->grammar, .text = &text, .arena = arena};
    for (size_t i = 0; i < commands->grammar.n_languages && matcher.status == 0 && text.n > 0; i++) {
        matcher.language = &commands->grammar.languages[i];
        if (language != NULL && strcmp(language, matcher.language->code) != 0)
            continue;
        matcher.may_skip = NULL;
        matcher.starts = NULL;
        matcher.memo = NULL;
        matcher.memo_n = matcher.memo_capacity = 0;
        if (mark_starts(&matcher) == 0)
            match_sentences(&matcher, &best);
    }
    r = matcher.status;
    if (r == 0)
        r = best.sentence == NULL ? VA_ENOTFOUND : make_intent(commands, &best, &text, original, ret_intent);
    if (r == VA_ENOTFOUND)
        va_fail(error, r, "no command fits the text");
    else if (r < 0)
        va_fail(error, r, r == VA_ELIMIT ? "the text has too many ways to fit the templates" : "out of memory");
    va_arena_free(&matcher.arena);
    va_text_free(&text);
    return r;
}

int va_commands_match(const va_commands *commands, const char *text, va_intent **ret_intent, va_error *error)
{
    return va_commands_match_language(commands, NULL, text, ret_intent, error);
}

void va_intent_free(va_intent *intent)
{
    va_free(intent);
}
