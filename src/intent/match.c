/* match.c - finds the command that fits a text best.
 *
 * match_node answers: where can this node end when it starts at this position, and what is the best way to each end? Answers are
 * sets of a few ends, and composite nodes remember theirs (by node and position), so time grows with the size of the templates
 * and the length of the text, not with the number of sentences the templates stand for. */
#include "intent/ways.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void va_match_follow(struct va_matcher *matcher, const struct va_way *head, uint32_t node, struct va_ways *ret_ways)
{
    struct va_ways tails = {0};

    va_match_node(matcher, node, head->end, &tails);
    for (uint32_t i = 0; i < tails.n && matcher->status == 0; i++) {
        struct va_way way = tails.items[i];
        way.wild += head->wild;
        way.skipped += head->skipped;
        way.literal += head->literal;
        way.named = (uint16_t)(way.named + head->named);
        way.wildcards = (uint16_t)(way.wildcards + head->wildcards);
        way.captures = va_capture_join(matcher, head->captures, way.captures);
        va_ways_add(matcher, ret_ways, way);
    }
}

uint32_t va_match_behind_space(const struct va_text *text, uint32_t pos)
{
    return pos < text->n && text->bytes[pos] == ' ' ? pos + 1 : pos;
}

static int can_skip(const struct va_matcher *matcher, uint32_t pos)
{
    return matcher->may_skip != NULL && matcher->may_skip[va_match_behind_space(matcher->text, pos)];
}

int va_match_may_start(const struct va_matcher *matcher, uint32_t index, uint32_t pos)
{
    const struct va_node *node = &matcher->grammar->nodes[index];

    return node->nullable || (node->starts & matcher->starts[va_match_behind_space(matcher->text, pos)]) != 0;
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
    pos = va_match_behind_space(text, pos);
    va_ways_add(matcher, ret_ways, (struct va_way){.end = pos});
    if (matcher->may_skip == NULL || !matcher->may_skip[pos])
        return;
    const uint8_t *may_skip = matcher->may_skip;
    for (size_t i = 0; i < matcher->language->n_skips && matcher->status == 0; i++) {
        struct va_ways skipped = {0};
        matcher->may_skip = NULL;
        va_match_node(matcher, matcher->language->skips[i], pos, &skipped);
        matcher->may_skip = may_skip;
        for (uint32_t j = 0; j < skipped.n && matcher->status == 0; j++) {
            struct va_way way = {.end = skipped.items[j].end, .skipped = skipped.items[j].end - pos};
            if (way.end > pos)
                va_match_follow(matcher, &way, VA_NODE_INDEX_BOUNDARY, ret_ways);
        }
    }
}

static void match_sequence(struct va_matcher *matcher, const struct va_node *node, uint32_t pos, struct va_ways *ret_ways)
{
    const uint32_t *children = matcher->grammar->children + node->first;
    struct va_ways now = {0};

    va_match_node(matcher, children[0], pos, &now);
    for (uint32_t i = 1; i < node->n && now.n > 0 && matcher->status == 0; i++) {
        struct va_ways next = {0};
        for (uint32_t j = 0; j < now.n; j++)
            if (va_match_may_start(matcher, children[i], now.items[j].end))
                va_match_follow(matcher, &now.items[j], children[i], &next);
        now = next;
    }
    *ret_ways = now;
}

static void match_choice(struct va_matcher *matcher, const struct va_node *node, uint32_t pos, struct va_ways *ret_ways)
{
    const struct va_way start = {.end = pos};

    for (uint32_t i = 0; i < node->n && matcher->status == 0; i++) {
        uint32_t child = matcher->grammar->children[node->first + i];
        if (va_match_may_start(matcher, child, pos))
            va_match_follow(matcher, &start, child, ret_ways);
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
            va_match_follow(matcher, &sets[mask].items[j], mask == 0 ? VA_NODE_INDEX_EMPTY : VA_NODE_INDEX_BOUNDARY, &starts);
            for (uint32_t i = 0; i < node->n; i++)
                for (uint32_t k = 0; !(mask >> i & 1) && k < starts.n && matcher->status == 0; k++)
                    va_match_follow(matcher, &starts.items[k], matcher->grammar->children[node->first + i], &sets[mask | 1u << i]);
        }
    *ret_ways = sets[full];
}

int va_condition_holds(const struct va_condition *condition, const char *value)
{
    int found = value != NULL && condition->n_values == 0;

    for (size_t i = 0; value != NULL && !found && i < condition->n_values; i++)
        found = strcmp(condition->values[i], value) == 0;
    return found != condition->excludes;
}

