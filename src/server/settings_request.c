#include "server/settings_request.h"

static int add(struct va_settings_request *request, const char *name, const json_t *value, va_error *error)
{
    if (request->n == VA_SETTINGS_MAX)
        return va_fail(error, VA_EINVAL, "more than %d settings in one request", VA_SETTINGS_MAX);
    const struct va_setting setting = {
        .name = name, .text = va_member_text(value, request->numbers[request->n]), .quoted = json_is_string(value)};
    if (setting.text == NULL && !json_is_null(value))
        return va_fail(error, VA_EINVAL, "'%.80s' must be a text, a number, true, false or null", name);
    request->settings[request->n++] = setting;
    return 0;
}

int va_settings_request_read(const char *body, size_t n, struct va_settings_request *ret_request, va_error *error)
{
    const char *name;
    json_t *value, *object;
    int r = va_members_load(body, n, &object, error);

    if (r < 0)
        return r;
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
