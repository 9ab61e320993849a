#include "config/config.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"
#include "base/yaml.h"
#include "config/config_internal.h"

int va_config_new(const char *path, va_config **ret_config, va_error *error)
{
    va_config *config = va_calloc(1, sizeof *config);
    struct va_config_storage *storage = va_calloc(1, sizeof *storage);
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
    struct va_config_storage *storage = config->storage;
    for (size_t i = 0; i < VA_N_OPTIONS; i++)
        va_free(storage->strings[i]);
    va_free(storage->path);
    va_free(storage);
    va_free(config);
}

const char *va_config_path(const va_config *config)
{
    return va_config_storage(config)->path;
}

const char *va_config_notice(const va_config *config)
{
    return va_config_storage(config)->notice.text;
}

int va_config_set(va_config *config, const struct va_option *option, const char *text, int quoted, enum va_config_source source,
                  va_error *error)
{
    struct va_config_storage *storage = config->storage;
    int r = va_option_parse(option, text, quoted, config, error);

    if (r < 0)
        return r;
    if (option->type == VA_OPTION_TYPE_STRING || option->type == VA_OPTION_TYPE_CHOICE) {
        char *copy = va_strdup(text);
        if (copy == NULL)
            return va_fail_memory(error);
        va_free(storage->strings[option - va_options]);
        storage->strings[option - va_options] = copy;
        *va_option_string(option, config) = copy;
    }
    storage->sources[option - va_options] = (unsigned char)source;
    return 0;
}

const struct va_option *va_config_option(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot == NULL ? NULL : va_option_find(name, (size_t)(dot - name), dot + 1, strlen(dot + 1));
}

int va_config_fail_unknown(int code, const char *where, const char *name, va_error *error)
{
    const char *nearest = va_option_nearest(name);
    if (nearest != NULL)
        return va_fail(error, code, "%s: unknown option '%.80s', did you mean '%s'?", where, name, nearest);
    return va_fail(error, code, "%s: unknown option '%.80s'; 'voice-assistant config sample' lists all", where, name);
}

void va_config_place(const char *path, int line, char ret_where[VA_CONFIG_WHERE_BYTES])
{
    size_t length = strlen(path), keep = VA_CONFIG_WHERE_BYTES - 16;
    snprintf(ret_where, VA_CONFIG_WHERE_BYTES, "%s:%d", length > keep ? path + length - keep : path, line);
}

static int read_option(va_config *config, const char *path, const char *section, const va_yaml_node *key, const va_yaml_node *value,
                       va_error *error)
{
    char where[VA_CONFIG_WHERE_BYTES], name[VA_OPTION_NAME_BYTES * 2];
    const struct va_option *option = va_option_find(section, strlen(section), key->text, strlen(key->text));
    va_error reason;

    va_config_place(path, key->line, where);
    if (option == NULL) {
        snprintf(name, sizeof name, "%s.%s", section, key->text);
        return va_config_fail_unknown(VA_EFORMAT, where, name, error);
    }
    if (value->type != VA_YAML_SCALAR)
        return va_fail(error, VA_EFORMAT, "%s: '%s' must be a single value", where, option->name);
    int r = va_config_set(config, option, value->text, value->quoted, VA_CONFIG_FILE, &reason);
    return r < 0 ? va_fail(error, r, "%s: %s", where, reason.text) : 0;
}

static int read_section(va_config *config, const char *path, const va_yaml_node *key, const va_yaml_node *value, va_error *error)
{
    char where[VA_CONFIG_WHERE_BYTES];
    int r = 0;

    va_config_place(path, key->line, where);
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
    char where[VA_CONFIG_WHERE_BYTES];
    int r = 0;

    va_config_place(path, root->line, where);
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
    const struct va_option *option = va_config_option(name);
    if (option == NULL)
        return va_config_fail_unknown(VA_EINVAL, "command line", name, error);
    int r = va_config_set(config, option, equals + 1, 0, VA_CONFIG_COMMAND_LINE, &reason);
    if (r == VA_ENOMEM)
        return va_fail_memory(error);
    return r < 0 ? va_fail(error, VA_EINVAL, "command line: %s", reason.text) : 0;
}

static int apply_overrides(va_config *config, const char *const *overrides, size_t n_overrides, va_error *error)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n_overrides; i++)
        r = apply_override(config, overrides[i], error);
    return r;
}

/* Those of the data folder, which the layers around them name. */
static int apply_settings(va_config *config, va_error *error)
{
    char *found = NULL;
    int r = config->data_folder[0] == '\0' ? va_paths_folder(VA_FOLDER_DATA, &found, error) : 0;

    if (r == VA_ENOTFOUND) /* a user without a home */
        return 0;
    if (r == 0)
        r = va_settings_read(found != NULL ? found : config->data_folder, config, error);
    va_free(found);
    return r;
}

/* text NULL: no file, only defaults and overrides. */
static int build(const char *path, const char *text, size_t size, int with_settings, const char *const *overrides, size_t n_overrides,
                 va_config **ret_config, va_error *error)
{
    va_config *config = NULL;
    va_yaml *yaml = NULL;
    int r = va_config_new(path, &config, error);

    if (r < 0)
        return r;
    if (text != NULL &&
        ((r = va_yaml_parse(path, text, size, &yaml, error)) < 0 || (r = read_tree(config, path, va_yaml_root(yaml), error)) < 0))
        goto fail;
    if ((r = apply_overrides(config, overrides, n_overrides, error)) < 0)
        goto fail;
    if (with_settings && ((r = apply_settings(config, error)) < 0 || (r = apply_overrides(config, overrides, n_overrides, error)) < 0))
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
    return build(path, text, size, 0, overrides, n_overrides, ret_config, error);
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
        r = build("", NULL, 0, 1, overrides, n_overrides, ret_config, error);
    else if (r == 0)
        r = build(path, text, size, 1, overrides, n_overrides, ret_config, error);
    va_free(text);
    va_free(found);
    return r;
}

int va_config_same(const struct va_option *option, const va_config *x, const va_config *y)
{
    va_config *a = (va_config *)x, *b = (va_config *)y;

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
        if (va_config_same(&va_options[i], before, after))
            continue;
        n += (size_t)needs_restart;
        if (changed != NULL)
            changed(user, va_options[i].name, needs_restart);
    }
    return n;
}
