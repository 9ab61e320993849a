/* config.h - the configuration: one row of options.def per option gives the struct field, the parser, the range check, the sample
 * file, the help, the man page and the API view.
 *
 * A va_config is immutable once loaded; a reload makes a new one and swaps. */
#ifndef VA_CONFIG_H
#define VA_CONFIG_H

#include "base/buffer.h"

/* Field names are section_key: option audio.microphone is config->audio_microphone. Types: bool and int are int64_t, number is
 * double, string is const char * (never NULL). */
typedef struct va_config {
#define VA_OPTION_STRING(section, key, ...) const char *section##_##key;
#define VA_OPTION_INT(section, key, ...) int64_t section##_##key;
#define VA_OPTION_NUMBER(section, key, ...) double section##_##key;
#define VA_OPTION_BOOL(section, key, ...) int64_t section##_##key;
#include "config/options.def"
#undef VA_OPTION_STRING
#undef VA_OPTION_INT
#undef VA_OPTION_NUMBER
#undef VA_OPTION_BOOL
    void *storage; /* the strings */
} va_config;

/* path NULL: the first that exists of $XDG_CONFIG_HOME/voice-assistant/voice-assistant.yaml, /etc/voice-assistant/voice-assistant.yaml; none is
 * fine: defaults. overrides [n_overrides]: "section.key=value" from the command line, applied last.
 * error: "FILE:LINE: unknown option 'audio.microfone', did you mean 'audio.microphone'?" */
VA_MUST_CHECK int va_config_load(const char *path, const char *const *overrides, size_t n_overrides, va_config **ret_config, va_error *error);
void va_config_free(va_config *config);

/* The file that was read, "" when none. */
const char *va_config_path(const va_config *config);

/* Every option with its value (secrets masked) as YAML or JSON; the documented sample file; the man page's option section. */
VA_MUST_CHECK int va_config_show(const va_config *config, int json, struct va_buffer *out);
VA_MUST_CHECK int va_config_sample(struct va_buffer *out);

#endif
