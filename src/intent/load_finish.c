/* load_finish.c - what can only be told when all files are read: shared lists, responses, and what a command lacks. */
#include "intent/load.h"

#include <string.h>

/* Gives the language the lists all languages share, unless it has its own. */
static int share_lists(struct va_loader *loader, const struct va_language *shared, struct va_language *language)
{
    for (size_t i = 0; i < shared->n_lists; i++) {
        const struct va_slot_list *list = &shared->lists[i];
        if (!list->defined)
            continue;
        int64_t index = va_language_list(loader->commands, language, list->name, list->place);
        if (index < 0)
            return va_fail_memory(loader->error);
        if (language->lists[index].defined)
            continue;
        struct va_slot_list copy = *list;
        copy.first_value = (uint32_t)language->n_values;
        for (uint32_t j = 0; j < list->n_values; j++) {
            if (va_grow(&language->values, &language->values_capacity, language->n_values, sizeof *language->values) < 0)
                return va_fail_memory(loader->error);
            language->values[language->n_values++] = shared->values[list->first_value + j];
        }
        language->lists[index] = copy;
    }
    return 0;
}

/* The text of the key; of several the last one read. */
static const char *find_response(const struct va_loader *loader, const struct va_load_block *block)
{
    const char *command = loader->commands->commands[block->command].name;

    for (size_t i = loader->n_responses; i-- > 0;) {
        const struct va_load_response *response = &loader->responses[i];
        if (response->language == block->language && strcmp(response->command, command) == 0 &&
            strcmp(response->key, block->block->response) == 0)
            return response->text;
    }
    return "";
}

/* Commands without sentences, and those without an action or answers where there are some for all. */
static void complete_commands(struct va_loader *loader, const struct va_language *shared)
{
    va_commands *commands = loader->commands;

    for (size_t i = 0; i < commands->n_commands; i++) {
        struct va_command *command = &commands->commands[i];
        const struct va_language *language = va_grammar_language(commands, command->language);
        command->voice = language->voice;
        if (command->failure == NULL)
            command->failure = language->failure;
        if (command->question == NULL)
            command->question = language->question;
        if (command->action.type[0] == '\0')
            command->action = language->action.type[0] != '\0' || shared == NULL ? language->action : shared->action;
        if (loader->marks[i].sentences == 0 && loader->marks[i].data == 0) {
            va_yaml_node place = {.line = command->line};
            loader->file = command->file;
            va_load_mistake(loader, &place, "the command '%s' has no 'sentences'", command->name);
        }
    }
}

int va_load_finish(struct va_loader *loader)
{
    struct va_grammar *grammar = &loader->commands->grammar;
    const struct va_language *shared = NULL;
    int r = 0;

    for (size_t i = 0; i < grammar->n_languages; i++)
        if (grammar->languages[i].code[0] == '\0')
            shared = &grammar->languages[i];
    for (size_t i = 0; r == 0 && shared != NULL && i < grammar->n_languages; i++)
        if (&grammar->languages[i] != shared)
            r = share_lists(loader, shared, &grammar->languages[i]);
    if (r < 0 || (r = va_load_finish_home(loader)) < 0)
        return r;
    for (size_t i = 0; i < loader->n_blocks; i++)
        loader->blocks[i].block->response = find_response(loader, &loader->blocks[i]);
    complete_commands(loader, shared);
    return 0;
}
