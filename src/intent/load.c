/* load.c - command files: from YAML to commands and their grammar. docs/commands.md describes the format. */
#include "intent/load.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"

#define MAX_FILES 1000
#define MAX_TEMPLATE_BYTES 16384
#define MAX_STRINGS_BYTES ((size_t)256 << 20)

/* Notes a mistake in the files; loading goes on, so that all are found. Returns 0. */
static int mistake_at(void *user, struct va_place place, const char *text)
{
    struct va_loader *loader = user;
    va_error line;

    va_fail(&line, VA_EFORMAT, "%s:%d: %s", place.file, place.line, text);
    if (loader->n_mistakes++ == 0 && loader->error != NULL)
        *loader->error = line;
    if (loader->mistake != NULL)
        loader->mistake(loader->user, line.text);
    return 0;
}

int va_load_mistake(struct va_loader *loader, const va_yaml_node *node, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return mistake_at(loader, (struct va_place){loader->file, node->line}, text);
}

const char *va_load_keep(struct va_loader *loader, const char *text)
{
    return va_arena_strdup(&loader->commands->arena, text);
}

/* ---- helpers on nodes ---- */

void va_load_check_keys(struct va_loader *loader, const va_yaml_node *mapping, const char *what, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < mapping->n; i++) {
        const char *key = mapping->keys[i]->text;
        size_t k = 0;
        while (k < n && (key == NULL || strcmp(key, keys[k]) != 0))
            k++;
        if (k < n)
            continue;
        const char *near = key == NULL ? NULL : va_nearest_name(key, keys, n, sizeof *keys);
        va_load_mistake(loader, mapping->keys[i], "%s has no '%s'%s%s%s", what, key == NULL ? "?" : key, near ? ", did you mean '" : "",
                        near ? near : "", near ? "'?" : "");
    }
}

int va_load_is_name(const char *text)
{
    size_t n = text == NULL ? 0 : strlen(text);

    for (size_t i = 0; i < n; i++)
        if (!(text[i] >= 'a' && text[i] <= 'z') && !(text[i] >= 'A' && text[i] <= 'Z') && !(text[i] >= '0' && text[i] <= '9') &&
            text[i] != '_' && text[i] != '.' && (unsigned char)text[i] < 0x80)
            return 0;
    return n > 0 && n < 64;
}

/* ---- templates ---- */

int va_load_template(struct va_loader *loader, const va_yaml_node *node, uint32_t *ret_node)
{
    va_error error;

    *ret_node = VA_NODE_INDEX_EMPTY;
    if (node->type != VA_YAML_SCALAR)
        return va_load_mistake(loader, node, "a sentence must be one text; quote it when it starts with '[' or '{'");
    if (strlen(node->text) > MAX_TEMPLATE_BYTES)
        return va_load_mistake(loader, node, "a sentence may have %d bytes at most", MAX_TEMPLATE_BYTES);
    struct va_place place = {loader->file, node->line};
    int r = va_template_compile(loader->commands, loader->language, node->text, place, ret_node, &error);
    if (r == VA_EFORMAT)
        return va_load_mistake(loader, node, "in \"%.*s%s\": %s", 60, node->text, strlen(node->text) > 60 ? "..." : "", error.text);
    if (r < 0 && loader->error != NULL)
        *loader->error = error;
    return r;
}

static int read_sentences(struct va_loader *loader, const va_yaml_node *sentences, uint32_t command)
{
    struct va_language *language = loader->language;

    if (sentences->type != VA_YAML_SEQUENCE || sentences->n == 0)
        return va_load_mistake(loader, sentences, "'sentences' must be a list with at least one sentence");
    for (size_t i = 0; i < sentences->n; i++) {
        const va_yaml_node *node = sentences->values[i];
        size_t before = loader->n_mistakes;
        struct va_sentence sentence = {.command = command, .place = {loader->file, node->line}};
        int r = va_load_template(loader, node, &sentence.node);
        if (r < 0)
            return r;
        if (loader->n_mistakes > before)
            continue;
        if (va_grow(&language->sentences, &language->sentences_capacity, language->n_sentences, sizeof sentence) < 0)
            return va_fail_memory(loader->error);
        language->sentences[language->n_sentences++] = sentence;
    }
    return 0;
}

/* ---- commands ---- */

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

static int read_action(struct va_loader *loader, const va_yaml_node *mapping, struct va_command_action *action)
{
    const va_yaml_node *type = va_yaml_get(mapping, "type");
    int r;

    if (mapping->type != VA_YAML_MAPPING || type == NULL || type->type != VA_YAML_SCALAR)
        return va_load_mistake(loader, mapping, "'action' must be a mapping with a 'type'");
    va_slot *settings = va_arena_alloc(&loader->commands->arena, mapping->n, sizeof *settings);
    if (settings == NULL || (action->type = va_load_keep(loader, type->text)) == NULL)
        return va_fail_memory(loader->error);
    action->settings = settings;
    for (size_t i = 0; i < mapping->n; i++) {
        const va_yaml_node *key = mapping->keys[i], *value = mapping->values[i];
        if (value == type)
            continue;
        if (key->text != NULL && strcmp(key->text, "arguments") == 0) {
            if ((r = read_arguments(loader, value, action)) < 0)
                return r;
            continue;
        }
        if (key->text == NULL || value->type != VA_YAML_SCALAR) {
            va_load_mistake(loader, value, "the setting '%s' of an action must be a text or a number", key->text == NULL ? "?" : key->text);
            continue;
        }
        va_slot *setting = &settings[action->n_settings++];
        if ((setting->name = va_load_keep(loader, key->text)) == NULL || (setting->value = va_load_keep(loader, value->text)) == NULL)
            return va_fail_memory(loader->error);
    }
    return 0;
}

