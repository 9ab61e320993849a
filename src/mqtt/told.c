#include "mqtt/told.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"

#define MAX_BYTES 16384

const char *va_mqtt_text_of(const struct va_field *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (fields[i].type == VA_FIELD_STRING && strcmp(fields[i].name, name) == 0)
            return fields[i].value.string;
    return "";
}

int va_mqtt_is_set(const struct va_field *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (fields[i].type == VA_FIELD_BOOL && strcmp(fields[i].name, name) == 0)
            return fields[i].value.integer != 0;
    return 0;
}

char *va_mqtt_write_command(const struct va_field *fields, size_t n, int with_response)
{
    struct va_buffer out;
    struct va_json json = {.out = &out};
    char when[VA_CLOCK_TEXT_SIZE];

    va_clock_text(va_clock_unix_s(), when);
    va_buffer_init(&out, MAX_BYTES);
    va_json_open(&json, NULL, '{');
    va_json_text(&json, "command", va_mqtt_text_of(fields, n, "command"));
    va_json_bool(&json, "success", va_mqtt_is_set(fields, n, "success"));
    va_json_text(&json, "source", va_mqtt_text_of(fields, n, "source"));
    va_json_text(&json, "time", when);
    if (with_response)
        va_json_text(&json, "response", va_mqtt_text_of(fields, n, "response"));
    va_json_close(&json, '}');
    char *text = json.error == 0 ? va_buffer_take(&out) : NULL;
    va_buffer_free(&out);
    return text;
}
