#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "speech/internal.h"

#define MAX_ARGUMENT_BYTES (256 * 1024)

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

int va_arguments_split(const char *line, struct va_arguments *ret_arguments, va_error *error)
{
    struct va_arguments arguments = {.storage = va_alloc(strlen(line) + 1, 1)};
    char *out = arguments.storage;

    if (out == NULL)
        return va_fail_memory(error);
    for (;;) {
        char quote = 0;
        while (is_blank(*line))
            line++;
        if (*line == '\0')
            break;
        if (arguments.n == VA_SPEECH_MAX_ARGUMENTS) {
            va_arguments_free(&arguments);
            return va_fail(error, VA_EINVAL, "the speech command has more than %d words", VA_SPEECH_MAX_ARGUMENTS);
        }
        arguments.words[arguments.n++] = out;
        for (; *line != '\0' && (quote != 0 || !is_blank(*line)); line++) {
            if (*line == quote)
                quote = 0;
            else if (quote == 0 && (*line == '"' || *line == '\''))
                quote = *line;
            else
                *out++ = *line;
        }
        *out++ = '\0'; /* there is room: a blank or the NUL stood here */
        if (quote != 0) {
            va_arguments_free(&arguments);
            return va_fail(error, VA_EINVAL, "the speech command has a quote without its end");
        }
    }
    if (arguments.n == 0) {
        va_arguments_free(&arguments);
        return va_fail(error, VA_EINVAL, "the speech command is empty");
    }
    *ret_arguments = arguments;
    return 0;
}

/* One argument with its placeholders replaced, or NULL. */
static char *fill(const char *word, const struct va_voice *voice)
{
    char rate[16];
    const struct {
        const char *name, *value;
    } placeholders[] = {{"{voice}", voice->voice}, {"{language}", voice->language}, {"{rate}", rate}};
    struct va_buffer out;

    snprintf(rate, sizeof rate, "%d", voice->rate);
    va_buffer_init(&out, MAX_ARGUMENT_BYTES);
    int r = va_buffer_append(&out, "", 0);
    while (r == 0 && *word != '\0') {
        size_t i = 0, n = sizeof placeholders / sizeof placeholders[0];
        while (i < n && strncmp(word, placeholders[i].name, strlen(placeholders[i].name)) != 0)
            i++;
        r = i < n ? va_buffer_append_string(&out, placeholders[i].value) : va_buffer_append(&out, word, 1);
        word += i < n ? strlen(placeholders[i].name) : 1;
    }
    char *text = r == 0 ? va_buffer_take(&out) : NULL;
    va_buffer_free(&out);
    return text;
}

int va_arguments_fill(const struct va_arguments *arguments, const struct va_voice *voice, struct va_arguments *ret_filled)
{
    struct va_arguments filled = {0};

    for (; filled.n < arguments->n; filled.n++) {
        filled.words[filled.n] = fill(arguments->words[filled.n], voice);
        if (filled.words[filled.n] == NULL) {
            va_arguments_free(&filled);
            return VA_ENOMEM;
        }
    }
    *ret_filled = filled;
    return 0;
}

void va_arguments_free(struct va_arguments *arguments)
{
    for (size_t i = 0; arguments->storage == NULL && i < arguments->n; i++)
        va_free(arguments->words[i]);
    va_free(arguments->storage);
    memset(arguments, 0, sizeof *arguments);
}

int va_voice_is_sound(const char *name)
{
    if (name[0] == '\0' || name[0] == '-' || strlen(name) > 255 || strstr(name, "..") != NULL)
        return 0;
    for (; *name != '\0'; name++)
        if ((unsigned char)*name < ' ' || *name == 0x7f)
            return 0;
    return 1;
}
