#include "config/config.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"
#include "base/yaml.h"
#include "config/options.h"

/* What a va_config owns. */
struct storage {
    char *path;
    char *strings[VA_N_OPTIONS]; /* NULL: the default, which is static */
};

static int config_new(const char *path, va_config **ret_config, va_error *error)
{
    va_config *config = va_calloc(1, sizeof *config);
    struct storage *storage = va_calloc(1, sizeof *storage);
    char *copy = va_strdup(path);

    if (config == NULL || storage == NULL || copy == NULL) {
        va_free(config);
        va_free(storage);
        va_free(copy);
        return va_fail_memory(error);
    }
    storage->path = copy;
    config->storage = storage;
    for (size_t i = 0; i < VA_N_OPTIONS; i++) {
        const struct va_option *option = &va_options[i];
        if (option->type == VA_OPTION_TYPE_NUMBER)
            *va_option_number(option, config) = option->number;
        else if (option->type == VA_OPTION_TYPE_INT || option->type == VA_OPTION_TYPE_BOOL)
            *va_option_integer(option, config) = option->integer;
        else
            *va_option_string(option, config) = option->string;
    }
    *ret_config = config;
    return 0;
}

void va_config_free(va_config *config)
{
    if (config == NULL)
        return;
    struct storage *storage = config->storage;
    for (size_t i = 0; i < VA_N_OPTIONS; i++)
        va_free(storage->strings[i]);
    va_free(storage->path);
    va_free(storage);
    va_free(config);
}

const char *va_config_path(const va_config *config)
{
    const struct storage *storage = config->storage;
    return storage->path;
}

static int set(va_config *config, const struct va_option *option, const char *text, int quoted, va_error *error)
{
    struct storage *storage = config->storage;
    int r = va_option_parse(option, text, quoted, config, error);

    if (r < 0 || (option->type != VA_OPTION_TYPE_STRING && option->type != VA_OPTION_TYPE_CHOICE))
        return r;
    char *copy = va_strdup(text);
    if (copy == NULL)
        return va_fail_memory(error);
    va_free(storage->strings[option - va_options]);
    storage->strings[option - va_options] = copy;
    *va_option_string(option, config) = copy;
    return 0;
}

static int fail_unknown_option(int code, const char *where, const char *name, va_error *error)
{
    const char *nearest = va_option_nearest(name);
    if (nearest != NULL)
        return va_fail(error, code, "%s: unknown option '%.80s', did you mean '%s'?", where, name, nearest);
    return va_fail(error, code, "%s: unknown option '%.80s'; 'voice-assistant config sample' lists all", where, name);
}

/* "FILE:LINE", of a long path the end. */
#define WHERE_BYTES 136
static void place(const char *path, int line, char ret_where[WHERE_BYTES])
{
    size_t length = strlen(path), keep = WHERE_BYTES - 16;
    snprintf(ret_where, WHERE_BYTES, "%s:%d", length > keep ? path + length - keep : path, line);
}

static int read_option(va_config *config, const char *path, const char *section, const va_yaml_node *key, const va_yaml_node *value,
                       va_error *error)
{
    char where[WHERE_BYTES], name[VA_OPTION_NAME_BYTES * 2];
    const struct va_option *option = va_option_find(section, strlen(section), key->text, strlen(key->text));
    va_error reason;

    place(path, key->line, where);
    if (option == NULL) {
        snprintf(name, sizeof name, "%s.%s", section, key->text);
        return fail_unknown_option(VA_EFORMAT, where, name, error);
    }
    if (value->type != VA_YAML_SCALAR)
        return va_fail(error, VA_EFORMAT, "%s: '%s' must be a single value", where, option->name);
    int r = set(config, option, value->text, value->quoted, &reason);
    return r < 0 ? va_fail(error, r, "%s: %s", where, reason.text) : 0;
}

static int read_section(va_config *config, const char *path, const va_yaml_node *key, const va_yaml_node *value, va_error *error)
{
    char where[WHERE_BYTES];
    int r = 0;

    place(path, key->line, where);
    if (va_section_find(key->text) == NULL) {
        const char *nearest = va_section_nearest(key->text);
        if (strchr(key->text, '.') != NULL)
            return va_fail(error, VA_EFORMAT, "%s: write '%.60s' as an option inside its section", where, key->text);
        if (nearest != NULL)
            return va_fail(error, VA_EFORMAT, "%s: unknown section '%.60s', did you mean '%s'?", where, key->text, nearest);
        return va_fail(error, VA_EFORMAT, "%s: unknown section '%.60s'; 'voice-assistant config sample' lists all", where, key->text);
    }
    if (value->type == VA_YAML_SCALAR && !value->quoted && value->text[0] == '\0')
        return 0; /* all its options are commented out */
    if (value->type != VA_YAML_MAPPING)
        return va_fail(error, VA_EFORMAT, "%s: section '%s' must hold options, one 'name: value' a line", where, key->text);
    for (size_t i = 0; r == 0 && i < value->n; i++)
        r = read_option(config, path, key->text, value->keys[i], value->values[i], error);
    return r;
}

