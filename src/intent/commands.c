/* commands.c - what is known about loaded commands. */
#include "intent/grammar.h"

#include <string.h>

#include "base/memory.h"

size_t va_commands_count(const va_commands *commands)
{
    return commands->n_commands;
}

const struct va_command *va_commands_at(const va_commands *commands, size_t i)
{
    return i < commands->n_commands ? &commands->commands[i] : NULL;
}

const struct va_command *va_commands_find(const va_commands *commands, const char *name)
{
    for (size_t i = 0; i < commands->n_commands; i++)
        if (strcmp(commands->commands[i].name, name) == 0)
            return &commands->commands[i];
    return NULL;
}

void va_commands_free(va_commands *commands)
{
    if (commands == NULL)
        return;
    struct va_grammar *grammar = &commands->grammar;
    for (size_t i = 0; i < grammar->n_languages; i++) {
        struct va_language *language = &grammar->languages[i];
        va_free(language->rules);
        va_free(language->lists);
        va_free(language->values);
        va_free(language->slot_names);
        va_free(language->skips);
        va_free(language->sentences);
    }
    va_free(grammar->languages);
    va_free(grammar->nodes);
    va_free(grammar->children);
    va_free(grammar->text);
    va_free(commands->commands);
    va_free(commands->context);
    va_arena_free(&commands->arena);
    va_free(commands);
}
