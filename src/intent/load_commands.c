/* load_commands.c - commands, their sentences and actions. */
#include "intent/load.h"

#include <stdio.h>
#include <string.h>

int64_t va_load_find_command(struct va_loader *loader, const char *name, const va_yaml_node *place)
{
    va_commands *commands = loader->commands;
    const char *language = va_load_language(loader)->code;

    for (size_t i = 0; i < commands->n_commands; i++)
        if (strcmp(commands->commands[i].name, name) == 0 && strcmp(commands->commands[i].language, language) == 0)
            return (int64_t)i;
    struct va_command command = {.name = va_load_keep(loader, name),
                                 .language = language,
                                 .file = loader->file,
                                 .line = place->line,
                                 .voice = "",
                                 .response = "",
                                 .action.type = ""};
    if (command.name == NULL || va_grow(&commands->commands, &commands->commands_capacity, commands->n_commands, sizeof command) < 0 ||
        va_grow(&loader->marks, &loader->marks_capacity, commands->n_commands, sizeof *loader->marks) < 0)
        return va_fail_memory(loader->error);
    loader->marks[commands->n_commands] = (struct va_load_mark){0};
    commands->commands[commands->n_commands] = command;
    return (int64_t)commands->n_commands++;
}

int va_load_sentences(struct va_loader *loader, const va_yaml_node *sentences, uint32_t command, const struct va_block *block)
{
    if (sentences->type != VA_YAML_SEQUENCE || sentences->n == 0)
        return va_load_mistake(loader, sentences, "'sentences' must be a list with at least one sentence");
    for (size_t i = 0; i < sentences->n; i++) {
        const va_yaml_node *node = sentences->values[i];
        size_t before = loader->n_mistakes;
        struct va_sentence sentence = {.command = command, .block = block, .place = {loader->file, node->line}};
        int r = va_load_template(loader, node, &sentence.node);
        if (r < 0)
            return r;
        if (loader->n_mistakes > before)
            continue;
        struct va_language *language = va_load_language(loader);
        if (va_grow(&language->sentences, &language->sentences_capacity, language->n_sentences, sizeof sentence) < 0)
            return va_fail_memory(loader->error);
        language->sentences[language->n_sentences++] = sentence;
    }
    return 0;
}

/* Takes away what earlier paths said a command is. */
static void drop_sentences(struct va_language *language, uint32_t command)
{
    size_t n = 0;

    for (size_t i = 0; i < language->n_sentences; i++)
        if (language->sentences[i].command != command)
            language->sentences[n++] = language->sentences[i];
    language->n_sentences = n;
}

/* ---- actions ---- */

static int read_arguments(struct va_loader *loader, const va_yaml_node *list, struct va_command_action *action)
{
    if (list->type != VA_YAML_SEQUENCE)
        return va_load_mistake(loader, list, "'arguments' must be a list");
    const char **arguments = va_arena_alloc(&loader->commands->arena, list->n, sizeof *arguments);
    if (arguments == NULL)
        return va_fail_memory(loader->error);
    for (size_t i = 0; i < list->n; i++) {
        if (list->values[i]->type != VA_YAML_SCALAR)
            return va_load_mistake(loader, list->values[i], "an argument must be a text");
        if ((arguments[i] = va_load_keep(loader, list->values[i]->text)) == NULL)
            return va_fail_memory(loader->error);
    }
    action->arguments = arguments;
    action->n_arguments = list->n;
    return 0;
}

/* One setting; of a mapping OUTER those inside are called OUTER.NAME. */
static int add_setting(struct va_loader *loader, struct va_command_action *action, const char *outer, const va_yaml_node *key,
                       const va_yaml_node *value)
{
    struct va_arena *arena = &loader->commands->arena;

    if (key->text == NULL || outer == NULL || value->type != VA_YAML_SCALAR)
        return va_load_mistake(loader, value, "the setting '%s' of an action must be a text or a number",
                               key->text == NULL ? "?" : key->text);
    size_t size = strlen(outer) + strlen(key->text) + 2;
    char *name = va_arena_alloc(arena, size, 1);
    const char *text = va_load_keep(loader, value->text);
    if (name == NULL || text == NULL)
        return va_fail_memory(loader->error);
    snprintf(name, size, "%s%s%s", outer, outer[0] != '\0' ? "." : "", key->text);
    ((va_slot *)action->settings)[action->n_settings++] = (va_slot){name, text};
    return 0;
}

/* How many settings a mapping holds, those of inner mappings counted. */
static size_t count_settings(const va_yaml_node *mapping)
{
    size_t n = 0;

    for (size_t i = 0; i < mapping->n; i++)
        n += mapping->values[i]->type == VA_YAML_MAPPING ? mapping->values[i]->n : 1;
    return n;
}

int va_load_action(struct va_loader *loader, const va_yaml_node *mapping, struct va_command_action *ret_action)
{
    struct va_command_action action = {0};
    const char *type = va_load_text(mapping, "type");
    int r = 0;

    if (type == NULL)
        return va_load_mistake(loader, mapping, "'action' must be a mapping with a 'type'");
    va_slot *settings = va_arena_alloc(&loader->commands->arena, count_settings(mapping), sizeof *settings);
    if (settings == NULL || (action.type = va_load_keep(loader, type)) == NULL)
        return va_fail_memory(loader->error);
    action.settings = settings;
    for (size_t i = 0; i < mapping->n; i++) {
        const va_yaml_node *key = mapping->keys[i], *value = mapping->values[i];
        if (key->text != NULL && strcmp(key->text, "type") == 0)
            continue;
        if (key->text != NULL && strcmp(key->text, "arguments") == 0) {
            if ((r = read_arguments(loader, value, &action)) < 0)
                return r;
            continue;
        }
        if (value->type != VA_YAML_MAPPING)
            r = add_setting(loader, &action, "", key, value);
        for (size_t k = 0; value->type == VA_YAML_MAPPING && r == 0 && k < value->n; k++)
            r = add_setting(loader, &action, key->text, value->keys[k], value->values[k]);
        if (r < 0)
            return r;
    }
    *ret_action = action;
    return 0;
}