int va_block_allows(const struct va_block *block, const struct va_list_value *value)
{
    for (size_t i = 0; block != NULL && i < block->n_conditions; i++)
        for (size_t j = 0; j < value->n_context; j++)
            if (strcmp(block->conditions[i].key, value->context[j].name) == 0 &&
                !va_condition_holds(&block->conditions[i], value->context[j].value))
                return 0;
    return 1;
}

/* Adds a way whose slot is captured: the leaf says what. */
static void capture(struct va_matcher *matcher, struct va_way way, struct va_capture what, struct va_ways *ret_ways)
{
    struct va_capture *leaf = va_matcher_alloc(matcher, 1, sizeof *leaf);

    if (leaf == NULL)
        return;
    *leaf = what;
    leaf->to = way.end;
    way.captures = va_capture_join(matcher, way.captures, leaf);
    va_ways_add(matcher, ret_ways, way);
}

static void match_values(struct va_matcher *matcher, const struct va_slot_list *list, uint32_t slot, uint32_t pos, struct va_ways *ret_ways)
{
    for (uint32_t i = 0; i < list->n_values && matcher->status == 0; i++) {
        const struct va_list_value *value = &matcher->language->values[list->first_value + i];
        struct va_ways ways = {0};
        if (!va_match_may_start(matcher, value->node, pos) || !va_block_allows(matcher->block, value))
            continue;
        va_match_node(matcher, value->node, pos, &ways);
        for (uint32_t j = 0; j < ways.n && matcher->status == 0; j++) {
            struct va_way way = ways.items[j];
            way.literal = 0; /* words of the sentence count, not those of values */
            if (value->n_context > 0)
                way.named = (uint16_t)(way.named + way.end - pos);
            capture(matcher, way, (struct va_capture){.slot = slot, .from = pos, .out = value->out, .value = value}, ret_ways);
        }
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
        struct va_way way = {.end = (uint32_t)numbers[i].end};
        capture(matcher, way, (struct va_capture){.slot = slot, .from = pos, .out = out}, ret_ways);
    }
}

/* One word or more; a part of one only where the template has something in the same word. */
static void match_wildcard(struct va_matcher *matcher, const struct va_node *node, uint32_t pos, struct va_ways *ret_ways)
{
    const struct va_text *text = matcher->text;

    if (pos >= text->n || text->bytes[pos] == ' ')
        return;
    for (uint32_t end = pos + 1; end <= text->n && matcher->status == 0; end++) {
        int in_word = end < text->n && text->bytes[end] != ' ';
        if (in_word && (text->from[end] == text->from[end - 1] || (!node->glued && !va_text_is_boundary(text, end))))
            continue;
        struct va_way way = {.end = end, .wild = end - pos, .wildcards = 1};
        capture(matcher, way, (struct va_capture){.slot = node->n, .from = pos}, ret_ways);
    }
}

static void match_slot(struct va_matcher *matcher, const struct va_node *node, uint32_t pos, struct va_ways *ret_ways)
{
    const struct va_slot_list *list = &matcher->language->lists[node->first];

    if (list->kind == VA_LIST_VALUES)
        match_values(matcher, list, node->n, pos, ret_ways);
    else if (list->kind == VA_LIST_RANGE)
        match_range(matcher, list, node->n, pos, ret_ways);
    else
        match_wildcard(matcher, node, pos, ret_ways);
}

static void match_composite(struct va_matcher *matcher, uint32_t index, uint32_t pos, struct va_ways *ret_ways)
{
    const struct va_node *node = &matcher->grammar->nodes[index];

    /* Inside a skip word nothing is skipped, so the answer is another one: it is short, and not worth remembering. */
    int remember = matcher->may_skip != NULL;
    uint32_t context = node->contextual && matcher->block != NULL ? matcher->block->context : 0;
    if (remember) {
        struct va_memo_entry *entry = va_memo_find(matcher, index, pos, context);
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
        struct va_memo_entry *entry = va_memo_find(matcher, index, pos, context); /* it may have moved */
        if (entry == NULL)
            return;
        *entry = (struct va_memo_entry){.node = index, .pos = pos, .context = context, .used = 1, .ways = *ret_ways};
        matcher->memo_n++;
    }
}

void va_match_node(struct va_matcher *matcher, uint32_t index, uint32_t pos, struct va_ways *ret_ways)
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
        va_match_node(matcher, matcher->language->rules[node->first].node, pos, ret_ways);
        break;
    default:
        match_composite(matcher, index, pos, ret_ways);
        break;
    }
}
