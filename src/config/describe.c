/* The table with the values as JSON, for the API. */
#include <string.h>

#include "base/json.h"
#include "config/config_internal.h"

static void put_string(struct va_json *json, const char *key, const struct va_option *option, const char *text)
{
    va_json_text(json, key, (option->flags & VA_OPTION_SECRET) && text[0] != '\0' ? VA_OPTION_MASK : text);
}

static void put_values(struct va_json *json, const struct va_option *option, va_config *config)
{
    switch (option->type) {
    case VA_OPTION_TYPE_NUMBER:
        va_json_number(json, "value", *va_option_number(option, config), 6);
        va_json_number(json, "default", option->number, 6);
        va_json_number(json, "min", option->min, 6);
        va_json_number(json, "max", option->max, 6);
        break;
    case VA_OPTION_TYPE_INT:
        va_json_integer(json, "value", *va_option_integer(option, config));
        va_json_integer(json, "default", option->integer);
        va_json_integer(json, "min", (int64_t)option->min);
        va_json_integer(json, "max", (int64_t)option->max);
        break;
    case VA_OPTION_TYPE_BOOL:
        va_json_bool(json, "value", *va_option_integer(option, config) != 0);
        va_json_bool(json, "default", option->integer != 0);
        break;
    default:
        put_string(json, "value", option, *va_option_string(option, config));
        va_json_text(json, "default", option->string);
    }
}

static void put_choices(struct va_json *json, const char *choices)
{
    char text[VA_OPTION_NAME_BYTES];

    va_json_open(json, "choices", '[');
    for (const char *choice = choices; *choice != '\0';) {
        size_t length = strcspn(choice, "|");
        memcpy(text, choice, length);
        text[length] = '\0';
        va_json_text(json, NULL, text);
        choice += length + (choice[length] == '|');
    }
    va_json_close(json, ']');
}

static void put_option(struct va_json *json, const struct va_option *option, const va_config *config, const va_config *running)
{
    static const char *const types[] = {"string", "choice", "int", "number", "bool"};
    static const char *const sources[] = {"default", "file", "settings", "command line"};
    int reload = (option->flags & VA_OPTION_RELOAD) != 0;

    va_json_open(json, NULL, '{');
    va_json_text(json, "name", option->name);
    va_json_text(json, "section", option->section);
    va_json_text(json, "key", option->key);
    va_json_text(json, "type", types[option->type]);
    put_values(json, option, (va_config *)config);
    if (option->type == VA_OPTION_TYPE_CHOICE)
        put_choices(json, option->choices);
    va_json_text(json, "doc", option->doc);
    va_json_text(json, "source", sources[va_config_storage(config)->sources[option - va_options]]);
    va_json_bool(json, "reload", reload);
    va_json_bool(json, "restart_pending", !reload && !va_config_same(option, running, config));
    va_json_bool(json, "changeable", (option->flags & VA_OPTION_LOCKED) == 0);
    va_json_bool(json, "secret", (option->flags & VA_OPTION_SECRET) != 0);
    va_json_close(json, '}');
}

int va_config_describe(const va_config *config, const va_config *running, struct va_buffer *out)
{
    struct va_json json = {.out = out};

    va_json_open(&json, NULL, '{');
    va_json_bool(&json, "success", 1);
    va_json_open(&json, "sections", '[');
    for (size_t i = 0; i < VA_N_SECTIONS; i++) {
        va_json_open(&json, NULL, '{');
        va_json_text(&json, "name", va_sections[i].name);
        va_json_text(&json, "doc", va_sections[i].doc);
        va_json_close(&json, '}');
    }
    va_json_close(&json, ']');
    va_json_open(&json, "settings", '[');
    for (size_t i = 0; i < VA_N_OPTIONS; i++)
        put_option(&json, &va_options[i], config, running);
    va_json_close(&json, ']');
    va_json_close(&json, '}');
    return json.error;
}
