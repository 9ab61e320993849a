/* load.h - what the readers of the parts of a command file share. Used by load*.c. */
#ifndef VA_INTENT_LOAD_H
#define VA_INTENT_LOAD_H

#include "base/yaml.h"
#include "intent/grammar.h"

/* Which paths, by number + 1, gave these parts of a command; 0: none did. */
struct va_load_mark {
    uint16_t sentences, data, response, action, confirm; /* data: sentences in Home Assistant's way, which add up */
};

/* What Home Assistant's own intents.yaml says about sentences of one file: they are a "combination" of slots. */
struct va_load_combination {
    const char *intent, *name;
    int context_area;
    struct va_load_group *groups; /* of domains [n_groups] */
    size_t n_groups;
};

struct va_load_group {
    const char *name;
    const char *const *domains; /* [n] */
    size_t n;
};

/* A response that sentences name by its key. */
struct va_load_response {
    size_t language; /* index */
    const char *command, *key, *text;
};

/* A block whose response is still a key. */
struct va_load_block {
    struct va_block *block;
    size_t language;
    uint32_t command;
};

/* Equal conditions are kept once; their number is the index + 1. */
struct va_load_context {
    const struct va_condition *conditions; /* [n] */
    size_t n;
};

/* Something of the home, a value of one of the lists for it. */
struct va_load_home {
    int list;
    struct va_list_value value;
};

struct va_loader {
    va_commands *commands;
    const struct va_commands_request *request;
    size_t language; /* index of the language of the file being read */
    const char *file;
    uint16_t source; /* number + 1 of the path being read */
    va_error *error; /* may be NULL */
    size_t n_mistakes;
    uint32_t n_scopes;
    struct va_load_mark *marks;               /* [commands->n_commands] */
    struct va_load_combination *combinations; /* [n_combinations] */
    struct va_load_response *responses;       /* [n_responses] */
    struct va_load_block *blocks;             /* [n_blocks] */
    struct va_load_context *contexts;         /* [n_contexts] */
    struct va_load_home *home;                /* [n_home] */
    size_t marks_capacity, n_combinations, combinations_capacity, n_responses, responses_capacity, n_blocks, blocks_capacity;
    size_t n_contexts, contexts_capacity, n_home, home_capacity;
};

static inline struct va_language *va_load_language(const struct va_loader *loader)
{
    return &loader->commands->grammar.languages[loader->language];
}

/* Notes a mistake in the files; loading goes on, so that all are found. Returns 0. */
int va_load_mistake(struct va_loader *loader, const va_yaml_node *node, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Tells that something is left out. Returns 0. */
int va_load_notice(struct va_loader *loader, const va_yaml_node *node, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Notes every key of the mapping that is not in keys [n]. */
void va_load_check_keys(struct va_loader *loader, const va_yaml_node *mapping, const char *what, const char *const *keys, size_t n);

/* Names of commands, lists, rules. */
int va_load_is_name(const char *text);

/* The text of a scalar under the key, or NULL. */
const char *va_load_text(const va_yaml_node *mapping, const char *key);

/* 1 when the key is there and true. */
int va_load_is_true(const va_yaml_node *mapping, const char *key);

/* A copy that lives as long as the commands; NULL when out of memory. */
const char *va_load_keep(struct va_loader *loader, const char *text);

/* Compiles a template; a mistake in it is noted and *ret_node is EMPTY. */
VA_MUST_CHECK int va_load_template(struct va_loader *loader, const va_yaml_node *node, uint32_t *ret_node);

/* Calls read for every pair of the mapping under the key, if it is there. */
VA_MUST_CHECK int va_load_section(struct va_loader *loader, const va_yaml_node *root, const char *name,
                                  int (*read)(struct va_loader *loader, const va_yaml_node *key, const va_yaml_node *value));

/* One list, rule, or the skip words. Mistakes are noted; a negative VA_E* only for what stops loading. */
VA_MUST_CHECK int va_load_list(struct va_loader *loader, const va_yaml_node *name, const va_yaml_node *body);
VA_MUST_CHECK int va_load_rule(struct va_loader *loader, const va_yaml_node *name, const va_yaml_node *body);
VA_MUST_CHECK int va_load_skip_words(struct va_loader *loader, const va_yaml_node *words);

/* A text, or several with commas between, kept. */
VA_MUST_CHECK int va_load_joined(struct va_loader *loader, const va_yaml_node *node, const char **ret_text);

/* A mapping of such texts. */
VA_MUST_CHECK int va_load_slots(struct va_loader *loader, const va_yaml_node *mapping, const va_slot **ret_slots, size_t *ret_n);

/* `commands:`, `default_action:`. */
VA_MUST_CHECK int va_load_command(struct va_loader *loader, const va_yaml_node *name, const va_yaml_node *mapping);
VA_MUST_CHECK int va_load_action(struct va_loader *loader, const va_yaml_node *mapping, struct va_command_action *ret_action);

/* The text under the key, kept, when it is there. */
VA_MUST_CHECK int va_load_answer(struct va_loader *loader, const va_yaml_node *mapping, const char *key, const char **ret_text);

/* The command of the current language called so, made when it is not there. Negative VA_E*, or its index. */
int64_t va_load_find_command(struct va_loader *loader, const char *name, const va_yaml_node *place);

/* One sentence after the other; block may be NULL. */
VA_MUST_CHECK int va_load_sentences(struct va_loader *loader, const va_yaml_node *sentences, uint32_t command,
                                    const struct va_block *block);

/* The conditions of a mapping with `requires_context` and `excludes_context`, and more [n_more], kept in the block. */
VA_MUST_CHECK int va_load_conditions(struct va_loader *loader, const va_yaml_node *mapping, const struct va_condition *more, size_t n_more,
                                     struct va_block *block);

/* Files of Home Assistant: `intents:`, `data:`, `responses:`, and the description of all intents. */
VA_MUST_CHECK int va_load_intent(struct va_loader *loader, const va_yaml_node *name, const va_yaml_node *mapping);
VA_MUST_CHECK int va_load_data(struct va_loader *loader, const va_yaml_node *data);
VA_MUST_CHECK int va_load_responses(struct va_loader *loader, const va_yaml_node *responses);
VA_MUST_CHECK int va_load_combinations(struct va_loader *loader, const va_yaml_node *root);

/* `entities:`, `areas:`, `floors:`, `context:`. */
VA_MUST_CHECK int va_load_home(struct va_loader *loader, const va_yaml_node *root);

/* Once all files are read: what could not be known before. */
VA_MUST_CHECK int va_load_finish_home(struct va_loader *loader);
VA_MUST_CHECK int va_load_finish(struct va_loader *loader);

/* Sorted paths of the command files in a folder and its folders, in the arena; the array is for va_free. */
VA_MUST_CHECK int va_load_list_folder(struct va_loader *loader, const char *folder, char ***ret_paths, size_t *ret_n);

#endif
