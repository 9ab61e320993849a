/* commands.h - commands as sentence templates in YAML; a text is matched to one command with its slots.
 *
 * File format: docs/commands.md. Immutable after loading: match from any thread. The public functions va_commands_open, _free, _match
 * of voice_assistant.h are implemented here; this header adds what the program itself needs. */
#ifndef VA_INTENT_COMMANDS_H
#define VA_INTENT_COMMANDS_H

#include "base/error.h"
#include "token/tokenizer.h"

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
    const char *voice;    /* for spoken replies in this language, or "" */
    const char *response; /* template with {slot}; sentences may have responses of their own */
    const char *failure;  /* template with {error}, or NULL */
    const char *question; /* asked before it is done when confirm is set; template with {slot}, or NULL */
    int confirm;          /* 1: risky, to be confirmed before it is done */
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

/* What to load, and who hears of it. */
struct va_commands_request {
    const char *const *paths; /* [n_paths] folders and files; what a later one defines replaces what an earlier one does */
    size_t n_paths;
    const char *language;           /* only this one; NULL for all */
    va_commands_mistake_fn mistake; /* may be NULL */
    va_commands_mistake_fn notice;  /* what was left out without being a mistake; may be NULL */
    void *user;
};

VA_MUST_CHECK int va_commands_load_request(const struct va_commands_request *request, va_commands **ret_commands, va_error *error);

/* The same from the text [size] of one file; path is for messages. */
VA_MUST_CHECK int va_commands_parse(const char *path, const char *text, size_t size, va_commands **ret_commands, va_error *error);

size_t va_commands_count(const va_commands *commands);
const struct va_command *va_commands_at(const va_commands *commands, size_t i);
const struct va_command *va_commands_find(const va_commands *commands, const char *name); /* NULL when there is none */

/* As va_commands_match, with the commands of one language only ("en"); NULL for all.
 * VA_EFORMAT: not UTF-8. VA_ELIMIT: the text is longer than VA_TEXT_MAX_BYTES, or the templates make it too hard. */
VA_MUST_CHECK int va_commands_match_language(const va_commands *commands, const char *language, const char *text, va_intent **ret_intent,
                                             va_error *error);

/* The same where something is known of the context (`area` for instance), which goes before what the files say. */
VA_MUST_CHECK int va_commands_match_context(const va_commands *commands, const char *language, const va_slot *context, size_t n_context,
                                            const char *text, va_intent **ret_intent, va_error *error);

/* A sentence that means the command, for people: the first alternatives of its first template and the first value of each list;
 * optional words only in the middle. At most `capacity` bytes with its NUL. VA_ENOTFOUND: it has no sentence that fits. */
VA_MUST_CHECK int va_commands_example(const va_commands *commands, size_t i, char *ret_text, size_t capacity);

/* A prompt for recognition: phrases of the commands in this language (NULL: in all), those with the rarest words first chosen, of at most
 * about max_tokens tokens and capacity bytes with the NUL. Empty when the commands have common words only. VA_ENOMEM. */
VA_MUST_CHECK int va_commands_prompt(const va_commands *commands, const char *language, const va_tokenizer *tokenizer, int max_tokens,
                                     char *ret_prompt, size_t capacity);

#endif
