/* load_intents.c - sentences as Home Assistant keeps them: blocks of sentences with slots and conditions, by intent. */
#include "intent/load.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

#define MAX_CONDITIONS 32

/* The texts of a scalar or a sequence, kept. null: none. */
static int keep_texts(struct va_loader *loader, const va_yaml_node *node, const char *const **ret_texts, size_t *ret_n)
{
    size_t n = node->type == VA_YAML_SEQUENCE ? node->n : 1;

    if (node->type == VA_YAML_MAPPING)
        return va_load_mistake(loader, node, "here must be a text or a list of texts");
    if (node->type == VA_YAML_SCALAR && node->text[0] == '\0' && !node->quoted)
        return 0;
    const char **texts = va_arena_alloc(&loader->commands->arena, n, sizeof *texts);
    if (texts == NULL)
        return va_fail_memory(loader->error);
    for (size_t i = 0; i < n; i++) {
        const va_yaml_node *item = node->type == VA_YAML_SEQUENCE ? node->values[i] : node;
        if (item->type != VA_YAML_SCALAR)
            return va_load_mistake(loader, item, "here must be a text");
        if ((texts[i] = va_load_keep(loader, item->text)) == NULL)
            return va_fail_memory(loader->error);
    }
    *ret_texts = texts;
    *ret_n = n;
    return 0;
}

int va_load_joined(struct va_loader *loader, const va_yaml_node *node, const char **ret_text)
{
    struct va_buffer text;
    int r = 0;

    if (node->type == VA_YAML_MAPPING)
        return va_load_mistake(loader, node, "here must be a text, or a list of texts");
    if (node->type == VA_YAML_SCALAR) {
        *ret_text = va_load_keep(loader, node->text);
        return *ret_text == NULL ? va_fail_memory(loader->error) : 0;
    }
    va_buffer_init(&text, 65536);
    for (size_t i = 0; r == 0 && i < node->n; i++)
        r = node->values[i]->text == NULL ? VA_EFORMAT : va_buffer_printf(&text, "%s%s", i > 0 ? "," : "", node->values[i]->text);
    const char *copy = r == 0 ? va_load_keep(loader, text.size > 0 ? text.data : "") : NULL;
    va_buffer_free(&text);
    if (r == VA_EFORMAT || r == VA_ELIMIT)
        return va_load_mistake(loader, node, "here must be a text, or a list of texts");
    if (copy == NULL)
        return va_fail_memory(loader->error);
    *ret_text = copy;
    return 0;
}

int va_load_slots(struct va_loader *loader, const va_yaml_node *mapping, const va_slot **ret_slots, size_t *ret_n)
{
    size_t n = 0;

    if (mapping->type != VA_YAML_MAPPING)
        return va_load_mistake(loader, mapping, "here must be a mapping of names and texts");
    va_slot *slots = va_arena_alloc(&loader->commands->arena, mapping->n, sizeof *slots);
    if (slots == NULL)
        return va_fail_memory(loader->error);
    for (size_t i = 0; i < mapping->n; i++) {
        if (!va_load_is_name(mapping->keys[i]->text)) {
            va_load_mistake(loader, mapping->keys[i], "a name must have 1 to 63 letters, digits and '_'");
            continue;
        }
        slots[n].value = NULL;
        int r = va_load_joined(loader, mapping->values[i], &slots[n].value);
        if (r < 0)
            return r;
        if (slots[n].value == NULL)
            continue; /* the mistake is noted */
        if ((slots[n].name = va_load_keep(loader, mapping->keys[i]->text)) == NULL)
            return va_fail_memory(loader->error);
        n++;
    }
    *ret_slots = slots;
    *ret_n = n;
    return 0;
}

/* ---- conditions ---- */

static int is_same_condition(const struct va_condition *a, const struct va_condition *b)
{
    if (strcmp(a->key, b->key) != 0 || a->excludes != b->excludes || a->n_values != b->n_values || (a->slot == NULL) != (b->slot == NULL) ||
        (a->slot != NULL && strcmp(a->slot, b->slot) != 0))
        return 0;
    for (size_t i = 0; i < a->n_values; i++)
        if (strcmp(a->values[i], b->values[i]) != 0)
            return 0;
    return 1;
}

