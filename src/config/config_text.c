/* The configuration as text: what is set, the sample file, the man page's section. Each is one walk over the table. */
#include <stdio.h>
#include <string.h>

#include "config/options.h"

int va_option_print(const struct va_option *option, const va_config *config, int masked, struct va_buffer *out)
{
    va_config *from = (va_config *)config;

    switch (option->type) {
    case VA_OPTION_TYPE_NUMBER:
        return va_buffer_printf(out, "%.15g", *va_option_number(option, from));
    case VA_OPTION_TYPE_INT:
        return va_buffer_printf(out, "%lld", (long long)*va_option_integer(option, from));
    case VA_OPTION_TYPE_BOOL:
        return va_buffer_append_string(out, *va_option_integer(option, from) ? "true" : "false");
    default: {
        const char *text = *va_option_string(option, from);
        return va_buffer_append_json(out, masked && (option->flags & VA_OPTION_SECRET) && text[0] != '\0' ? VA_OPTION_MASK : text);
    }
    }
}

static int put_default(struct va_buffer *out, const struct va_option *option)
{
    switch (option->type) {
    case VA_OPTION_TYPE_NUMBER:
        return va_buffer_printf(out, "%.15g", option->number);
    case VA_OPTION_TYPE_INT:
        return va_buffer_printf(out, "%lld", (long long)option->integer);
    case VA_OPTION_TYPE_BOOL:
        return va_buffer_append_string(out, option->integer ? "true" : "false");
    default:
        return va_buffer_append_json(out, option->string);
    }
}

static int starts_section(size_t i)
{
    return i == 0 || strcmp(va_options[i].section, va_options[i - 1].section) != 0;
}

int va_config_show(const va_config *config, int json, struct va_buffer *out)
{
    int r = json ? va_buffer_append_string(out, "{") : 0;

    for (size_t i = 0; r == 0 && i < VA_N_OPTIONS; i++) {
        const struct va_option *option = &va_options[i];
        if (json && starts_section(i))
            r = va_buffer_printf(out, "%s\n  \"%s\": {\n", i == 0 ? "" : "\n  },", option->section);
        else if (json)
            r = va_buffer_append_string(out, ",\n");
        else if (starts_section(i))
            r = va_buffer_printf(out, "%s:\n", option->section);
        if (r == 0)
            r = va_buffer_printf(out, json ? "    \"%s\": " : "  %s: ", option->key);
        if (r == 0)
            r = va_option_print(option, config, 1, out);
        if (r == 0 && !json)
            r = va_buffer_append_string(out, "\n");
    }
    return r == 0 && json ? va_buffer_append_string(out, "\n  }\n}\n") : r;
}

/* Breaks doc at spaces, so that each line with its prefix has at most 100 columns. */
static int put_comment(struct va_buffer *out, const char *prefix, const char *doc)
{
    size_t width = 100 - strlen(prefix);
    int r = 0;

    while (r == 0 && *doc != '\0') {
        size_t n = strlen(doc);
        if (n > width) {
            n = width;
            while (n > 0 && doc[n] != ' ')
                n--;
            if (n == 0)
                n = strcspn(doc, " ");
        }
        r = va_buffer_printf(out, "%s%.*s\n", prefix, (int)n, doc);
        doc += n;
        doc += strspn(doc, " ");
    }
    return r;
}

static int put_sample_option(struct va_buffer *out, const struct va_option *option)
{
    char kind[VA_OPTION_KIND_BYTES], note[VA_OPTION_KIND_BYTES + 64];
    int r = put_comment(out, "  # ", option->doc);

    va_option_kind(option, kind);
    snprintf(note, sizeof note, "(%s%s)", option->type == VA_OPTION_TYPE_STRING ? "" : kind,
             option->flags & VA_OPTION_RELOAD        ? ""
             : option->type == VA_OPTION_TYPE_STRING ? "needs a restart"
                                                     : "; needs a restart");
    if (r == 0 && strcmp(note, "()") != 0)
        r = va_buffer_printf(out, "  # %s\n", note);
    if (r == 0)
        r = va_buffer_printf(out, "  #%s: ", option->key);
    if (r == 0)
        r = put_default(out, option);
    return r < 0 ? r : va_buffer_append_string(out, "\n");
}

