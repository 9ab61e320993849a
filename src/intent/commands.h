/* commands.h - commands as sentence templates in YAML; a text is matched to one command with its slots.
 *
 * File format: docs/commands.md. Immutable after loading: match from any thread. The public functions va_commands_open, _free, _match
 * of voice_assistant.h are implemented here; this header adds what the program itself needs. */
#ifndef VA_INTENT_COMMANDS_H
#define VA_INTENT_COMMANDS_H

#include "base/error.h"

/* How a command acts: the `action:` mapping of the YAML file, kept as name and settings for action/ to interpret. */
struct va_command_action {
    const char *type;             /* "time", "date", "timer", "set_temperature", "volume", "process", ...; "" when none */
    const va_slot *settings;      /* [n_settings] scalar settings by name */
    size_t n_settings;
    const char *const *arguments; /* [n_arguments] the `arguments:` list (process) */
    size_t n_arguments;
};

struct va_command {
    const char *name;     /* the intent */
    const char *file;     /* where it was defined */
    int line;
    const char *response; /* template with {slot} */
    struct va_command_action action;
};

size_t va_commands_count(const va_commands *commands);
const struct va_command *va_commands_at(const va_commands *commands, size_t i);
const struct va_command *va_commands_find(const va_commands *commands, const char *name); /* NULL when there is none */

/* A prompt for recognition, naming the words of the commands: at most `capacity` bytes with its NUL. */
void va_commands_prompt(const va_commands *commands, char *ret_prompt, size_t capacity);

#endif
