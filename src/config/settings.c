#include "config/settings.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"
#include "base/yaml.h"
#include "config/config_internal.h"

#define MAX_FILE_BYTES (1u << 20)

/* ---- reading ---- */

/* The first of them. */
static void note(va_config *config, const char *text)
{
    va_error *notice = &va_config_storage(config)->notice;

    if (notice->code == 0)
        va_fail(notice, VA_EFORMAT, "%s; this setting is left out", text);
}

static int read_setting(va_config *config, const char *path, const char *section, const va_yaml_node *key, const va_yaml_node *value)
{
    const struct va_option *option = va_option_find(section, strlen(section), key->text, strlen(key->text));
    char where[VA_CONFIG_WHERE_BYTES], name[VA_OPTION_NAME_BYTES * 2], text[sizeof((va_error *)NULL)->text];
    va_error reason;
    int r;

    va_config_place(path, key->line, where);
    if (option == NULL) {
        snprintf(name, sizeof name, "%s.%s", section, key->text);
        r = va_config_fail_unknown(VA_EFORMAT, where, name, &reason);
        note(config, reason.text);
        return 0;
    }
    if (value->type != VA_YAML_SCALAR)
        r = va_fail(&reason, VA_EFORMAT, "'%s' must be a single value", option->name);
    else if (option->flags & VA_OPTION_LOCKED)
        r = va_fail(&reason, VA_EDENIED, "'%s' can be set only in the configuration file", option->name);
    else
        r = va_config_set(config, option, value->text, value->quoted, VA_CONFIG_SETTINGS, &reason);
    if (r < 0 && r != VA_ENOMEM) {
        va_error line;
        va_fail(&line, r, "%s: %s", where, reason.text);
        snprintf(text, sizeof text, "%s", line.text);
        note(config, text);
    }
    return r == VA_ENOMEM ? r : 0;
}

static int read_sections(va_config *config, const char *path, const va_yaml_node *root)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < root->n; i++) {
        const va_yaml_node *section = root->values[i];
        char where[VA_CONFIG_WHERE_BYTES];
        va_config_place(path, root->keys[i]->line, where);
        if (root->type != VA_YAML_MAPPING || section->type != VA_YAML_MAPPING) {
            va_error reason;
            va_fail(&reason, VA_EFORMAT, "%s: a section with options is expected", where);
            note(config, reason.text);
            continue;
        }
        for (size_t j = 0; r == 0 && j < section->n; j++)
            r = read_setting(config, path, root->keys[i]->text, section->keys[j], section->values[j]);
    }
    return r;
}

int va_settings_read(const char *folder, va_config *config, va_error *error)
{
    char *path = va_paths_join(folder, VA_SETTINGS_FILE), *text = NULL;
    struct stat info;
    va_yaml *yaml = NULL;
    va_error reason;
    size_t size;

    if (path == NULL)
        return va_fail_memory(error);
    int r = va_file_read(path, MAX_FILE_BYTES, &text, &size, &reason);
    if (r == 0 && stat(path, &info) == 0 && (info.st_mode & 022) != 0)
        r = va_fail(&reason, VA_EDENIED, "%s: others may change it", path);
    if (r == 0)
        r = va_yaml_parse(path, text, size, &yaml, &reason);
    if (r == 0)
        r = read_sections(config, path, va_yaml_root(yaml));
    else if (r != VA_ENOTFOUND && r != VA_ENOMEM)
        va_fail(&va_config_storage(config)->notice, r, "%s; all settings are left out", reason.text);
    va_yaml_free(yaml);
    va_free(text);
    va_free(path);
    return r == VA_ENOMEM ? va_fail_memory(error) : 0;
}

/* ---- changing ---- */

static int apply(va_config *config, const struct va_setting *setting, va_error *error)
{
    const struct va_option *option = va_config_option(setting->name);
    va_error reason;

    if (option == NULL)
        return va_config_fail_unknown(VA_EINVAL, "settings", setting->name, error);
    if (option->flags & VA_OPTION_LOCKED)
        return va_fail(error, VA_EDENIED, "'%s' can be set only in the configuration file", option->name);
    if (setting->text == NULL) {
        va_config_storage(config)->sources[option - va_options] = VA_CONFIG_DEFAULT;
        return 0;
    }
    int r = va_config_set(config, option, setting->text, setting->quoted, VA_CONFIG_SETTINGS, &reason);
    if (r == VA_ENOMEM)
        return va_fail_memory(error);
    return r < 0 ? va_fail(error, VA_EINVAL, "%s", reason.text) : 0;
}

static int apply_all(va_config *config, const struct va_setting *settings, size_t n, va_error *error)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = apply(config, &settings[i], error);
    return r;
}

int va_settings_check(const struct va_setting *settings, size_t n, va_error *error)
{
    va_config *config = NULL;
    int r = va_config_new("", &config, error);

    if (r == 0)
        r = apply_all(config, settings, n, error);
    va_config_free(config);
    return r;
}

static int print(const va_config *config, struct va_buffer *out)
{
    const char *section = "";
    int r =
        va_buffer_append_string(out, "# Changed while the program ran, over what the configuration file says. Written by the program.\n");

    for (size_t i = 0; r == 0 && i < VA_N_OPTIONS; i++) {
        if (va_config_storage(config)->sources[i] != VA_CONFIG_SETTINGS)
            continue;
        if (strcmp(section, va_options[i].section) != 0)
            r = va_buffer_printf(out, "%s:\n", va_options[i].section);
        section = va_options[i].section;
        if (r == 0)
            r = va_buffer_printf(out, "  %s: ", va_options[i].key);
        if (r == 0)
            r = va_option_print(&va_options[i], config, 0, out);
        if (r == 0)
            r = va_buffer_append_string(out, "\n");
    }
    return r;
}

int va_settings_change(const char *folder, const struct va_setting *settings, size_t n, struct va_buffer *out, va_error *error)
{
    va_config *config = NULL;
    int r = va_config_new("", &config, error);

    if (r == 0)
        r = va_settings_read(folder, config, error);
    if (r == 0)
        r = apply_all(config, settings, n, error);
    if (r == 0 && (r = print(config, out)) < 0)
        va_fail(error, r, "%s", va_status_text(r));
    va_config_free(config);
    return r;
}

void va_settings_effects(struct va_setting *settings, size_t n, const va_config *running, const va_config *config)
{
    for (size_t i = 0; i < n; i++) {
        const struct va_option *option = va_config_option(settings[i].name);
        enum va_config_source source = va_config_storage(config)->sources[option - va_options];
        int is_pending = !(option->flags & VA_OPTION_RELOAD) && !va_config_same(option, running, config);
        settings[i].effect = source == VA_CONFIG_COMMAND_LINE ? VA_SETTING_OVERRIDDEN
                             : is_pending                     ? VA_SETTING_AT_RESTART
                                                              : VA_SETTING_IN_EFFECT;
    }
}
