/* settings.h - settings.yaml in the data folder: options that were changed while the program ran. It stands between the configuration file
 * and the command line, and holds only options that are not locked (config/options.def). One thread at a time. */
#ifndef VA_CONFIG_SETTINGS_H
#define VA_CONFIG_SETTINGS_H

#include "config/config.h"

#define VA_SETTINGS_FILE "settings.yaml" /* mode 0600 */

enum va_setting_effect {
    VA_SETTING_IN_EFFECT,
    VA_SETTING_AT_RESTART,
    VA_SETTING_OVERRIDDEN /* the command line says otherwise */
};

struct va_setting {
    const char *name;              /* "section.key" */
    const char *text;              /* NULL: the change is taken back */
    int quoted;                    /* the text is no number and no bool, whatever it looks like */
    enum va_setting_effect effect; /* set by va_settings_effects */
};

/* Whether settings [n] may be made so. VA_EINVAL: no such option, or a wrong value. VA_EDENIED: a locked one. */
VA_MUST_CHECK int va_settings_check(const struct va_setting *settings, size_t n, va_error *error);

/* The file's new content: what it holds, changed by settings [n]. The codes of the check, VA_ENOMEM. */
VA_MUST_CHECK int va_settings_change(const char *folder, const struct va_setting *settings, size_t n, struct va_buffer *out,
                                     va_error *error);

/* What became of them. running: what the program was started with; config: what it has loaded since. */
void va_settings_effects(struct va_setting *settings, size_t n, const va_config *running, const va_config *config);

#endif
