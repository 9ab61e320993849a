#include "server/command_request.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static int read_flag(const json_t *object, const char *key, int *ret_flag, va_error *error)
{
    const json_t *value = json_object_get(object, key);

    if (value != NULL && !json_is_boolean(value))
        return va_fail(error, VA_EINVAL, "'%s' must be true or false", key);
    *ret_flag = json_is_true(value);
    return 0;
}

/* The body as an object with a text under key. On failure the document is cleared. */
static int read_object(const char *body, size_t n, const char *key, struct va_command_request *request, va_error *error)
{
    json_error_t why;

    memset(request, 0, sizeof *request);
    json_t *object = request->document = json_loadb(body, n, JSON_REJECT_DUPLICATES, &why);
    if (object == NULL)
        return va_fail(error, VA_EFORMAT, "line %d column %d: %s", why.line, why.column, why.text);
    request->text = json_string_value(json_object_get(object, key));
    int r = 0;
    if (request->text == NULL || request->text[0] == '\0')
        r = va_fail(error, VA_EINVAL, "the body must be a JSON object with a text '%s'", key);
    if (r == 0)
        r = read_flag(object, "dry_run", &request->dry_run, error);
    if (r == 0)
        r = read_flag(object, "confirmed", &request->confirmed, error);
    if (r < 0)
        va_command_request_clear(request);
    return r;
}

int va_command_request_text(const char *body, size_t n, struct va_command_request *ret_request, va_error *error)
{
    int r = read_object(body, n, "text", ret_request, error);
    if (r < 0)
        return r;
    const json_t *speak = json_object_get(ret_request->document, "speak");
    ret_request->speak = speak == NULL ? -1 : json_is_true(speak);
    if (speak == NULL || json_is_boolean(speak))
        return 0;
    va_command_request_clear(ret_request);
    return va_fail(error, VA_EINVAL, "'speak' must be true or false");
}

static int add_slot(struct va_command_request *request, const char *name, const json_t *value, va_error *error)
{
    if (request->n_slots == VA_COMMAND_MAX_SLOTS)
        return va_fail(error, VA_EINVAL, "there are more than %d values", VA_COMMAND_MAX_SLOTS);
    for (size_t i = 0; i < request->n_slots; i++) /* beside "slots" and in it */
        if (strcmp(request->slots[i].name, name) == 0)
            return va_fail(error, VA_EINVAL, "'%.64s' is there twice", name);
    char *number = request->numbers[request->n_slots];
    const char *text = number;

    if (json_is_string(value))
        text = json_string_value(value);
    else if (json_is_integer(value))
        snprintf(number, VA_COMMAND_NUMBER_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(number, VA_COMMAND_NUMBER_BYTES, "%.15g", json_real_value(value));
    else if (json_is_boolean(value))
        text = json_is_true(value) ? "true" : "false";
    else
        return va_fail(error, VA_EINVAL, "'%.64s' must be a text, a number, true or false", name);
    request->slots[request->n_slots++] = (va_slot){name, text};
    return 0;
}

static int add_slots(struct va_command_request *request, json_t *object, int is_outer, va_error *error)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        int r = 0;
        if (is_outer && (strcmp(name, "command") == 0 || strcmp(name, "dry_run") == 0 || strcmp(name, "confirmed") == 0))
            continue;
        if (is_outer && strcmp(name, "slots") == 0 && json_is_object(value))
            r = add_slots(request, value, 0, error);
        else
            r = add_slot(request, name, value, error);
        if (r < 0)
            return r;
    }
    return 0;
}

int va_command_request_name(const char *body, size_t n, struct va_command_request *ret_request, va_error *error)
{
    int r = read_object(body, n, "command", ret_request, error);
    if (r == 0 && (r = add_slots(ret_request, ret_request->document, 1, error)) < 0)
        va_command_request_clear(ret_request);
    return r;
}

void va_command_request_clear(struct va_command_request *request)
{
    json_decref(request->document);
    memset(request, 0, sizeof *request);
}