/* Gives the block its conditions [n], and their number. */
static int share_conditions(struct va_loader *loader, const struct va_condition *conditions, size_t n, struct va_block *block)
{
    size_t i = 0;

    for (; i < loader->n_contexts; i++) {
        size_t j = 0;
        while (j < n && loader->contexts[i].n == n && is_same_condition(&conditions[j], &loader->contexts[i].conditions[j]))
            j++;
        if (j == n && loader->contexts[i].n == n)
            break;
    }
    if (i == loader->n_contexts) {
        struct va_condition *copy = va_arena_alloc(&loader->commands->arena, n, sizeof *copy);
        if (copy == NULL || va_grow(&loader->contexts, &loader->contexts_capacity, i, sizeof *loader->contexts) < 0)
            return va_fail_memory(loader->error);
        memcpy(copy, conditions, n * sizeof *copy);
        loader->contexts[loader->n_contexts++] = (struct va_load_context){copy, n};
    }
    block->conditions = loader->contexts[i].conditions;
    block->n_conditions = n;
    block->context = (uint32_t)i + 1;
    return 0;
}

/* One pair of `requires_context`: a value, several, or {value: ..., slot: true or a name}. */
static int read_condition(struct va_loader *loader, const va_yaml_node *key, const va_yaml_node *value, struct va_condition *ret_condition)
{
    const va_yaml_node *values = value;

    if (!va_load_is_name(key->text))
        return va_load_mistake(loader, key, "a key of the context must have 1 to 63 letters, digits and '_'");
    struct va_condition condition = {.key = va_load_keep(loader, key->text), .excludes = ret_condition->excludes};
    if (condition.key == NULL)
        return va_fail_memory(loader->error);
    if (value->type == VA_YAML_MAPPING) {
        const char *slot = va_load_text(value, "slot");
        if (slot != NULL && slot[0] != '\0' && strcmp(slot, "false") != 0 &&
            (condition.slot = strcmp(slot, "true") == 0 ? condition.key : va_load_keep(loader, slot)) == NULL)
            return va_fail_memory(loader->error);
        values = va_yaml_get(value, "value");
    }
    int r = values == NULL ? 0 : keep_texts(loader, values, &condition.values, &condition.n_values);
    *ret_condition = condition;
    return r;
}

int va_load_conditions(struct va_loader *loader, const va_yaml_node *mapping, const struct va_condition *more, size_t n_more,
                       struct va_block *block)
{
    struct va_condition conditions[MAX_CONDITIONS];
    size_t n = n_more;
    int r = 0;

    if (n_more > 0)
        memcpy(conditions, more, n_more * sizeof *more);
    for (int excludes = 0; excludes < 2; excludes++) {
        const va_yaml_node *pairs = va_yaml_get(mapping, excludes ? "excludes_context" : "requires_context");
        if (pairs == NULL)
            continue;
        if (pairs->type != VA_YAML_MAPPING || n + pairs->n > MAX_CONDITIONS)
            return va_load_mistake(loader, pairs, "a context must be a mapping with %d keys at most", MAX_CONDITIONS);
        for (size_t i = 0; r == 0 && i < pairs->n; i++) {
            size_t before = loader->n_mistakes;
            conditions[n].excludes = excludes;
            r = read_condition(loader, pairs->keys[i], pairs->values[i], &conditions[n]);
            n += loader->n_mistakes == before;
        }
    }
    return r < 0 || n == 0 ? r : share_conditions(loader, conditions, n, block);
}

/* ---- the description of all intents ---- */

static int read_groups(struct va_loader *loader, const va_yaml_node *groups, struct va_load_combination *combination)
{
    if (groups == NULL || groups->type != VA_YAML_MAPPING)
        return 0;
    combination->groups = va_arena_alloc(&loader->commands->arena, groups->n, sizeof *combination->groups);
    if (combination->groups == NULL)
        return va_fail_memory(loader->error);
    for (size_t i = 0; i < groups->n; i++) {
        struct va_load_group group = {0};
        if (groups->keys[i]->text == NULL)
            continue;
        int r = keep_texts(loader, groups->values[i], &group.domains, &group.n);
        if (r < 0)
            return r;
        if ((group.name = va_load_keep(loader, groups->keys[i]->text)) == NULL)
            return va_fail_memory(loader->error);
        combination->groups[combination->n_groups++] = group;
    }
    return 0;
}

