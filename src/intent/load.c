/* load.c - command files: from YAML to commands and their grammar. docs/commands.md describes the format. */
#include "intent/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"

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
    if (loader->request->mistake != NULL)
        loader->request->mistake(loader->request->user, line.text);
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

int va_load_notice(struct va_loader *loader, const va_yaml_node *node, const char *format, ...)
{
    char text[256];
    va_error line;
    va_list args;

    if (loader->request->notice == NULL)
        return 0;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    va_fail(&line, 0, "%s:%d: %s", loader->file, node->line, text);
    loader->request->notice(loader->request->user, line.text);
    return 0;
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

const char *va_load_text(const va_yaml_node *mapping, const char *key)
{
    const va_yaml_node *node = mapping == NULL ? NULL : va_yaml_get(mapping, key);
    return node == NULL ? NULL : node->text;
}

int va_load_is_true(const va_yaml_node *mapping, const char *key)
{
    const char *text = va_load_text(mapping, key);
    return text != NULL && strcmp(text, "true") == 0;
}

int va_load_template(struct va_loader *loader, const va_yaml_node *node, uint32_t *ret_node)
{
    va_error error;

    *ret_node = VA_NODE_INDEX_EMPTY;
    if (node->type != VA_YAML_SCALAR)
        return va_load_mistake(loader, node, "a sentence must be one text; quote it when it starts with '[' or '{'");
    if (strlen(node->text) > MAX_TEMPLATE_BYTES)
        return va_load_mistake(loader, node, "a sentence may have %d bytes at most", MAX_TEMPLATE_BYTES);
    struct va_place place = {loader->file, node->line};
    int r = va_template_compile(loader->commands, va_load_language(loader), node->text, place, ret_node, &error);
    if (r == VA_EFORMAT)
        return va_load_mistake(loader, node, "in \"%.*s%s\": %s", 60, node->text, strlen(node->text) > 60 ? "..." : "", error.text);
    if (r < 0 && loader->error != NULL)
        *loader->error = error;
    return r;
}

int va_load_section(struct va_loader *loader, const va_yaml_node *root, const char *name,
                    int (*read)(struct va_loader *loader, const va_yaml_node *key, const va_yaml_node *value))
{
    const va_yaml_node *section = va_yaml_get(root, name);
    int r = 0;

    if (section == NULL || (section->type == VA_YAML_SCALAR && section->text[0] == '\0'))
        return 0;
    if (section->type != VA_YAML_MAPPING)
        return va_load_mistake(loader, section, "'%s' must be a mapping of names", name);
    for (size_t i = 0; r == 0 && i < section->n; i++)
        r = read(loader, section->keys[i], section->values[i]);
    return r;
}

/* ---- documents ---- */

/* Whether every value of the mapping, or one of them, has the key. */
static int values_have(const va_yaml_node *root, const char *key, int every)
{
    size_t n = 0;

    for (size_t i = 0; i < root->n; i++)
        n += va_yaml_get(root->values[i], key) != NULL;
    return every ? n > 0 && n == root->n : n > 0;
}

/* Sets the language of the file: that of `language:`, or what all languages share. */
static int enter_language(struct va_loader *loader, const char *code)
{
    const struct va_language *language = va_grammar_language(loader->commands, code);

    if (language == NULL)
        return va_fail_memory(loader->error);
    loader->language = (size_t)(language - loader->commands->grammar.languages);
    return 0;
}

static int read_voice(struct va_loader *loader, const va_yaml_node *voice)
{
    if (voice->type != VA_YAML_SCALAR || voice->text[0] == '\0')
        return va_load_mistake(loader, voice, "'voice' must be the name of a voice");
    const char *copy = va_load_keep(loader, voice->text);
    if (copy == NULL)
        return va_fail_memory(loader->error);
    va_load_language(loader)->voice = copy;
    return 0;
}

static int read_language(struct va_loader *loader, const va_yaml_node *root)
{
    const va_yaml_node *skip_words = va_yaml_get(root, "skip_words"), *data = va_yaml_get(root, "data");
    const va_yaml_node *voice = va_yaml_get(root, "voice"), *responses = va_yaml_get(root, "responses");
    int r;

    if ((r = va_load_section(loader, root, "rules", va_load_rule)) < 0 ||
        (r = va_load_section(loader, root, "expansion_rules", va_load_rule)) < 0 ||
        (r = va_load_section(loader, root, "commands", va_load_command)) < 0 ||
        (r = va_load_section(loader, root, "intents", va_load_intent)) < 0 || (data != NULL && (r = va_load_data(loader, data)) < 0) ||
        (responses != NULL && (r = va_load_responses(loader, responses)) < 0) ||
        (skip_words != NULL && (r = va_load_skip_words(loader, skip_words)) < 0) ||
        (r = va_load_answer(loader, root, "failure", &va_load_language(loader)->failure)) < 0 ||
        (r = va_load_answer(loader, root, "question", &va_load_language(loader)->question)) < 0)
        return r;
    return voice == NULL ? 0 : read_voice(loader, voice);
}

/* 1 when something in the file belongs to a language. */
static int needs_language(const va_yaml_node *root)
{
    static const char *const shared[] = {"lists", "entities", "areas", "floors", "context", "default_action"};
    static const char *const own[] = {"rules",     "expansion_rules", "commands", "intents", "data",
                                      "responses", "skip_words",      "voice",    "failure", "question"};
    int any = 0;

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (va_yaml_get(root, own[i]) != NULL)
            return 1;
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++)
        any |= va_yaml_get(root, shared[i]) != NULL;
    return !any;
}

