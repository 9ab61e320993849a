#include "server/access_request.h"

#include <stdio.h>
#include <string.h>

#include "server/members.h"

static int take_name(const char *name, char ret_name[VA_ACCESS_NAME_BYTES], va_error *error)
{
    if (!va_token_is_name(name))
        return va_fail(error, VA_EINVAL, "'name' has a control character, or a blank at an end");
    snprintf(ret_name, VA_ACCESS_NAME_BYTES, "%s", name);
    return 0;
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
    const char *name = "";
    json_t *object = NULL, *scopes = NULL;
    const struct va_member members[] = {{"name", .text = &name, .max = VA_ACCESS_NAME_BYTES - 1, .is_needed = 1},
                                        {"scopes", .value = &scopes},
                                        {"expires_days", .integer = &request.days, .min = 1, .max = VA_TOKEN_MAX_DAYS}};
    int r = va_members_load(body, n, &object, error);

    if (r == 0 && json_is_null(json_object_get(object, "expires_days"))) /* as if it were not there */
        (void)json_object_del(object, "expires_days");
    if (r == 0)
        r = va_members_read(object, members, sizeof members / sizeof members[0], error);
    if (r == 0)
        r = take_name(name, request.name, error);
    if (r == 0 && scopes != NULL)
        r = read_scopes(scopes, &request.scopes, error);
    json_decref(object);
    if (r == 0)
        *ret_request = request;
    return r;
}

int va_claim_request_read(const char *body, size_t n, struct va_claim_request *ret_request, va_error *error)
{
    struct va_claim_request request = {.name = ""};
    const char *code = "", *name = "";
    json_t *object = NULL;
    const struct va_member members[] = {{"code", .text = &code, .max = sizeof request.code - 1, .is_needed = 1},
                                        {"name", .text = &name, .max = VA_ACCESS_NAME_BYTES - 1, .is_needed = 1}};
    int r = va_members_load(body, n, &object, error);

    if (r == 0)
        r = va_members_read(object, members, sizeof members / sizeof members[0], error);
    if (r == 0)
        r = take_name(name, request.name, error);
    if (r == 0)
        snprintf(request.code, sizeof request.code, "%s", code);
    json_decref(object);
    if (r == 0)
        *ret_request = request;
    return r;
}
