#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/utf8.h"

static void put(struct va_json *json, const char *data, size_t n)
{
    if (json->error == 0)
        json->error = va_buffer_append(json->out, data, n);
}

static void put_text(struct va_json *json, const char *text)
{
    size_t left = strlen(text);
    uint32_t code;

    put(json, "\"", 1);
    while (left > 0) {
        size_t n = 0;
        while (n < left && (unsigned char)text[n] >= 0x20 && (unsigned char)text[n] < 0x80 && text[n] != '"' && text[n] != '\\')
            n++;
        put(json, text, n);
        text += n;
        left -= n;
        if (left == 0)
            break;
        n = (size_t)va_utf8_next(text, left, &code);
        if (n > 1)
            put(json, text, n);
        else if (n == 0)
            put(json, "\\ufffd", 6);
        else if (code >= 0x20)
            put(json, code == '"' ? "\\\"" : "\\\\", 2);
        else if (json->error == 0)
            json->error = va_buffer_printf(json->out, "\\u%04x", (unsigned)code);
        text += n > 0 ? n : 1;
        left -= n > 0 ? n : 1;
    }
    put(json, "\"", 1);
}

static void begin_value(struct va_json *json, const char *key)
{
    if (json->comma)
        put(json, ",", 1);
    if (key != NULL) {
        put_text(json, key);
        put(json, ":", 1);
    }
    json->comma = 1;
}

void va_json_open(struct va_json *json, const char *key, char bracket)
{
    begin_value(json, key);
    put(json, &bracket, 1);
    json->comma = 0;
}

void va_json_close(struct va_json *json, char bracket)
{
    put(json, &bracket, 1);
    json->comma = 1;
}

void va_json_text(struct va_json *json, const char *key, const char *value)
{
    begin_value(json, key);
    if (value == NULL)
        put(json, "null", 4);
    else
        put_text(json, value);
}

void va_json_number(struct va_json *json, const char *key, double value, int decimals)
{
    begin_value(json, key);
    if (!isfinite(value))
        put(json, "null", 4);
    else if (json->error == 0)
        json->error = va_buffer_printf(json->out, "%.*f", decimals, value);
}

void va_json_integer(struct va_json *json, const char *key, int64_t value)
{
    begin_value(json, key);
    if (json->error == 0)
        json->error = va_buffer_printf(json->out, "%" PRId64, value);
}

void va_json_bool(struct va_json *json, const char *key, int value)
{
    begin_value(json, key);
    put(json, value ? "true" : "false", value ? 4 : 5);
}
