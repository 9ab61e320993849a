#include "server/access_request.h"

#include <string.h>

#include <jansson.h>

static int read_object(const char *body, size_t n, json_t **ret_object, va_error *error)
{
    json_error_t why;
    json_t *object = json_loadb(body, n, JSON_REJECT_DUPLICATES, &why);

    if (object == NULL)
        return va_fail(error, VA_EFORMAT, "line %d column %d: %s", why.line, why.column, why.text);
    *ret_object = object;
    return 0;
}

static int read_text(const json_t *object, const char *key, char *ret_text, size_t capacity, va_error *error)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (text == NULL || text[0] == '\0' || strlen(text) >= capacity)
        return va_fail(error, VA_EINVAL, "the body must be a JSON object with a text '%s' of at most %zu bytes", key, capacity - 1);
    memcpy(ret_text, text, strlen(text) + 1);
    return 0;
}

static int read_name(const json_t *object, char ret_name[VA_ACCESS_NAME_BYTES], va_error *error)
{
    int r = read_text(object, "name", ret_name, VA_ACCESS_NAME_BYTES, error);

    return r == 0 && !va_token_is_name(ret_name) ? va_fail(error, VA_EINVAL, "'name' has a control character, or a blank at an end") : r;
}

static int read_scopes(const json_t *list, unsigned *ret_scopes, va_error *error)
{
    unsigned scopes = 0, one;
    const json_t *item;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) == 0)
        return va_fail(error, VA_EINVAL, "'scopes' must be a list of names");
    json_array_foreach(list, i, item)
    {
        const char *name = json_string_value(item);
        if (name == NULL || strchr(name, ',') != NULL)
            return va_fail(error, VA_EINVAL, "'scopes' must be a list of names");
        int r = va_scopes_parse(name, &one, error);
        if (r < 0)
            return r;
        scopes |= one;
    }
    *ret_scopes = scopes;
    return 0;
}

int va_token_request_read(const char *body, size_t n, struct va_token_request *ret_request, va_error *error)
{
    struct va_token_request request = {.scopes = VA_PAIRING_SCOPES};
    json_t *object = NULL;
    int r = read_object(body, n, &object, error);

    if (r < 0)
        return r;
    const json_t *scopes = json_object_get(object, "scopes"), *days = json_object_get(object, "expires_days");
    r = read_name(object, request.name, error);
    if (r == 0 && scopes != NULL)
        r = read_scopes(scopes, &request.scopes, error);
    if (r == 0 && days != NULL && !json_is_null(days)) {
        json_int_t value = json_integer_value(days);
        if (value < 1 || value > VA_TOKEN_MAX_DAYS)
            r = va_fail(error, VA_EINVAL, "'expires_days' must be a whole number from 1 to %d", VA_TOKEN_MAX_DAYS);
        request.days = r == 0 ? (int)value : 0;
    }
    json_decref(object);
    if (r == 0)
        *ret_request = request;
    return r;
}

int va_claim_request_read(const char *body, size_t n, struct va_claim_request *ret_request, va_error *error)
{
    struct va_claim_request request = {.name = ""};
    json_t *object = NULL;
    int r = read_object(body, n, &object, error);

    if (r < 0)
        return r;
    r = read_text(object, "code", request.code, sizeof request.code, error);
    if (r == 0)
        r = read_name(object, request.name, error);
    json_decref(object);
    if (r == 0)
        *ret_request = request;
    return r;
}