int va_config_sample(struct va_buffer *out)
{
    size_t i = 0;
    int r = put_comment(out, "# ",
                        "Configuration of voice-assistant. Every option is shown with its default; remove the '#' before one to change it. "
                        "'voice-assistant config check' finds mistakes. 'systemctl reload voice-assistant' (SIGHUP) takes changes over, "
                        "except where a restart is needed. See voice-assistant.yaml(5).");

    for (size_t s = 0; r == 0 && s < VA_N_SECTIONS; s++) {
        r = va_buffer_append_string(out, "\n");
        if (r == 0)
            r = put_comment(out, "# ", va_sections[s].doc);
        if (r == 0)
            r = va_buffer_printf(out, "%s:\n", va_sections[s].name);
        for (; r == 0 && i < VA_N_OPTIONS && strcmp(va_options[i].section, va_sections[s].name) == 0; i++)
            r = put_sample_option(out, &va_options[i]);
    }
    return r;
}

/* Text for roff: '-' and '\' keep their shapes, and no line may start with a control character. */
static int put_roff(struct va_buffer *out, const char *text)
{
    int r = *text == '.' || *text == '\'' ? va_buffer_append_string(out, "\\&") : 0;

    for (; r == 0 && *text != '\0'; text++)
        r = *text == '\\'  ? va_buffer_append_string(out, "\\e")
            : *text == '-' ? va_buffer_append_string(out, "\\-")
                           : va_buffer_append(out, text, 1);
    return r;
}

/* A doc line as a sentence. */
static int put_sentence(struct va_buffer *out, const char *doc)
{
    char first[2] = {(char)(doc[0] >= 'a' && doc[0] <= 'z' ? doc[0] - 'a' + 'A' : doc[0]), '\0'};
    int r = put_roff(out, first);

    if (r == 0)
        r = put_roff(out, doc + 1);
    return r < 0 ? r : va_buffer_append_string(out, ".\n");
}

static int put_man_option(struct va_buffer *out, const struct va_option *option)
{
    char kind[VA_OPTION_KIND_BYTES];
    struct va_buffer value;
    int r = va_buffer_printf(out, ".TP\n.B %s\n", option->name);

    va_buffer_init(&value, VA_OPTION_STRING_BYTES * 2);
    va_option_kind(option, kind);
    if (r == 0)
        r = put_sentence(out, option->doc);
    if (r == 0)
        r = va_buffer_printf(out, ".br\n%c%s; default ", kind[0] - 'a' + 'A', kind + 1);
    if (r == 0)
        r = put_default(&value, option);
    if (r == 0)
        r = put_roff(out, value.data);
    if (r == 0)
        r = va_buffer_append_string(out, option->flags & VA_OPTION_RELOAD ? "; changed by a reload" : "; needs a restart");
    if (r == 0)
        r = va_buffer_append_string(out, option->flags & VA_OPTION_LOCKED ? "; never set over HTTP.\n" : ".\n");
    va_buffer_free(&value);
    return r;
}

int va_config_man(struct va_buffer *out)
{
    size_t i = 0;
    int r = 0;

    for (size_t s = 0; r == 0 && s < VA_N_SECTIONS; s++) {
        r = va_buffer_printf(out, ".SS %s\n", va_sections[s].name);
        if (r == 0)
            r = put_sentence(out, va_sections[s].doc);
        for (; r == 0 && i < VA_N_OPTIONS && strcmp(va_options[i].section, va_sections[s].name) == 0; i++)
            r = put_man_option(out, &va_options[i]);
    }
    return r;
}
