/* config.h - the configuration: one row of options.def per option gives the struct field, the parser, the range check, the sample
 * file, the help, the man page and the API view.
 *
 * A va_config is immutable once loaded; a reload makes a new one and swaps. Any thread. */
#ifndef VA_CONFIG_H
#define VA_CONFIG_H

#include "base/buffer.h"

/* Field names are section_key: option audio.microphone is config->audio_microphone. Types: bool and int are int64_t, number is
 * double, string and choice are const char * (never NULL, UTF-8 without control characters). */
typedef struct va_config {
#define VA_OPTION_STRING(section, key, ...) const char *section##_##key;
#define VA_OPTION_CHOICE(section, key, ...) const char *section##_##key;
#define VA_OPTION_INT(section, key, ...) int64_t section##_##key;
#define VA_OPTION_NUMBER(section, key, ...) double section##_##key;
#define VA_OPTION_BOOL(section, key, ...) int64_t section##_##key;
#include "config/options.def"
    void *storage; /* the strings */
} va_config;

/* Three layers, the later ones win: the configuration file, settings.yaml in the data folder (config/settings.h), overrides.
 * path NULL: the first that exists of voice-assistant.yaml in the user's configuration folder (base/paths.h) and in
 * /etc/voice-assistant; none is fine: defaults. A path that is given must exist. overrides [n_overrides]: "section.key=value" from
 * the command line, applied last.
 * What is wrong in settings.yaml is left out, and va_config_notice says so.
 * error: "FILE:LINE: unknown option 'audio.microfone', did you mean 'audio.microphone'?"
 * VA_EFORMAT (not YAML, unknown option, wrong type), VA_ELIMIT (out of range, too large), VA_EINVAL (overrides), VA_ENOTFOUND, VA_EDENIED,
 * VA_EIO, VA_ENOMEM. */
VA_MUST_CHECK int va_config_load(const char *path, const char *const *overrides, size_t n_overrides, va_config **ret_config,
                                 va_error *error);

/* The same from text [size], without settings.yaml; path is for messages. */
VA_MUST_CHECK int va_config_parse(const char *path, const char *text, size_t size, const char *const *overrides, size_t n_overrides,
                                  va_config **ret_config, va_error *error);
void va_config_free(va_config *config);

/* The file that was read, "" when none. */
const char *va_config_path(const va_config *config);

/* "" or what was left out of settings.yaml, and why. */
const char *va_config_notice(const va_config *config);

/* Calls changed for every option whose value differs, and returns how many of them need a restart. changed may be NULL. */
typedef void (*va_config_change_fn)(void *user, const char *option, int needs_restart);
size_t va_config_changes(const va_config *before, const va_config *after, va_config_change_fn changed, void *user);

/* Every option with its value (secrets masked) as YAML or JSON; the documented sample file, which loads back to the defaults; the
 * option section of the man page (roff). 0, VA_ELIMIT or VA_ENOMEM. */
VA_MUST_CHECK int va_config_show(const va_config *config, int json, struct va_buffer *out);
VA_MUST_CHECK int va_config_sample(struct va_buffer *out);
VA_MUST_CHECK int va_config_man(struct va_buffer *out);

/* All that is known of every option, as JSON: docs/api.md, GET /api/v1/settings. running: what the program was started with. */
VA_MUST_CHECK int va_config_describe(const va_config *config, const va_config *running, struct va_buffer *out);

#endif
