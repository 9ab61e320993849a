#include "server/settings_request.h"

#include <jansson.h>
#include <stdio.h>

static int add(struct va_settings_request *request, const char *name, const json_t *value, va_error *error)
{
    if (request->n == VA_SETTINGS_MAX)
        return va_fail(error, VA_EINVAL, "more than %d settings in one request", VA_SETTINGS_MAX);
    char *number = request->numbers[request->n];
    struct va_setting setting = {.name = name, .text = number, .quoted = json_is_string(value)};
    if (json_is_string(value))
        setting.text = json_string_value(value);
    else if (json_is_integer(value))
        snprintf(number, VA_SETTINGS_NUMBER_BYTES, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(number, VA_SETTINGS_NUMBER_BYTES, "%.15g", json_real_value(value));
    else if (json_is_boolean(value))
        setting.text = json_is_true(value) ? "true" : "false";
    else if (json_is_null(value))
        setting.text = NULL;
    else
        return va_fail(error, VA_EINVAL, "'%.80s' must be a text, a number, true, false or null", name);
    request->settings[request->n++] = setting;
    return 0;
}

int va_settings_request_read(const char *body, size_t n, struct va_settings_request *ret_request, va_error *error)
{
    json_error_t why;
    const char *name;
    json_t *value;
    int r = 0;

    json_t *object = json_loadb(body, n, JSON_REJECT_DUPLICATES, &why);
    if (object == NULL)
        return va_fail(error, VA_EFORMAT, "line %d column %d: %s", why.line, why.column, why.text);
    ret_request->document = object;
    ret_request->n = 0;
    if (json_object_size(object) == 0)
        r = va_fail(error, VA_EINVAL, "the body must be a JSON object of options and their values");
    json_object_foreach(object, name, value)
    {
        if (r == 0)
            r = add(ret_request, name, value, error);
    }
    if (r == 0)
        r = va_settings_check(ret_request->settings, ret_request->n, error);
    if (r < 0)
        va_settings_request_clear(ret_request);
    return r;
}

void va_settings_request_clear(struct va_settings_request *request)
{
    json_decref(request->document);
    request->document = NULL;
}