int va_load_combinations(struct va_loader *loader, const va_yaml_node *root)
{
    for (size_t i = 0; i < root->n; i++) {
        const va_yaml_node *all = va_yaml_get(root->values[i], "slot_combinations");
        if (all == NULL || all->type != VA_YAML_MAPPING || root->keys[i]->text == NULL)
            continue;
        const char *intent = va_load_keep(loader, root->keys[i]->text);
        for (size_t j = 0; j < all->n; j++) {
            struct va_load_combination combination = {.intent = intent, .context_area = va_load_is_true(all->values[j], "context_area")};
            combination.name = all->keys[j]->text == NULL ? NULL : va_load_keep(loader, all->keys[j]->text);
            if (intent == NULL || combination.name == NULL ||
                va_grow(&loader->combinations, &loader->combinations_capacity, loader->n_combinations, sizeof combination) < 0)
                return va_fail_memory(loader->error);
            int r = read_groups(loader, va_yaml_get(all->values[j], "name_domain_groups"), &combination);
            if (r < 0)
                return r;
            loader->combinations[loader->n_combinations++] = combination;
        }
    }
    return 0;
}

/* The last one read: later paths go before. */
static const struct va_load_combination *find_combination(const struct va_loader *loader, const char *intent, const char *name)
{
    for (size_t i = loader->n_combinations; name != NULL && i-- > 0;)
        if (strcmp(loader->combinations[i].intent, intent) == 0 && strcmp(loader->combinations[i].name, name) == 0)
            return &loader->combinations[i];
    return NULL;
}

/* `name_domains` is a list of domains, or the name of one that the description of the intent has. */
static int read_domains(struct va_loader *loader, const va_yaml_node *domains, const struct va_load_combination *combination,
                        struct va_condition *condition)
{
    if (domains->type != VA_YAML_SCALAR)
        return keep_texts(loader, domains, &condition->values, &condition->n_values);
    for (size_t i = 0; combination != NULL && i < combination->n_groups; i++)
        if (strcmp(combination->groups[i].name, domains->text) == 0) {
            condition->values = combination->groups[i].domains;
            condition->n_values = combination->groups[i].n;
            return 0;
        }
    return va_load_mistake(loader, domains, "no intents.yaml says which domains '%s' stands for", domains->text);
}

/* ---- blocks of sentences ---- */

static int read_slots(struct va_loader *loader, const va_yaml_node *mapping, struct va_block *block)
{
    const va_yaml_node *slots = va_yaml_get(mapping, "slots");
    const char *domain = va_load_text(mapping, "inferred_domain");
    int r = slots == NULL ? 0 : va_load_slots(loader, slots, &block->slots, &block->n_slots);

    if (r < 0 || domain == NULL)
        return r;
    va_slot *more = va_arena_alloc(&loader->commands->arena, block->n_slots + 1, sizeof *more);
    if (more == NULL || (domain = va_load_keep(loader, domain)) == NULL)
        return va_fail_memory(loader->error);
    if (block->n_slots > 0)
        memcpy(more, block->slots, block->n_slots * sizeof *more);
    more[block->n_slots++] = (va_slot){.name = "domain", .value = domain};
    block->slots = more;
    return 0;
}

static int keep_block(struct va_loader *loader, const va_yaml_node *mapping, uint32_t command, struct va_block **ret_block)
{
    const char *key = va_load_text(mapping, "response");
    struct va_block *block = va_arena_alloc(&loader->commands->arena, 1, sizeof *block);

    if (block == NULL || va_grow(&loader->blocks, &loader->blocks_capacity, loader->n_blocks, sizeof *loader->blocks) < 0)
        return va_fail_memory(loader->error);
    *block = (struct va_block){.response = va_load_keep(loader, key == NULL ? "default" : key)};
    if (block->response == NULL)
        return va_fail_memory(loader->error);
    loader->blocks[loader->n_blocks++] = (struct va_load_block){block, loader->language, command};
    *ret_block = block;
    return 0;
}

