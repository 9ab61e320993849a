#include "intent/grammar.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* Node indices fit in 32 bits with much to spare. */
#define MAX_ITEMS 100000000

int64_t va_grammar_add(struct va_grammar *grammar, struct va_node node)
{
    if (grammar->n_nodes >= MAX_ITEMS)
        return VA_ELIMIT;
    if (va_grow(&grammar->nodes, &grammar->nodes_capacity, grammar->n_nodes, sizeof *grammar->nodes) < 0)
        return VA_ENOMEM;
    grammar->nodes[grammar->n_nodes] = node;
    return (int64_t)grammar->n_nodes++;
}

int64_t va_grammar_add_parent(struct va_grammar *grammar, enum va_node_kind kind, const uint32_t *children, size_t n)
{
    struct va_node node = {.kind = (uint8_t)kind, .first = (uint32_t)grammar->n_children, .n = (uint32_t)n};

    if (n == 0)
        return VA_NODE_INDEX_EMPTY;
    if (n == 1 && kind != VA_NODE_PERMUTATION)
        return children[0];
    for (size_t i = 0; i < n; i++) {
        if (grammar->n_children >= MAX_ITEMS)
            return VA_ELIMIT;
        if (va_grow(&grammar->children, &grammar->children_capacity, grammar->n_children, sizeof *grammar->children) < 0)
            return VA_ENOMEM;
        grammar->children[grammar->n_children++] = children[i];
    }
    return va_grammar_add(grammar, node);
}

static int add_bytes(struct va_grammar *grammar, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (va_grow(&grammar->text, &grammar->text_capacity, grammar->n_text, 1) < 0)
            return VA_ENOMEM;
        grammar->text[grammar->n_text++] = bytes[i];
    }
    return grammar->n_text < MAX_ITEMS ? 0 : VA_ELIMIT;
}

int64_t va_grammar_add_text(struct va_grammar *grammar, const char *bytes, size_t n, const char *spelling, size_t spelling_n)
{
    struct va_node node = {.kind = VA_NODE_TEXT, .n = (uint32_t)n, .spelling_n = (uint16_t)(spelling_n < UINT16_MAX ? spelling_n : 0)};
    int r;

    node.first = (uint32_t)grammar->n_text;
    if ((r = add_bytes(grammar, bytes, n)) < 0)
        return r;
    node.spelling = (uint32_t)grammar->n_text;
    if ((r = add_bytes(grammar, spelling, node.spelling_n)) < 0)
        return r;
    return va_grammar_add(grammar, node);
}

struct va_language *va_grammar_language(va_commands *commands, const char *code)
{
    struct va_grammar *grammar = &commands->grammar;

    for (size_t i = 0; i < grammar->n_languages; i++)
        if (strcmp(grammar->languages[i].code, code) == 0)
            return &grammar->languages[i];
    struct va_language language = {
        .code = va_arena_strdup(&commands->arena, code), .voice = "", .action.type = "", .numbers = va_number_words_find(code)};
    if (language.code == NULL ||
        va_grow(&grammar->languages, &grammar->languages_capacity, grammar->n_languages, sizeof *grammar->languages) < 0)
        return NULL;
    grammar->languages[grammar->n_languages] = language;
    return &grammar->languages[grammar->n_languages++];
}

/* Index of the name among names [n], one every stride bytes; that with the scope behind it goes before. -1: there is none. */
static int64_t find_name(const char *name, const char *scope, const void *names, size_t n, size_t stride)
{
    size_t length = strlen(name);
    int64_t found = -1;

    for (size_t i = 0; i < n; i++) {
        const char *other;
        memcpy(&other, (const char *)names + i * stride, sizeof other);
        if (strncmp(other, name, length) != 0)
            continue;
        if (scope != NULL && strcmp(other + length, scope) == 0)
            return (int64_t)i;
        if (other[length] == '\0')
            found = (int64_t)i;
    }
    return found;
}

int64_t va_language_rule(va_commands *commands, struct va_language *language, const char *name, struct va_place place)
{
    const void *names = language->n_rules > 0 ? &language->rules[0].name : NULL;
    int64_t found = find_name(name, language->scope, names, language->n_rules, sizeof *language->rules);

    if (found >= 0)
        return found;
    struct va_rule rule = {.name = va_arena_strdup(&commands->arena, name), .place = place};
    if (rule.name == NULL || va_grow(&language->rules, &language->rules_capacity, language->n_rules, sizeof rule) < 0)
        return VA_ENOMEM;
    language->rules[language->n_rules] = rule;
    return (int64_t)language->n_rules++;
}

