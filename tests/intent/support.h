/* support.h - commands from a text, and what a sentence means to them. */
#ifndef VA_TESTS_INTENT_SUPPORT_H
#define VA_TESTS_INTENT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "intent/commands.h"

static inline va_commands *parse(const char *yaml)
{
    va_commands *commands = NULL;
    va_error error = {0};

    if (va_commands_parse("test.yaml", yaml, strlen(yaml), &commands, &error) < 0)
        fail_msg("%s", error.text);
    return commands;
}

/* "name slot=value slot=value", or "-" when no command fits. */
static inline const char *meaning(const va_commands *commands, const char *text, char ret_text[512])
{
    va_intent *intent = NULL;
    va_error error;
    int r = va_commands_match(commands, text, &intent, &error);

    if (r == VA_ENOTFOUND)
        return "-";
    if (r < 0)
        fail_msg("%s: %s", text, error.text);
    size_t n = (size_t)snprintf(ret_text, 512, "%s", intent->name);
    for (size_t i = 0; i < intent->n_slots && n < 512; i++)
        n += (size_t)snprintf(ret_text + n, 512 - n, " %s=%s", intent->slots[i].name, intent->slots[i].value);
    va_intent_free(intent);
    return ret_text;
}

#define assert_meaning(commands, text, expected)                              \
    do {                                                                      \
        char meaning_text[512];                                               \
        assert_string_equal(meaning(commands, text, meaning_text), expected); \
    } while (0)

/* One command "c" with these sentences (YAML list items), and further sections. */
static inline va_commands *parse_sentences(const char *sentences, const char *sections)
{
    char *yaml = va_asprintf("language: en\ncommands:\n  c:\n    sentences: [%s]\n%s", sentences, sections);
    assert_non_null(yaml);
    va_commands *commands = parse(yaml);
    va_free(yaml);
    return commands;
}

#endif
