/* choose.c - the sentence that fits a whole text best, and what it means. */
#include "intent/ways.h"

#include <string.h>

#include "base/memory.h"

/* What skipped words cost: a text half of which is skipped scores 0.8. */
#define SKIP_COST 0.4f

/* What is known from outside. */
struct context {
    const va_slot *pairs; /* [n] */
    size_t n;
    const va_commands *commands; /* what their files say counts where the pairs say nothing */
};

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
            if (va_match_may_start(matcher, matcher->language->skips[i], pos))
                va_match_node(matcher, matcher->language->skips[i], pos, &ways);
            for (uint32_t j = 0; j < ways.n; j++) {
                uint32_t end = ways.items[j].end;
                if (end <= pos || !va_text_is_boundary(text, end))
                    continue;
                may_skip[pos] = 1;
                behind |= starts[va_match_behind_space(text, end)];
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

/* What the last of the captures says of the key, or NULL. */
static const char *captured_context(const struct va_capture *captures, const char *key)
{
    const char *found = NULL;

    if (captures == NULL)
        return NULL;
    if (captures->left != NULL)
        return (found = captured_context(captures->right, key)) != NULL ? found : captured_context(captures->left, key);
    for (size_t i = 0; captures->value != NULL && i < captures->value->n_context; i++)
        if (strcmp(captures->value->context[i].name, key) == 0)
            found = captures->value->context[i].value;
    return found;
}

static const char *find_pair(const va_slot *pairs, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(pairs[i].name, key) == 0)
            return pairs[i].value;
    return NULL;
}

/* What is known under the key, or NULL. */
static const char *find_context(const struct context *context, const struct va_capture *captures, const char *key)
{
    const char *value = captured_context(captures, key);

    if (value == NULL)
        value = find_pair(context->pairs, context->n, key);
    return value != NULL ? value : find_pair(context->commands->context, context->commands->n_context, key);
}

/* Whether all conditions hold. One that only takes what is known into a slot holds where nothing is. */
static int is_fulfilled(const struct context *context, const struct va_block *block, const struct va_capture *captures)
{
    for (size_t i = 0; block != NULL && i < block->n_conditions; i++) {
        const struct va_condition *condition = &block->conditions[i];
        const char *value = find_context(context, captures, condition->key);
        if (value == NULL && condition->slot != NULL && condition->n_values == 0)
            continue;
        if (!va_condition_holds(condition, value))
            return 0;
    }
    return 1;
}

/* Whether the sentence fits, and the best way it does. */
static int match_sentence(struct va_matcher *matcher, const struct va_ways *starts, uint32_t node, struct va_way *ret_way)
{
    uint32_t n = (uint32_t)matcher->text->n;
    struct va_ways bodies = {0}, ends = {0};

    for (uint32_t j = 0; j < starts->n; j++)
        if (va_match_may_start(matcher, node, starts->items[j].end))
            va_match_follow(matcher, &starts->items[j], node, &bodies);
    for (uint32_t j = 0; j < bodies.n; j++)
        if (bodies.items[j].end == n || va_text_is_boundary(matcher->text, bodies.items[j].end))
            va_match_follow(matcher, &bodies.items[j], VA_NODE_INDEX_BOUNDARY, &ends);
    if (ends.n == 0 || ends.items[ends.n - 1].end != n)
        return 0;
    *ret_way = ends.items[ends.n - 1];
    return 1;
}

/* Looks at every sentence of the language; of equals the first found stays. */
static void match_sentences(struct va_matcher *matcher, const struct context *context, struct best *best)
{
    const struct va_language *language = matcher->language;
    uint32_t n = (uint32_t)matcher->text->n;
    struct va_ways starts = {0};
    uint64_t held = 0;

    for (uint32_t i = 0; i < n; i++)
        held |= UINT64_C(1) << (matcher->text->bytes[i] & 63);
    va_match_node(matcher, VA_NODE_INDEX_BOUNDARY, 0, &starts);
    for (size_t i = 0; i < language->n_sentences && matcher->status == 0; i++) {
        const struct va_sentence *sentence = &language->sentences[i];
        struct va_way way;
        if (matcher->grammar->nodes[sentence->node].needs & ~held)
            continue;
        matcher->block = sentence->block;
        if (match_sentence(matcher, &starts, sentence->node, &way) && (best->sentence == NULL || va_way_is_better(&way, &best->way)) &&
            is_fulfilled(context, sentence->block, way.captures))
            *best = (struct best){.sentence = sentence, .language = language, .way = way};
    }
    matcher->block = NULL;
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

/* A slot of the answer, not yet copied. */
struct part {
    const char *name, *value;
    size_t n; /* bytes of the value */
};

static void add_part(struct part *parts, size_t *n, const char *name, const char *value, size_t value_n)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(parts[i].name, name) == 0)
            return;
    if (*n < MAX_SLOTS)
        parts[(*n)++] = (struct part){name, value, value_n};
}

