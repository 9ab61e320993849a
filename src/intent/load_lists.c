/* load_lists.c - lists, rules and skip words of a command file. */
#include "intent/load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A finite number from a scalar; notes the mistake and returns 0 when it is none. Absent: the value stays. */
static int read_number(struct va_loader *loader, const va_yaml_node *mapping, const char *key, double *value)
{
    const va_yaml_node *node = va_yaml_get(mapping, key);
    char *end = NULL;

    if (node == NULL)
        return 1;
    double number = node->type == VA_YAML_SCALAR ? strtod(node->text, &end) : 0;
    if (end == NULL || end == node->text || *end != '\0' || !isfinite(number) || fabs(number) > 1e12) {
        va_load_mistake(loader, node, "'%s' must be a number", key);
        return 0;
    }
    *value = number;
    return 1;
}

static int read_value(struct va_loader *loader, const va_yaml_node *node)
{
    static const char *const keys[] = {"in", "out", "context", "metadata", "requires_context"};
    struct va_language *language = va_load_language(loader);
    const va_yaml_node *in = node, *out = NULL;
    struct va_list_value value = {0};
    int r;

    if (node->type == VA_YAML_MAPPING) {
        va_load_check_keys(loader, node, "a value", keys, sizeof keys / sizeof keys[0]);
        in = va_yaml_get(node, "in");
        out = va_yaml_get(node, "out");
        if (in == NULL || (out != NULL && out->type == VA_YAML_MAPPING))
            return va_load_mistake(loader, node, "a value must be a text, or {in: sentence, out: text}");
        const va_yaml_node *context = va_yaml_get(node, "context");
        if (context != NULL && (r = va_load_slots(loader, context, &value.context, &value.n_context)) < 0)
            return r;
    } else if (node->type == VA_YAML_SCALAR && strpbrk(node->text, "[]()<>{}|\\") == NULL) {
        out = node; /* without alternatives the value is what is written here, however it was said */
    }
    size_t before = loader->n_mistakes, n_lists = language->n_lists, n_rules = language->n_rules;
    if ((r = va_load_template(loader, in, &value.node)) < 0 || loader->n_mistakes > before)
        return r;
    if (language->code[0] == '\0' && (language->n_lists > n_lists || language->n_rules > n_rules))
        return va_load_mistake(loader, in, "a list for all languages can use no other lists and no rules");
    if (out != NULL && (r = va_load_joined(loader, out, &value.out)) < 0)
        return r;
    if (va_grow(&language->values, &language->values_capacity, language->n_values, sizeof value) < 0)
        return va_fail_memory(loader->error);
    language->values[language->n_values++] = value;
    return 0;
}

static int read_range(struct va_loader *loader, const va_yaml_node *range, struct va_slot_list *list)
{
    static const char *const keys[] = {"from", "to", "step", "fractions", "multiplier", "type", "digits", "words", "words_language"};
    const va_yaml_node *fractions = va_yaml_get(range, "fractions");

    if (range->type != VA_YAML_MAPPING || va_yaml_get(range, "from") == NULL || va_yaml_get(range, "to") == NULL)
        return va_load_mistake(loader, range, "'range' must be a mapping with 'from' and 'to'");
    va_load_check_keys(loader, range, "a range", keys, sizeof keys / sizeof keys[0]);
    list->kind = VA_LIST_RANGE;
    list->step = list->multiplier = 1;
    if (fractions != NULL && fractions->type == VA_YAML_SCALAR && strcmp(fractions->text, "halves") == 0)
        list->step = 0.5;
    else if (fractions != NULL && fractions->type == VA_YAML_SCALAR && strcmp(fractions->text, "tenths") == 0)
        list->step = 0.1;
    else if (fractions != NULL)
        va_load_mistake(loader, fractions, "'fractions' must be halves or tenths");
    if (!read_number(loader, range, "from", &list->from) || !read_number(loader, range, "to", &list->to) ||
        !read_number(loader, range, "step", &list->step) || !read_number(loader, range, "multiplier", &list->multiplier))
        return 0;
    if (list->from > list->to)
        va_load_mistake(loader, range, "the range is empty: 'from' is above 'to'");
    if (list->step <= 0)
        va_load_mistake(loader, range, "'step' must be above 0");
    return 0;
}

/* The name of what is defined here: with the scope behind it when one block only knows it. NULL when out of memory. */
static const char *own_name(struct va_loader *loader, const char *name)
{
    const char *scope = va_load_language(loader)->scope;
    size_t n = strlen(name);

    if (scope == NULL)
        return name;
    char *whole = va_arena_alloc(&loader->commands->arena, n + strlen(scope) + 1, 1);
    if (whole != NULL) {
        memcpy(whole, name, n);
        memcpy(whole + n, scope, strlen(scope) + 1);
    }
    return whole;
}