/* ---- answers ---- */

int va_load_answer(struct va_loader *loader, const va_yaml_node *mapping, const char *key, const char **ret_text)
{
    const va_yaml_node *text = va_yaml_get(mapping, key);

    if (text == NULL)
        return 0;
    if (text->type != VA_YAML_SCALAR)
        return va_load_mistake(loader, text, "'%s' must be one text; quote it when it starts with '{'", key);
    *ret_text = va_load_keep(loader, text->text);
    return *ret_text == NULL ? va_fail_memory(loader->error) : 0;
}

static int read_confirm(struct va_loader *loader, const va_yaml_node *confirm, struct va_command *command)
{
    if (confirm->type != VA_YAML_SCALAR || (strcmp(confirm->text, "true") != 0 && strcmp(confirm->text, "false") != 0))
        return va_load_mistake(loader, confirm, "'confirm' must be true or false");
    command->confirm = strcmp(confirm->text, "true") == 0;
    return 0;
}

static int read_answers(struct va_loader *loader, const va_yaml_node *mapping, struct va_command *command)
{
    const va_yaml_node *confirm = va_yaml_get(mapping, "confirm");
    int r = va_load_answer(loader, mapping, "response", &command->response);

    if (r == 0)
        r = va_load_answer(loader, mapping, "failure", &command->failure);
    if (r == 0)
        r = va_load_answer(loader, mapping, "question", &command->question);
    return r < 0 || confirm == NULL ? r : read_confirm(loader, confirm, command);
}

/* ---- commands ---- */

/* The slots and conditions a command gives for all its sentences; *ret_block NULL when there are none. */
static int read_block(struct va_loader *loader, const va_yaml_node *mapping, const struct va_block **ret_block)
{
    const va_yaml_node *slots = va_yaml_get(mapping, "slots");
    int r = 0;

    if (slots == NULL && va_yaml_get(mapping, "requires_context") == NULL && va_yaml_get(mapping, "excludes_context") == NULL)
        return 0;
    struct va_block *block = va_arena_alloc(&loader->commands->arena, 1, sizeof *block);
    if (block == NULL)
        return va_fail_memory(loader->error);
    *block = (struct va_block){.response = ""};
    if (slots != NULL)
        r = va_load_slots(loader, slots, &block->slots, &block->n_slots);
    if (r == 0)
        r = va_load_conditions(loader, mapping, NULL, 0, block);
    *ret_block = block;
    return r;
}

/* 1 when this path gave the part before; else notes that it does so now. */
static int is_twice(const struct va_loader *loader, const va_yaml_node *part, uint16_t *mark)
{
    if (part == NULL)
        return 0;
    int twice = *mark == loader->source;
    *mark = loader->source;
    return twice;
}

int va_load_command(struct va_loader *loader, const va_yaml_node *name, const va_yaml_node *mapping)
{
    static const char *const keys[] = {"sentences", "response", "failure",          "question",        "action",
                                       "confirm",   "slots",    "requires_context", "excludes_context"};
    const struct va_block *block = NULL;
    int r = 0;

    if (!va_load_is_name(name->text))
        return va_load_mistake(loader, name, "the name of a command must have 1 to 63 letters, digits and '_'");
    if (mapping->type != VA_YAML_MAPPING)
        return va_load_mistake(loader, name, "the command '%s' must be a mapping with 'sentences'", name->text);
    va_load_check_keys(loader, mapping, "a command", keys, sizeof keys / sizeof keys[0]);
    const va_yaml_node *sentences = va_yaml_get(mapping, "sentences"), *response = va_yaml_get(mapping, "response");
    const va_yaml_node *action = va_yaml_get(mapping, "action"), *confirm = va_yaml_get(mapping, "confirm");
    int64_t index = va_load_find_command(loader, name->text, name);
    if (index < 0)
        return (int)index;
    struct va_command *command = &loader->commands->commands[index];
    struct va_load_mark *mark = &loader->marks[index];
    int replaces = (mark->sentences != 0 || mark->data != 0) && mark->sentences != loader->source && mark->data != loader->source;
    if (is_twice(loader, sentences, &mark->sentences) | is_twice(loader, response, &mark->response) |
        is_twice(loader, action, &mark->action) | is_twice(loader, confirm, &mark->confirm))
        return va_load_mistake(loader, name, "the command '%s' is there already: %s:%d", name->text, command->file, command->line);
    if ((r = read_answers(loader, mapping, command)) < 0 ||
        (action != NULL && (r = va_load_action(loader, action, &command->action)) < 0) || sentences == NULL)
        return r;
    if (replaces)
        drop_sentences(va_load_language(loader), (uint32_t)index);
    command->file = loader->file;
    command->line = name->line;
    if ((r = read_block(loader, mapping, &block)) < 0)
        return r;
    return va_load_sentences(loader, sentences, (uint32_t)index, block);
}
