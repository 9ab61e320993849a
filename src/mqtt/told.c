#include "mqtt/told.h"

#include "base/clock.h"
#include "base/json.h"

char *va_mqtt_write_command(const struct va_field *fields, size_t n, int with_response)
{
    struct va_buffer out;
    struct va_json json = {.out = &out};
    char when[VA_CLOCK_TEXT_SIZE];

    va_clock_text(va_clock_unix_s(), when);
    va_buffer_init(&out, VA_MQTT_MAX_PAYLOAD_BYTES);
    va_json_open(&json, NULL, '{');
    va_json_text(&json, "command", va_field_text(fields, n, "command"));
    va_json_bool(&json, "success", va_field_is_set(fields, n, "success"));
    va_json_text(&json, "source", va_field_text(fields, n, "source"));
    va_json_text(&json, "time", when);
    if (with_response)
        va_json_text(&json, "response", va_field_text(fields, n, "response"));
    va_json_close(&json, '}');
    char *text = json.error == 0 ? va_buffer_take(&out) : NULL;
    va_buffer_free(&out);
    return text;
}