static int read_response(struct va_loader *loader, const va_yaml_node *mapping, struct va_command *command)
{
    const va_yaml_node *response = va_yaml_get(mapping, "response");

    if (response == NULL)
        return 0;
    if (response->type != VA_YAML_SCALAR)
        return va_load_mistake(loader, response, "'response' must be one text; quote it when it starts with '{'");
    command->response = va_load_keep(loader, response->text);
    return command->response == NULL ? va_fail_memory(loader->error) : 0;
}

static int read_command(struct va_loader *loader, const va_yaml_node *name, const va_yaml_node *mapping)
{
    static const char *const keys[] = {"sentences", "response", "action"};
    va_commands *commands = loader->commands;
    int r;

    if (!va_load_is_name(name->text))
        return va_load_mistake(loader, name, "the name of a command must have 1 to 63 letters, digits and '_'");
    if (mapping->type != VA_YAML_MAPPING)
        return va_load_mistake(loader, name, "the command '%s' must be a mapping with 'sentences'", name->text);
    for (size_t i = 0; i < commands->n_commands; i++)
        if (strcmp(commands->commands[i].name, name->text) == 0 && strcmp(commands->commands[i].language, loader->language->code) == 0)
            return va_load_mistake(loader, name, "the command '%s' is there already: %s:%d", name->text, commands->commands[i].file,
                                   commands->commands[i].line);
    va_load_check_keys(loader, mapping, "a command", keys, sizeof keys / sizeof keys[0]);
    struct va_command command = {.name = va_load_keep(loader, name->text),
                                 .language = loader->language->code,
                                 .file = loader->file,
                                 .line = name->line,
                                 .response = "",
                                 .action.type = ""};
    if (command.name == NULL)
        return va_fail_memory(loader->error);
    const va_yaml_node *sentences = va_yaml_get(mapping, "sentences"), *action = va_yaml_get(mapping, "action");
    if ((r = read_response(loader, mapping, &command)) < 0 || (action != NULL && (r = read_action(loader, action, &command.action)) < 0))
        return r;
    if (va_grow(&commands->commands, &commands->commands_capacity, commands->n_commands, sizeof command) < 0)
        return va_fail_memory(loader->error);
    commands->commands[commands->n_commands++] = command;
    if (sentences == NULL)
        return va_load_mistake(loader, name, "the command '%s' has no 'sentences'", name->text);
    return read_sentences(loader, sentences, (uint32_t)commands->n_commands - 1);
}

/* ---- files ---- */

static int read_section(struct va_loader *loader, const va_yaml_node *root, const char *name,
                        int (*read)(struct va_loader *loader, const va_yaml_node *key, const va_yaml_node *value))
{
    const va_yaml_node *section = va_yaml_get(root, name);
    int r = 0;

    if (section == NULL)
        return 0;
    if (section->type != VA_YAML_MAPPING)
        return va_load_mistake(loader, section, "'%s' must be a mapping of names", name);
    for (size_t i = 0; r == 0 && i < section->n; i++)
        r = read(loader, section->keys[i], section->values[i]);
    return r;
}

static int read_document(struct va_loader *loader, const va_yaml_node *root)
{
    static const char *const keys[] = {"language", "commands", "lists", "rules", "skip_words"};
    int r;

    if (root->type != VA_YAML_MAPPING)
        return va_load_mistake(loader, root, "a command file must be a mapping with 'language' and 'commands'");
    va_load_check_keys(loader, root, "a command file", keys, sizeof keys / sizeof keys[0]);
    const va_yaml_node *language = va_yaml_get(root, "language"), *skip_words = va_yaml_get(root, "skip_words");
    if (language == NULL || language->type != VA_YAML_SCALAR || language->text[0] == '\0' || strlen(language->text) > 15)
        return va_load_mistake(loader, language == NULL ? root : language, "'language' is missing: add a line such as \"language: en\"");
    if ((loader->language = va_grammar_language(loader->commands, language->text)) == NULL)
        return va_fail_memory(loader->error);
    if ((r = read_section(loader, root, "lists", va_load_list)) < 0 || (r = read_section(loader, root, "rules", va_load_rule)) < 0 ||
        (r = read_section(loader, root, "commands", read_command)) < 0)
        return r;
    return skip_words == NULL ? 0 : va_load_skip_words(loader, skip_words);
}