static int read_tree(va_config *config, const char *path, const va_yaml_node *root, va_error *error)
{
    char where[WHERE_BYTES];
    int r = 0;

    place(path, root->line, where);
    if (root->type != VA_YAML_MAPPING)
        return va_fail(error, VA_EFORMAT, "%s: sections such as 'model:' are expected", where);
    for (size_t i = 0; r == 0 && i < root->n; i++)
        r = read_section(config, path, root->keys[i], root->values[i], error);
    return r;
}

static int apply_override(va_config *config, const char *override, va_error *error)
{
    const char *equals = strchr(override, '=');
    char name[VA_OPTION_NAME_BYTES * 2];
    va_error reason;

    if (equals == NULL)
        return va_fail(error, VA_EINVAL, "command line: '%.80s' must have the form section.key=value", override);
    snprintf(name, sizeof name, "%.*s", (int)(equals - override < 120 ? equals - override : 120), override);
    const char *dot = strchr(name, '.');
    const struct va_option *option = dot == NULL ? NULL : va_option_find(name, (size_t)(dot - name), dot + 1, strlen(dot + 1));
    if (option == NULL)
        return fail_unknown_option(VA_EINVAL, "command line", name, error);
    int r = set(config, option, equals + 1, 0, &reason);
    if (r == VA_ENOMEM)
        return va_fail_memory(error);
    return r < 0 ? va_fail(error, VA_EINVAL, "command line: %s", reason.text) : 0;
}

/* text NULL: no file, only defaults and overrides. */
static int build(const char *path, const char *text, size_t size, const char *const *overrides, size_t n_overrides, va_config **ret_config,
                 va_error *error)
{
    va_config *config = NULL;
    va_yaml *yaml = NULL;
    int r = config_new(path, &config, error);

    if (r < 0)
        return r;
    if (text != NULL &&
        ((r = va_yaml_parse(path, text, size, &yaml, error)) < 0 || (r = read_tree(config, path, va_yaml_root(yaml), error)) < 0))
        goto fail;
    for (size_t i = 0; i < n_overrides; i++)
        if ((r = apply_override(config, overrides[i], error)) < 0)
            goto fail;
    va_yaml_free(yaml);
    *ret_config = config;
    return 0;

fail:
    va_yaml_free(yaml);
    va_config_free(config);
    return r;
}

int va_config_parse(const char *path, const char *text, size_t size, const char *const *overrides, size_t n_overrides,
                    va_config **ret_config, va_error *error)
{
    return build(path, text, size, overrides, n_overrides, ret_config, error);
}

#define MAX_FILE_BYTES (1u << 20)

int va_config_load(const char *path, const char *const *overrides, size_t n_overrides, va_config **ret_config, va_error *error)
{
    char *found = NULL, *text = NULL;
    size_t size = 0;
    int r;

    if (path == NULL) {
        if ((r = va_paths_config("voice-assistant.yaml", &found, error)) < 0)
            return r;
        path = found;
    }
    r = va_file_read(path, MAX_FILE_BYTES, &text, &size, error);
    if (r == VA_ENOTFOUND && found != NULL)
        r = build("", NULL, 0, overrides, n_overrides, ret_config, error);
    else if (r == 0)
        r = build(path, text, size, overrides, n_overrides, ret_config, error);
    va_free(text);
    va_free(found);
    return r;
}

static int same(const struct va_option *option, va_config *a, va_config *b)
{
    switch (option->type) {
    case VA_OPTION_TYPE_NUMBER:
        return *va_option_number(option, a) == *va_option_number(option, b);
    case VA_OPTION_TYPE_INT:
    case VA_OPTION_TYPE_BOOL:
        return *va_option_integer(option, a) == *va_option_integer(option, b);
    default:
        return strcmp(*va_option_string(option, a), *va_option_string(option, b)) == 0;
    }
}

size_t va_config_changes(const va_config *before, const va_config *after, va_config_change_fn changed, void *user)
{
    size_t n = 0;

    for (size_t i = 0; i < VA_N_OPTIONS; i++) {
        int needs_restart = !(va_options[i].flags & VA_OPTION_RELOAD);
        if (same(&va_options[i], (va_config *)before, (va_config *)after))
            continue;
        n += (size_t)needs_restart;
        if (changed != NULL)
            changed(user, va_options[i].name, needs_restart);
    }
    return n;
}