/* The body of a list. */
static int read_list(struct va_loader *loader, const va_yaml_node *name, const va_yaml_node *mapping, struct va_slot_list *list)
{
    static const char *const keys[] = {"values", "range", "wildcard"};
    const va_yaml_node *values = va_yaml_get(mapping, "values"), *range = va_yaml_get(mapping, "range"),
                       *wildcard = va_yaml_get(mapping, "wildcard");
    int r = 0;

    if (mapping->type != VA_YAML_MAPPING || (values != NULL) + (range != NULL) + (wildcard != NULL) != 1)
        return va_load_mistake(loader, name, "the list '%s' must have one of 'values', 'range' and 'wildcard: true'", name->text);
    va_load_check_keys(loader, mapping, "a list", keys, sizeof keys / sizeof keys[0]);
    if (range != NULL)
        r = read_range(loader, range, list);
    if (wildcard != NULL && (wildcard->type != VA_YAML_SCALAR || strcmp(wildcard->text, "true") != 0))
        va_load_mistake(loader, wildcard, "'wildcard' must be true");
    if (wildcard != NULL)
        list->kind = VA_LIST_WILDCARD;
    if (values != NULL && (values->type != VA_YAML_SEQUENCE || values->n == 0))
        return va_load_mistake(loader, values, "'values' must be a list with at least one value");
    list->first_value = (uint32_t)va_load_language(loader)->n_values;
    for (size_t i = 0; values != NULL && r == 0 && i < values->n; i++)
        r = read_value(loader, values->values[i]);
    list->n_values = (uint32_t)va_load_language(loader)->n_values - list->first_value;
    return r;
}

int va_load_list(struct va_loader *loader, const va_yaml_node *name, const va_yaml_node *mapping)
{
    struct va_language *language = va_load_language(loader);

    if (!va_load_is_name(name->text))
        return va_load_mistake(loader, name, "the name of a list must have 1 to 63 letters, digits and '_'");
    struct va_place place = {loader->file, name->line};
    const char *own = own_name(loader, name->text);
    int64_t index = own == NULL ? VA_ENOMEM : va_language_list(loader->commands, language, own, place);
    if (index < 0)
        return va_fail_memory(loader->error);
    struct va_slot_list list = {.name = language->lists[index].name, .place = place, .source = loader->source, .defined = 1};
    const struct va_slot_list *old = &language->lists[index];
    if (old->defined && old->source == loader->source)
        return va_load_mistake(loader, name, "the list '%s' is there already: %s:%d", name->text, old->place.file, old->place.line);
    language->lists[index].defined = 1;
    int r = read_list(loader, name, mapping, &list);
    language->lists[index] = list; /* the array may have moved */
    return r;
}

int va_load_rule(struct va_loader *loader, const va_yaml_node *name, const va_yaml_node *body)
{
    struct va_language *language = va_load_language(loader);
    uint32_t node;

    if (!va_load_is_name(name->text))
        return va_load_mistake(loader, name, "the name of a rule must have 1 to 63 letters, digits and '_'");
    struct va_place place = {loader->file, name->line};
    const char *own = own_name(loader, name->text);
    int64_t index = own == NULL ? VA_ENOMEM : va_language_rule(loader->commands, language, own, place);
    if (index < 0)
        return va_fail_memory(loader->error);
    struct va_rule *rule = &language->rules[index];
    if (rule->defined && rule->source == loader->source)
        return va_load_mistake(loader, name, "the rule '%s' is there already: %s:%d", name->text, rule->place.file, rule->place.line);
    rule->defined = 1;
    rule->source = loader->source;
    rule->place = place;
    int r = va_load_template(loader, body, &node);
    language->rules[index].node = node; /* the array may have moved */
    return r;
}

int va_load_skip_words(struct va_loader *loader, const va_yaml_node *words)
{
    struct va_language *language = va_load_language(loader);

    if (words->type != VA_YAML_SEQUENCE)
        return va_load_mistake(loader, words, "'skip_words' must be a list");
    for (size_t i = 0; i < words->n; i++) {
        uint32_t node;
        int r = va_load_template(loader, words->values[i], &node);
        if (r < 0)
            return r;
        if (va_grow(&language->skips, &language->skips_capacity, language->n_skips, sizeof node) < 0)
            return va_fail_memory(loader->error);
        language->skips[language->n_skips++] = node;
    }
    return 0;
}
