/* load.h - what the readers of the parts of a command file share. Used by load.c and load_lists.c. */
#ifndef VA_INTENT_LOAD_H
#define VA_INTENT_LOAD_H

#include "base/yaml.h"
#include "intent/grammar.h"

struct va_loader {
    va_commands *commands;
    struct va_language *language; /* of the file being read */
    const char *file;
    va_commands_mistake_fn mistake;
    void *user;
    va_error *error; /* may be NULL */
    size_t n_mistakes;
};

/* Notes a mistake in the files; loading goes on, so that all are found. Returns 0. */
int va_load_mistake(struct va_loader *loader, const va_yaml_node *node, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Notes every key of the mapping that is not in keys [n]. */
void va_load_check_keys(struct va_loader *loader, const va_yaml_node *mapping, const char *what, const char *const *keys, size_t n);

/* Names of commands, lists, rules. */
int va_load_is_name(const char *text);

/* A copy that lives as long as the commands; NULL when out of memory. */
const char *va_load_keep(struct va_loader *loader, const char *text);

/* Compiles a template; a mistake in it is noted and *ret_node is EMPTY. */
VA_MUST_CHECK int va_load_template(struct va_loader *loader, const va_yaml_node *node, uint32_t *ret_node);

/* One list, rule, or the skip words. Mistakes are noted; a negative VA_E* only for what stops loading. */
VA_MUST_CHECK int va_load_list(struct va_loader *loader, const va_yaml_node *name, const va_yaml_node *body);
VA_MUST_CHECK int va_load_rule(struct va_loader *loader, const va_yaml_node *name, const va_yaml_node *body);
VA_MUST_CHECK int va_load_skip_words(struct va_loader *loader, const va_yaml_node *words);

#endif