/* What was said, then what the sentence says itself, then what is known. Returns how many. */
static size_t gather(const struct context *context, const struct best *best, const struct va_text *text, const char *original,
                     struct part parts[MAX_SLOTS])
{
    const struct va_capture *slots[MAX_SLOTS];
    const struct va_block *block = best->sentence->block;
    size_t n = 0, n_slots = 0, size;

    collect(best->way.captures, slots, &n_slots);
    for (size_t i = 0; i < n_slots; i++) {
        const char *value = slot_text(slots[i], text, original, &size);
        add_part(parts, &n, best->language->slot_names[slots[i]->slot], value, size);
    }
    for (size_t i = 0; block != NULL && i < block->n_slots; i++)
        add_part(parts, &n, block->slots[i].name, block->slots[i].value, strlen(block->slots[i].value));
    for (size_t i = 0; block != NULL && i < block->n_conditions; i++) {
        const char *slot = block->conditions[i].slot, *value = find_context(context, best->way.captures, block->conditions[i].key);
        if (slot != NULL && value != NULL)
            add_part(parts, &n, slot, value, strlen(value));
    }
    return n;
}

/* The intent in one piece of memory: the struct, its slots, their strings. */
static int make_intent(const struct context *context, const struct best *best, const struct va_text *text, const char *original,
                       va_intent **ret_intent)
{
    const struct va_command *command = &context->commands->commands[best->sentence->command];
    const struct va_block *block = best->sentence->block;
    const char *response = command->response[0] == '\0' && block != NULL ? block->response : command->response;
    struct part parts[MAX_SLOTS];
    size_t n = gather(context, best, text, original, parts);
    size_t bytes = sizeof(va_intent) + n * sizeof(va_slot) + strlen(command->name) + strlen(response) + 2;

    for (size_t i = 0; i < n; i++)
        bytes += strlen(parts[i].name) + parts[i].n + 2;
    va_intent *intent = va_alloc(1, bytes);
    if (intent == NULL)
        return VA_ENOMEM;
    va_slot *values = (va_slot *)(intent + 1);
    char *end = (char *)(values + n);
    intent->score = 1.0f - SKIP_COST * (float)best->way.skipped / (float)text->n;
    intent->n_fixed = best->way.literal;
    intent->n_open = best->way.wild;
    intent->slots = values;
    intent->n_slots = n;
    intent->name = put_string(&end, command->name, strlen(command->name));
    intent->response = put_string(&end, response, strlen(response));
    for (size_t i = 0; i < n; i++) {
        values[i].name = put_string(&end, parts[i].name, strlen(parts[i].name));
        values[i].value = put_string(&end, parts[i].value, parts[i].n);
    }
    *ret_intent = intent;
    return 0;
}

int va_commands_match_context(const va_commands *commands, const char *language, const va_slot *pairs, size_t n_pairs, const char *original,
                              va_intent **ret_intent, va_error *error)
{
    const struct context context = {.pairs = pairs, .n = n_pairs, .commands = commands};
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
            match_sentences(&matcher, &context, &best);
    }
    r = matcher.status;
    if (r == 0)
        r = best.sentence == NULL ? VA_ENOTFOUND : make_intent(&context, &best, &text, original, ret_intent);
    if (r == VA_ENOTFOUND)
        va_fail(error, r, "no command fits the text");
    else if (r < 0)
        va_fail(error, r, r == VA_ELIMIT ? "the text has too many ways to fit the templates" : "out of memory");
    va_arena_free(&matcher.arena);
    va_text_free(&text);
    return r;
}

int va_commands_match_language(const va_commands *commands, const char *language, const char *text, va_intent **ret_intent, va_error *error)
{
    return va_commands_match_context(commands, language, NULL, 0, text, ret_intent, error);
}

int va_commands_match(const va_commands *commands, const char *text, va_intent **ret_intent, va_error *error)
{
    return va_commands_match_language(commands, NULL, text, ret_intent, error);
}

void va_intent_free(va_intent *intent)
{
    va_free(intent);
}