int64_t va_language_list(va_commands *commands, struct va_language *language, const char *name, struct va_place place)
{
    const void *names = language->n_lists > 0 ? &language->lists[0].name : NULL;
    int64_t found = find_name(name, language->scope, names, language->n_lists, sizeof *language->lists);

    if (found >= 0)
        return found;
    struct va_slot_list list = {.name = va_arena_strdup(&commands->arena, name), .place = place};
    if (list.name == NULL || va_grow(&language->lists, &language->lists_capacity, language->n_lists, sizeof list) < 0)
        return VA_ENOMEM;
    language->lists[language->n_lists] = list;
    return (int64_t)language->n_lists++;
}

int64_t va_language_slot_name(va_commands *commands, struct va_language *language, const char *name)
{
    for (size_t i = 0; i < language->n_slot_names; i++)
        if (strcmp(language->slot_names[i], name) == 0)
            return (int64_t)i;
    const char *copy = va_arena_strdup(&commands->arena, name);
    if (copy == NULL || va_grow(&language->slot_names, &language->slot_names_capacity, language->n_slot_names, sizeof copy) < 0)
        return VA_ENOMEM;
    language->slot_names[language->n_slot_names] = copy;
    return (int64_t)language->n_slot_names++;
}

/* Edits (insert, delete, replace) from a to b, or 3 when there are more than two or the names are long. */
static int edits(const char *a, const char *b)
{
    enum { MAX = 48 };
    size_t n = strlen(a), m = strlen(b);
    int row[MAX + 1];

    if (n > MAX || m > MAX || n > m + 2 || m > n + 2)
        return 3;
    for (size_t j = 0; j <= m; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[m] > 3 ? 3 : row[m];
}

const char *va_nearest_name(const char *name, const void *names, size_t n, size_t stride)
{
    const char *nearest = NULL;
    int least = 3;

    for (size_t i = 0; i < n; i++) {
        const char *other;
        memcpy(&other, (const char *)names + i * stride, sizeof other);
        int distance = strcmp(name, other) == 0 ? 3 : edits(name, other);
        if (distance < least) {
            least = distance;
            nearest = other;
        }
    }
    return nearest;
}

/* ---- sealing ---- */

struct sealer {
    va_commands *commands;
    struct va_language *language;
    va_grammar_mistake_fn mistake;
    void *user;
    const char *path[VA_RULES_MAX_DEPTH]; /* names of the rules being worked on */
    size_t depth, list_depth;
};

static int seal_node(struct sealer *sealer, uint32_t index);

static int report(struct sealer *sealer, struct va_place place, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int report(struct sealer *sealer, struct va_place place, const char *format, ...)
{
    char text[200];
    va_list args; /* of stdarg.h */

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return sealer->mistake(sealer->user, place, text);
}

static int report_recursion(struct sealer *sealer, const struct va_rule *rule)
{
    char path[160] = "";
    size_t n = 0, i = 0;

    while (i < sealer->depth && strcmp(sealer->path[i], rule->name) != 0)
        i++;
    for (; i < sealer->depth && n < sizeof path - 1; i++)
        n += (size_t)snprintf(path + n, sizeof path - n, "<%s> uses ", sealer->path[i]);
    return report(sealer, rule->place, "a rule may not use itself: %s<%s>", path, rule->name);
}

static int seal_rule(struct sealer *sealer, struct va_node *node)
{
    struct va_rule *rule = &sealer->language->rules[node->first];
    int r;

    if (!rule->defined)
        return 0; /* reported on its own */
    if (rule->state == 1)
        return report_recursion(sealer, rule);
    if (rule->state == 0) {
        if (sealer->depth == VA_RULES_MAX_DEPTH)
            return report(sealer, rule->place, "rules use each other more than %d deep at <%s>", VA_RULES_MAX_DEPTH, rule->name);
        rule->state = 1;
        sealer->path[sealer->depth++] = rule->name;
        if ((r = seal_node(sealer, rule->node)) < 0)
            return r;
        sealer->depth--;
        rule->state = 2;
    }
    const struct va_node *root = &sealer->commands->grammar.nodes[rule->node];
    node->nullable = root->nullable;
    node->contextual = root->contextual;
    node->starts = root->starts;
    node->needs = root->needs;
    return 0;
}

static int seal_slot(struct sealer *sealer, struct va_node *node)
{
    struct va_slot_list *list = &sealer->language->lists[node->first];
    const struct va_grammar *grammar = &sealer->commands->grammar;
    int r;

    if (!list->defined)
        return 0;
    if (list->kind != VA_LIST_VALUES) {
        node->starts = UINT64_MAX;
        return 0;
    }
    if (list->state == 1)
        return report(sealer, list->place, "the values of list {%s} use the list itself", list->name);
    if (sealer->list_depth == VA_RULES_MAX_DEPTH)
        return report(sealer, list->place, "lists use each other more than %d deep at {%s}", VA_RULES_MAX_DEPTH, list->name);
    int first_time = list->state == 0;
    list->state = 1;
    sealer->list_depth++;
    node->needs = UINT64_MAX; /* a list without values matches nothing */
    for (uint32_t i = 0; i < list->n_values; i++) {
        uint32_t value = sealer->language->values[list->first_value + i].node;
        if (first_time && (r = seal_node(sealer, value)) < 0)
            return r;
        node->starts |= grammar->nodes[value].starts;
        node->contextual |= grammar->nodes[value].contextual || sealer->language->values[list->first_value + i].n_context > 0;
        node->needs &= grammar->nodes[value].needs;
        if (first_time && grammar->nodes[value].nullable &&
            (r = report(sealer, list->place, "a value of list {%s} can be empty", list->name)) < 0)
            return r;
    }
    list->state = 2;
    sealer->list_depth--;
    return 0;
}

static int seal_children(struct sealer *sealer, struct va_node *node)
{
    const struct va_grammar *grammar = &sealer->commands->grammar;
    int all_nullable = 1, any_nullable = 0, r;
    uint64_t every = UINT64_MAX, any = 0;

    for (uint32_t i = 0; i < node->n; i++) {
        uint32_t index = grammar->children[node->first + i];
        if ((r = seal_node(sealer, index)) < 0)
            return r;
        const struct va_node *child = &grammar->nodes[index];
        if (node->kind != VA_NODE_SEQUENCE || all_nullable)
            node->starts |= child->starts;
        all_nullable &= child->nullable;
        any_nullable |= child->nullable;
        node->contextual |= child->contextual;
        every &= child->needs;
        any |= child->needs;
    }
    node->needs = node->kind == VA_NODE_CHOICE ? every : any;
    node->nullable = (node->kind == VA_NODE_CHOICE ? any_nullable : all_nullable) & 1;
    return 0;
}

static int seal_node(struct sealer *sealer, uint32_t index)
{
    struct va_node *node = &sealer->commands->grammar.nodes[index];

    switch ((enum va_node_kind)node->kind) {
    case VA_NODE_EMPTY:
    case VA_NODE_BOUNDARY:
        node->nullable = 1;
        return 0;
    case VA_NODE_TEXT:
        node->starts = UINT64_C(1) << (sealer->commands->grammar.text[node->first] & 63);
        for (uint32_t i = 0; i < node->n; i++)
            node->needs |= UINT64_C(1) << (sealer->commands->grammar.text[node->first + i] & 63);
        return 0;
    case VA_NODE_RULE:
        return seal_rule(sealer, node);
    case VA_NODE_SLOT:
        return seal_slot(sealer, node);
    default:
        return seal_children(sealer, node);
    }
}

static int report_missing(struct sealer *sealer)
{
    const struct va_language *language = sealer->language;
    int r = 0;

    for (size_t i = 0; r == 0 && i < language->n_rules; i++)
        if (!language->rules[i].defined) {
            const char *near =
                va_nearest_name(language->rules[i].name, &language->rules[0].name, language->n_rules, sizeof *language->rules);
            r = report(sealer, language->rules[i].place, "there is no rule <%s>%s%s%s", language->rules[i].name,
                       near ? "; did you mean <" : "", near ? near : "", near ? ">?" : "");
        }
    for (size_t i = 0; r == 0 && i < language->n_lists; i++)
        if (!language->lists[i].defined) {
            const char *near =
                va_nearest_name(language->lists[i].name, &language->lists[0].name, language->n_lists, sizeof *language->lists);
            r = report(sealer, language->lists[i].place, "there is no list {%s}%s%s%s", language->lists[i].name,
                       near ? "; did you mean {" : "", near ? near : "", near ? "}?" : "");
        }
    return r;
}

static int seal_language(struct sealer *sealer)
{
    struct va_language *language = sealer->language;
    const struct va_grammar *grammar = &sealer->commands->grammar;
    int r = report_missing(sealer);

    for (size_t i = 0; r == 0 && i < language->n_rules; i++) {
        struct va_node use = {.kind = VA_NODE_RULE, .first = (uint32_t)i};
        r = seal_rule(sealer, &use);
    }
    for (size_t i = 0; r == 0 && i < language->n_lists; i++) {
        struct va_node use = {.kind = VA_NODE_SLOT, .first = (uint32_t)i};
        r = seal_slot(sealer, &use);
    }
    for (size_t i = 0; r == 0 && i < language->n_skips; i++)
        r = seal_node(sealer, language->skips[i]);
    for (size_t i = 0; r == 0 && i < language->n_sentences; i++) {
        r = seal_node(sealer, language->sentences[i].node);
        if (r == 0 && grammar->nodes[language->sentences[i].node].nullable)
            r = report(sealer, language->sentences[i].place, "this sentence can be empty: something in it must not be optional");
    }
    return r;
}

int va_grammar_seal(va_commands *commands, va_grammar_mistake_fn mistake, void *user)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < commands->grammar.n_languages; i++) {
        struct sealer sealer = {.commands = commands, .language = &commands->grammar.languages[i], .mistake = mistake, .user = user};
        r = seal_language(&sealer);
    }
    return r;
}
