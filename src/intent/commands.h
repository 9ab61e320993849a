/* commands.h - commands as sentence templates in YAML; a text is matched to one command with its slots.
 *
 * File format: docs/commands.md. Immutable after loading: match from any thread. The public functions va_commands_open, _free, _match
 * of voice_assistant.h are implemented here; this header adds what the program itself needs. */
#ifndef VA_INTENT_COMMANDS_H
#define VA_INTENT_COMMANDS_H

#include "base/error.h"

/* How a command acts: the `action:` mapping of the YAML file, kept as name and settings for action/ to interpret. */
struct va_command_action {
    const char *type;        /* "time", "date", "timer", "set_temperature", "volume", "process", ...; "" when none */
    const va_slot *settings; /* [n_settings] scalar settings by name */
    size_t n_settings;
    const char *const *arguments; /* [n_arguments] the `arguments:` list (process) */
    size_t n_arguments;
};

struct va_command {
    const char *name;     /* the intent */
    const char *language; /* "en" */
    const char *file;     /* where it was defined */
    int line;
    const char *response; /* template with {slot} */
    struct va_command_action action;
};

/* The folder of command files: `option` (commands.folder, or NULL) when it is set, else "commands" of the configuration, else the
 * shipped ones beside the program; when none of them exists, the one of the configuration. va_free it. */
VA_MUST_CHECK int va_commands_folder(const char *option, char **ret_path, va_error *error);

/* Called for every mistake found: "FILE:LINE: what is wrong". */
typedef void (*va_commands_mistake_fn)(void *user, const char *text);

/* As va_commands_open, but goes on after a mistake, so that all are reported. error holds the first. mistake may be NULL. */
VA_MUST_CHECK int va_commands_load(const char *path, va_commands_mistake_fn mistake, void *user, va_commands **ret_commands,
                                   va_error *error);

/* The same from the text [size] of one file; path is for messages. */
VA_MUST_CHECK int va_commands_parse(const char *path, const char *text, size_t size, va_commands **ret_commands, va_error *error);

size_t va_commands_count(const va_commands *commands);
const struct va_command *va_commands_at(const va_commands *commands, size_t i);
const struct va_command *va_commands_find(const va_commands *commands, const char *name); /* NULL when there is none */

/* As va_commands_match, with the commands of one language only ("en"); NULL for all.
 * VA_EFORMAT: not UTF-8. VA_ELIMIT: the text is longer than VA_TEXT_MAX_BYTES, or the templates make it too hard. */
VA_MUST_CHECK int va_commands_match_language(const va_commands *commands, const char *language, const char *text, va_intent **ret_intent,
                                             va_error *error);

/* A prompt for recognition, naming the words of the commands: at most `capacity` bytes with its NUL. */
void va_commands_prompt(const va_commands *commands, char *ret_prompt, size_t capacity);

#endif