/* Reads one file; text NULL: from disk. A file that is no YAML is one mistake. */
static int read_file(struct va_loader *loader, const char *path, const char *text, size_t size)
{
    va_yaml *yaml = NULL;
    va_error error;

    loader->file = va_load_keep(loader, path);
    if (loader->file == NULL)
        return va_fail_memory(loader->error);
    int r = text != NULL ? va_yaml_parse(path, text, size, &yaml, &error) : va_yaml_open(path, &yaml, &error);
    if (r == VA_ENOMEM)
        return va_fail_memory(loader->error);
    if (r < 0) {
        error.code = VA_EFORMAT; /* whatever the YAML reader calls it, it is a mistake in a file */
        if (loader->n_mistakes++ == 0 && loader->error != NULL)
            *loader->error = error;
        if (loader->mistake != NULL)
            loader->mistake(loader->user, error.text);
        return 0;
    }
    r = read_document(loader, va_yaml_root(yaml));
    va_yaml_free(yaml);
    return r;
}

static int is_command_file(const char *name)
{
    size_t n = strlen(name);
    return name[0] != '.' && n > 5 && strcmp(name + n - 5, ".yaml") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The paths of the command files in a folder, sorted, in the arena. */
static int list_folder(struct va_loader *loader, const char *folder, char ***ret_paths, size_t *n, size_t *capacity)
{
    DIR *dir = opendir(folder);
    int r = 0;

    if (dir == NULL)
        return va_fail_errno(loader->error, "cannot read the folder %s", folder);
    for (const struct dirent *entry; r == 0 && (entry = readdir(dir)) != NULL;) {
        if (!is_command_file(entry->d_name))
            continue;
        size_t size = strlen(folder) + strlen(entry->d_name) + 2;
        char *path = va_arena_alloc(&loader->commands->arena, size, 1);
        if (path == NULL || va_grow(ret_paths, capacity, *n, sizeof path) < 0) {
            r = va_fail_memory(loader->error);
        } else {
            snprintf(path, size, "%s/%s", folder, entry->d_name);
            (*ret_paths)[(*n)++] = path;
        }
        if (*n > MAX_FILES)
            r = va_fail(loader->error, VA_ELIMIT, "%s: more than %d command files", folder, MAX_FILES);
    }
    closedir(dir);
    if (r == 0 && *n == 0)
        r = va_fail(loader->error, VA_ENOTFOUND, "%s: no command files (*.yaml) in this folder", folder);
    if (r == 0)
        qsort(*ret_paths, *n, sizeof **ret_paths, by_name);
    return r;
}

static int read_folder(struct va_loader *loader, const char *folder)
{
    char **paths = NULL;
    size_t n = 0, capacity = 0;
    int r = list_folder(loader, folder, &paths, &n, &capacity);

    for (size_t i = 0; r == 0 && i < n; i++)
        r = read_file(loader, paths[i], NULL, 0);
    va_free(paths);
    return r;
}

static int add_first_nodes(struct va_loader *loader)
{
    struct va_grammar *grammar = &loader->commands->grammar;

    if (va_grammar_add(grammar, (struct va_node){.kind = VA_NODE_EMPTY}) < 0 ||
        va_grammar_add(grammar, (struct va_node){.kind = VA_NODE_BOUNDARY}) < 0)
        return va_fail_memory(loader->error);
    return 0;
}

/* text NULL: from disk, where path may be a folder. */
static int load(struct va_loader *loader, const char *path, const char *text, size_t size, va_commands **ret_commands)
{
    struct stat status;
    int r;

    if ((loader->commands = va_calloc(1, sizeof *loader->commands)) == NULL)
        return va_fail_memory(loader->error);
    va_arena_init(&loader->commands->arena, MAX_STRINGS_BYTES);
    if ((r = add_first_nodes(loader)) < 0)
        goto fail;
    if (text == NULL && stat(path, &status) != 0) {
        r = va_fail_errno(loader->error, "cannot read the commands in %s", path);
        goto fail;
    }
    r = text == NULL && S_ISDIR(status.st_mode) ? read_folder(loader, path) : read_file(loader, path, text, size);
    if (r < 0)
        goto fail;
    if ((r = va_grammar_seal(loader->commands, mistake_at, loader)) < 0)
        goto fail;
    if (loader->n_mistakes > 0) {
        r = VA_EFORMAT;
        goto fail;
    }
    *ret_commands = loader->commands;
    return 0;

fail:
    va_commands_free(loader->commands);
    return r;
}

int va_commands_load(const char *path, va_commands_mistake_fn mistake_fn, void *user, va_commands **ret_commands, va_error *error)
{
    struct va_loader loader = {.mistake = mistake_fn, .user = user, .error = error};
    return load(&loader, path, NULL, 0, ret_commands);
}

int va_commands_open(const char *path, va_commands **ret_commands, va_error *error)
{
    return va_commands_load(path, NULL, NULL, ret_commands, error);
}

int va_commands_parse(const char *path, const char *text, size_t size, va_commands **ret_commands, va_error *error)
{
    struct va_loader loader = {.error = error};
    return load(&loader, path, text, size, ret_commands);
}
