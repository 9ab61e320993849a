/* The first line is a text, the rest a command file of any kind: it is loaded, and the text matched. */
#include "fuzz.h"

#include <string.h>

#include "base/memory.h"
#include "intent/commands.h"

static void check_intent(const va_intent *intent)
{
    FUZZ_CHECK(intent->name[0] != '\0' && intent->score > 0 && intent->score <= 1);
    for (size_t i = 0; i < intent->n_slots; i++) {
        FUZZ_CHECK(intent->slots[i].name[0] != '\0' && intent->slots[i].value != NULL);
        for (size_t j = 0; j < i; j++)
            FUZZ_CHECK(strcmp(intent->slots[i].name, intent->slots[j].name) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t n = end != NULL ? (size_t)(end - data) : size;
    va_commands *commands = NULL;
    va_intent *intent = NULL;
    va_error error = {.code = 1};

    char *text = va_alloc(n + 1, 1);
    FUZZ_CHECK(text != NULL);
    if (n > 0)
        memcpy(text, data, n);
    text[n] = '\0';
    int r = va_commands_parse("f/Intent/combination.yaml", end != NULL ? (const char *)end + 1 : "", end != NULL ? size - n - 1 : 0,
                              &commands, &error);
    FUZZ_CHECK((r == 0) == (commands != NULL));
    if (r == 0) {
        const va_slot context = {"area", "Kitchen"};
        r = va_commands_match_context(commands, NULL, &context, size % 2, text, &intent, &error);
        FUZZ_CHECK((r == 0) == (intent != NULL));
        if (intent != NULL)
            check_intent(intent);
    } else {
        FUZZ_CHECK(error.code == r && error.text[0] != '\0');
    }
    va_intent_free(intent);
    va_commands_free(commands);
    va_free(text);
    return 0;
}