static int read_document(struct va_loader *loader, const va_yaml_node *root)
{
    /* The last ones are Home Assistant's, for programs that are not this one. */
    static const char *const keys[] = {"language", "commands",        "lists",  "rules",   "skip_words", "voice",   "default_action",
                                       "entities", "areas",           "floors", "context", "intents",    "data",    "responses",
                                       "settings", "expansion_rules", "timers", "media",   "failure",    "question"};
    const va_yaml_node *language = va_yaml_get(root, "language"), *action = va_yaml_get(root, "default_action");
    int r;

    if (root->type != VA_YAML_MAPPING)
        return va_load_mistake(loader, root, "a command file must be a mapping with 'language' and 'commands'");
    if (language == NULL && values_have(root, "slot_combinations", 0))
        return va_load_combinations(loader, root);
    if (language == NULL && values_have(root, "nativeName", 1))
        return 0;
    if (va_yaml_get(root, "tests") != NULL) /* sentences to test with, and the home they are for */
        return (r = enter_language(loader, "")) < 0 ? r : va_load_home(loader, root);
    va_load_check_keys(loader, root, "a command file", keys, sizeof keys / sizeof keys[0]);
    if (language == NULL ? needs_language(root)
                         : language->type != VA_YAML_SCALAR || language->text[0] == '\0' || strlen(language->text) > 15)
        return va_load_mistake(loader, language == NULL ? root : language, "'language' is missing: add a line such as \"language: en\"");
    if ((r = enter_language(loader, "")) < 0 || (r = va_load_home(loader, root)) < 0)
        return r;
    if (language != NULL) {
        if (loader->request->language != NULL && strcmp(loader->request->language, language->text) != 0)
            return 0;
        if ((r = enter_language(loader, language->text)) < 0)
            return r;
    }
    if ((r = va_load_section(loader, root, "lists", va_load_list)) < 0 ||
        (action != NULL && (r = va_load_action(loader, action, &va_load_language(loader)->action)) < 0))
        return r;
    return language == NULL ? 0 : read_language(loader, root);
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
        if (loader->request->mistake != NULL)
            loader->request->mistake(loader->request->user, error.text);
        return 0;
    }
    r = read_document(loader, va_yaml_root(yaml));
    va_yaml_free(yaml);
    return r;
}

static int read_folder(struct va_loader *loader, const char *folder)
{
    char **paths = NULL;
    size_t n = 0;
    int r = va_load_list_folder(loader, folder, &paths, &n);

    for (size_t i = 0; r == 0 && i < n; i++)
        r = read_file(loader, paths[i], NULL, 0);
    va_free(paths);
    return r;
}

static int read_path(struct va_loader *loader, const char *path)
{
    struct stat status;

    loader->source++;
    if (stat(path, &status) != 0)
        return va_fail_errno(loader->error, "cannot read the commands in %s", path);
    return S_ISDIR(status.st_mode) ? read_folder(loader, path) : read_file(loader, path, NULL, 0);
}

/* ---- all of it ---- */

static int add_first_nodes(struct va_loader *loader)
{
    struct va_grammar *grammar = &loader->commands->grammar;

    if (va_grammar_add(grammar, (struct va_node){.kind = VA_NODE_EMPTY}) < 0 ||
        va_grammar_add(grammar, (struct va_node){.kind = VA_NODE_BOUNDARY}) < 0)
        return va_fail_memory(loader->error);
    return 0;
}

static int load(struct va_loader *loader, const char *text, size_t size, va_commands **ret_commands)
{
    const struct va_commands_request *request = loader->request;
    int r;

    if ((loader->commands = va_calloc(1, sizeof *loader->commands)) == NULL)
        return va_fail_memory(loader->error);
    va_arena_init(&loader->commands->arena, MAX_STRINGS_BYTES);
    r = add_first_nodes(loader);
    for (size_t i = 0; r == 0 && i < request->n_paths; i++) {
        if (text == NULL) {
            r = read_path(loader, request->paths[i]);
        } else {
            loader->source++;
            r = read_file(loader, request->paths[i], text, size);
        }
    }
    if (r == 0)
        r = va_load_finish(loader);
    if (r == 0)
        r = va_grammar_seal(loader->commands, mistake_at, loader);
    if (r == 0 && loader->n_mistakes > 0)
        r = VA_EFORMAT;
    va_free(loader->marks);
    va_free(loader->combinations);
    va_free(loader->responses);
    va_free(loader->blocks);
    va_free(loader->contexts);
    va_free(loader->home);
    if (r < 0)
        va_commands_free(loader->commands);
    else
        *ret_commands = loader->commands;
    return r;
}

int va_commands_load_request(const struct va_commands_request *request, va_commands **ret_commands, va_error *error)
{
    struct va_loader loader = {.request = request, .error = error};
    return load(&loader, NULL, 0, ret_commands);
}

int va_commands_load(const char *path, va_commands_mistake_fn mistake_fn, void *user, va_commands **ret_commands, va_error *error)
{
    const struct va_commands_request request = {.paths = &path, .n_paths = 1, .mistake = mistake_fn, .user = user};
    return va_commands_load_request(&request, ret_commands, error);
}

int va_commands_open(const char *path, va_commands **ret_commands, va_error *error)
{
    return va_commands_load(path, NULL, NULL, ret_commands, error);
}

int va_commands_parse(const char *path, const char *text, size_t size, va_commands **ret_commands, va_error *error)
{
    const struct va_commands_request request = {.paths = &path, .n_paths = 1};
    struct va_loader loader = {.request = &request, .error = error};
    return load(&loader, text, size, ret_commands);
}