/* Makes the names of a section known, so that its entries can use each other whatever their order. */
static int declare(struct va_loader *loader, const va_yaml_node *section, const char *scope,
                   int64_t (*add)(va_commands *commands, struct va_language *language, const char *name, struct va_place place))
{
    for (size_t i = 0; section != NULL && section->type == VA_YAML_MAPPING && i < section->n; i++) {
        char name[96];
        if (!va_load_is_name(section->keys[i]->text))
            continue;
        snprintf(name, sizeof name, "%s%s", section->keys[i]->text, scope);
        if (add(loader->commands, va_load_language(loader), name, (struct va_place){loader->file, section->keys[i]->line}) < 0)
            return va_fail_memory(loader->error);
    }
    return 0;
}

/* Sentences with lists and rules of their own; names of these are looked up before the general ones. */
static int read_scope(struct va_loader *loader, const va_yaml_node *mapping, uint32_t command, const struct va_block *block)
{
    const va_yaml_node *sentences = va_yaml_get(mapping, "sentences");
    char scope[16];
    int r = 0;

    const va_yaml_node *lists = va_yaml_get(mapping, "lists"), *rules = va_yaml_get(mapping, "expansion_rules");
    if (lists != NULL || rules != NULL) {
        snprintf(scope, sizeof scope, "%c%u", VA_LOCAL_MARK, (unsigned)loader->n_scopes++);
        if ((r = declare(loader, lists, scope, va_language_list)) < 0 || (r = declare(loader, rules, scope, va_language_rule)) < 0)
            return r;
        va_load_language(loader)->scope = scope;
    }
    if ((r = va_load_section(loader, mapping, "lists", va_load_list)) == 0 &&
        (r = va_load_section(loader, mapping, "expansion_rules", va_load_rule)) == 0)
        r = sentences == NULL ? va_load_mistake(loader, mapping, "these have no 'sentences'")
                              : va_load_sentences(loader, sentences, command, block);
    va_load_language(loader)->scope = NULL; /* whatever became of it: it ends here */
    return r;
}

static int read_block(struct va_loader *loader, const va_yaml_node *mapping, int64_t command, const char *intent, const char *name)
{
    const struct va_load_combination *combination = find_combination(loader, intent, name);
    const va_yaml_node *domains = va_yaml_get(mapping, "name_domains");
    struct va_condition conditions[2] = {0};
    struct va_block *block = NULL;
    size_t n = 0;
    int r;

    if (mapping->type != VA_YAML_MAPPING)
        return va_load_mistake(loader, mapping, "here must be a mapping with 'sentences'");
    if ((r = keep_block(loader, mapping, (uint32_t)command, &block)) < 0 || (r = read_slots(loader, mapping, block)) < 0)
        return r;
    if (domains != NULL) {
        conditions[n].key = "domain";
        if ((r = read_domains(loader, domains, combination, &conditions[n++])) < 0)
            return r;
    }
    if (combination != NULL && combination->context_area)
        conditions[n++] = (struct va_condition){.key = "area", .slot = "area"};
    if ((r = va_load_conditions(loader, mapping, conditions, n, block)) < 0)
        return r;
    return read_scope(loader, mapping, (uint32_t)command, block);
}

/* Some blocks are for a recognizer that can do less: they say a part of what the others do, if there are others. */
static int read_blocks(struct va_loader *loader, const va_yaml_node *data, const va_yaml_node *place, const char *intent, const char *name)
{
    int64_t command;
    size_t lean = 0;
    int r = 0;

    if (data == NULL || data->type != VA_YAML_SEQUENCE)
        return va_load_mistake(loader, data == NULL ? place : data, "'data' of '%s' must be a list", intent);
    if ((command = va_load_find_command(loader, intent, place)) < 0)
        return (int)command;
    for (size_t i = 0; i < data->n; i++)
        lean += va_load_is_true(data->values[i], "speech_to_phrase");
    va_load_language(loader)->has_home = 1;
    loader->marks[command].data = loader->source;
    for (size_t i = 0; r == 0 && i < data->n; i++)
        if (lean == data->n || !va_load_is_true(data->values[i], "speech_to_phrase"))
            r = read_block(loader, data->values[i], command, intent, name);
    return r;
}

int va_load_intent(struct va_loader *loader, const va_yaml_node *name, const va_yaml_node *mapping)
{
    if (!va_load_is_name(name->text))
        return va_load_mistake(loader, name, "the name of an intent must have 1 to 63 letters, digits and '_'");
    return read_blocks(loader, va_yaml_get(mapping, "data"), name, name->text, NULL);
}

