#include "remote/json_read.h"

#include <math.h>
#include <string.h>

json_t *va_remote_parse(const char *data, size_t n, int version)
{
    json_t *document = json_loadb(data, n, JSON_REJECT_DUPLICATES, NULL);

    if (json_integer_value(json_object_get(document, "v")) == version)
        return document;
    json_decref(document);
    return NULL;
}

int va_remote_check_name(const char *text, char ret_name[VA_REMOTE_NAME_BYTES])
{
    size_t n = text != NULL ? strlen(text) : 0;

    if (n == 0 || n >= VA_REMOTE_NAME_BYTES || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
        return VA_EFORMAT;
    memcpy(ret_name, text, n + 1);
    return 0;
}

int va_remote_read_name(const json_t *object, const char *key, char ret_name[VA_REMOTE_NAME_BYTES])
{
    return va_remote_check_name(json_string_value(json_object_get(object, key)), ret_name);
}

int va_remote_read_text(const json_t *object, const char *key, size_t max, const char **ret_text)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_null(value)) {
        *ret_text = NULL;
        return 0;
    }
    if (!json_is_string(value) || json_string_length(value) > max || strlen(json_string_value(value)) != json_string_length(value))
        return VA_EFORMAT;
    *ret_text = json_string_value(value);
    return 0;
}

int va_remote_read_integer(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret_integer)
{
    const json_t *value = json_object_get(object, key);
    int64_t integer = json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);

    if ((!json_is_integer(value) && !json_is_boolean(value)) || integer < min || integer > max)
        return VA_EFORMAT;
    *ret_integer = integer;
    return 0;
}

int va_remote_read_int(const json_t *object, const char *key, int min, int max, int *ret_integer)
{
    int64_t integer;
    int r = va_remote_read_integer(object, key, min, max, &integer);

    if (r == 0)
        *ret_integer = (int)integer;
    return r;
}

int va_remote_read_number(const json_t *object, const char *key, double *ret_number)
{
    const json_t *value = json_object_get(object, key);
    double number = json_number_value(value);

    if (!json_is_number(value) || !isfinite(number))
        return VA_EFORMAT;
    *ret_number = number;
    return 0;
}

int va_remote_read_float(const json_t *object, const char *key, float *ret_number)
{
    double number;
    int r = va_remote_read_number(object, key, &number);

    if (r == 0 && fabs(number) > 1e30)
        r = VA_EFORMAT;
    if (r == 0)
        *ret_number = (float)number;
    return r;
}
