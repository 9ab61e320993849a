/* config_internal.h - how a va_config is made, for the files of this folder. */
#ifndef VA_CONFIG_INTERNAL_H
#define VA_CONFIG_INTERNAL_H

#include "config/options.h"

enum va_config_source { VA_CONFIG_DEFAULT, VA_CONFIG_FILE, VA_CONFIG_SETTINGS, VA_CONFIG_COMMAND_LINE };

/* What a va_config owns. */
struct va_config_storage {
    char *path;
    char *strings[VA_N_OPTIONS];         /* NULL: the default, which is static */
    unsigned char sources[VA_N_OPTIONS]; /* where the value is from: enum va_config_source */
    va_error notice;
};

static inline struct va_config_storage *va_config_storage(const va_config *config)
{
    return config->storage;
}

/* All defaults. */
VA_MUST_CHECK int va_config_new(const char *path, va_config **ret_config, va_error *error);

/* Reads text as the option's value; quoted: it was written in quotes. */
VA_MUST_CHECK int va_config_set(va_config *config, const struct va_option *option, const char *text, int quoted,
                                enum va_config_source source, va_error *error);

/* "section.key"; NULL when there is no such option. */
const struct va_option *va_config_option(const char *name);
int va_config_fail_unknown(int code, const char *where, const char *name, va_error *error);

/* "FILE:LINE", of a long path the end. */
#define VA_CONFIG_WHERE_BYTES 136
void va_config_place(const char *path, int line, char ret_where[VA_CONFIG_WHERE_BYTES]);

/* Puts folder/settings.yaml over what config has. What is wrong there is left out and noted. 0 or VA_ENOMEM. */
VA_MUST_CHECK int va_settings_read(const char *folder, va_config *config, va_error *error);

int va_config_same(const struct va_option *option, const va_config *a, const va_config *b);

#endif
