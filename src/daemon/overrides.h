/* overrides.h - what a command line says about the configuration: --config, --set, and options that are short for a --set. */
#ifndef VA_DAEMON_OVERRIDES_H
#define VA_DAEMON_OVERRIDES_H

#include "config/config.h"

#define VA_OVERRIDES_MAX 256

/* All zero is empty. */
struct va_overrides {
    const char *config_path;             /* NULL: the default one */
    const char *items[VA_OVERRIDES_MAX]; /* [n] "section.key=value" */
    char *made[VA_OVERRIDES_MAX];        /* [n_made] those that were put together here */
    size_t n, n_made;
};

/* option NULL: value is "section.key=value", and must outlive it. VA_ELIMIT: too many. VA_ENOMEM. */
VA_MUST_CHECK int va_overrides_add(struct va_overrides *overrides, const char *option, const char *value);
void va_overrides_free(struct va_overrides *overrides);

/* va_config_load with them; and the exit code when it fails: a wrong --set is a wrong command line. */
VA_MUST_CHECK int va_overrides_load(const struct va_overrides *overrides, va_config **ret_config, va_error *error);
int va_overrides_exit_code(const va_error *error);

/* Whether the value of model.language is auto, empty, or a language: the folder config knows none. VA_EINVAL. */
VA_MUST_CHECK int va_overrides_check_language(const char *language, va_error *error);

#endif