/* The path tells the rest: .../INTENT/COMBINATION.yaml. */
int va_load_data(struct va_loader *loader, const va_yaml_node *data)
{
    const char *end = strrchr(loader->file, '/'), *start = end;
    char intent[64], name[64];

    while (start != NULL && start > loader->file && start[-1] != '/')
        start--;
    if (start == NULL || end - start >= (int)sizeof intent || strlen(end + 1) >= sizeof name)
        return va_load_mistake(loader, data, "the folder of a file with 'data' must be named after its intent");
    snprintf(intent, sizeof intent, "%.*s", (int)(end - start), start);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(end + 1, "."), end + 1);
    if (!va_load_is_name(intent))
        return va_load_mistake(loader, data, "the folder of a file with 'data' must be named after its intent");
    return read_blocks(loader, data, data, intent, name);
}

/* ---- responses ---- */

/* Takes `{{ slots.NAME }}` at *at to `{NAME}` in the buffer, and moves behind it. 0: it says something else. 1, or a negative VA_E*. */
static int convert_slot(const char **at, struct va_buffer *buffer)
{
    const char *name = *at + 2 + strspn(*at + 2, " -");

    if (strncmp(name, "slots.", 6) != 0)
        return 0;
    name += 6;
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    const char *end = name + n + strspn(name + n, " -");
    if (n == 0 || strncmp(end, "}}", 2) != 0)
        return 0;
    *at = end + 2;
    int r = va_buffer_printf(buffer, "{%.*s}", (int)n, name);
    return r < 0 ? r : 1;
}

/* The response in our own syntax: 1, 0 when it needs more than that, or a negative VA_E*. */
static int convert_response(const char *text, struct va_buffer *buffer)
{
    int r = va_buffer_append(buffer, "", 0);

    while (r >= 0 && *text != '\0') {
        if (text[0] == '{' && (text[1] == '%' || text[1] == '#'))
            return 0;
        if (text[0] != '{' || text[1] != '{') {
            r = va_buffer_append(buffer, text++, 1);
            continue;
        }
        if ((r = convert_slot(&text, buffer)) == 0)
            return 0;
    }
    return r < 0 ? r : 1;
}

static int read_response(struct va_loader *loader, const char *command, const va_yaml_node *key, const va_yaml_node *text)
{
    struct va_load_response response = {.language = loader->language, .command = command, .text = ""};
    struct va_buffer buffer;

    if (key->text == NULL || text->type != VA_YAML_SCALAR)
        return va_load_mistake(loader, text, "a response must be a text");
    va_buffer_init(&buffer, 65536);
    int r = convert_response(text->text, &buffer);
    if (r == 0)
        va_load_notice(loader, key, "the response '%s' of %s needs a template language: it is left out", key->text, command);
    if (r == 1)
        response.text = va_load_keep(loader, buffer.size > 0 ? buffer.data : "");
    va_buffer_free(&buffer);
    response.key = va_load_keep(loader, key->text);
    if (r < 0 || response.text == NULL || response.key == NULL ||
        va_grow(&loader->responses, &loader->responses_capacity, loader->n_responses, sizeof response) < 0)
        return va_fail_memory(loader->error);
    loader->responses[loader->n_responses++] = response;
    return 0;
}

int va_load_responses(struct va_loader *loader, const va_yaml_node *responses)
{
    const va_yaml_node *intents = va_yaml_get(responses, "intents");

    if (intents == NULL)
        return 0;
    if (intents->type != VA_YAML_MAPPING)
        return va_load_mistake(loader, intents, "'intents' must be a mapping of names");
    for (size_t i = 0; i < intents->n; i++) {
        const va_yaml_node *texts = intents->values[i];
        const char *command = intents->keys[i]->text == NULL ? NULL : va_load_keep(loader, intents->keys[i]->text);
        if (command == NULL)
            return va_fail_memory(loader->error);
        for (size_t j = 0; texts->type == VA_YAML_MAPPING && j < texts->n; j++) {
            int r = read_response(loader, command, texts->keys[j], texts->values[j]);
            if (r < 0)
                return r;
        }
    }
    return 0;
}
