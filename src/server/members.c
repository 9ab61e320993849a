#include "server/members.h"

#include <stdio.h>
#include <string.h>

#define MAX_TEXT_BYTES 65536.0 /* as a body has */

int va_members_load(const char *text, size_t n, json_t **ret_object, va_error *error)
{
    json_error_t why;
    json_t *object = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);

    if (object == NULL)
        return va_fail(error, VA_EFORMAT, "line %d column %d: %s", why.line, why.column, why.text);
    if (!json_is_object(object)) {
        json_decref(object);
        return va_fail(error, VA_EFORMAT, "it must be a JSON object");
    }
    *ret_object = object;
    return 0;
}

static int take(const struct va_member *member, json_t *value, va_error *error)
{
    const char *text = json_string_value(value), *name = member->name;
    double number = json_number_value(value), max = member->max > 0 ? member->max : MAX_TEXT_BYTES;
    int is_outside = number < member->min || number > member->max;

    if (member->text != NULL && (text == NULL || (member->is_needed && text[0] == '\0') || (double)strlen(text) > max))
        return va_fail(error, VA_EINVAL, "'%s' must be a text of %d to %.0f bytes", name, member->is_needed, max);
    if (member->flag != NULL && !json_is_boolean(value))
        return va_fail(error, VA_EINVAL, "'%s' must be true or false", name);
    if (member->integer != NULL && (!json_is_integer(value) || is_outside))
        return va_fail(error, VA_EINVAL, "'%s' must be a whole number from %.0f to %.0f", name, member->min, member->max);
    if (member->number != NULL && (!json_is_number(value) || is_outside))
        return va_fail(error, VA_EINVAL, "'%s' must be a number from %g to %g", name, member->min, member->max);
    if (member->text != NULL)
        *member->text = text;
    if (member->flag != NULL)
        *member->flag = json_is_true(value);
    if (member->integer != NULL)
        *member->integer = (int)number;
    if (member->number != NULL)
        *member->number = number;
    if (member->value != NULL)
        *member->value = value;
    return 0;
}

int va_members_know(const struct va_member *members, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(members[i].name, name) == 0)
            return 1;
    return 0;
}

int va_members_read_some(const json_t *object, const struct va_member *members, size_t n, const char **ret_blamed, va_error *error)
{
    for (size_t i = 0; i < n; i++) {
        json_t *value = json_object_get(object, members[i].name);
        *ret_blamed = members[i].name;
        if ((value != NULL || members[i].is_needed) && take(&members[i], value, error) < 0)
            return VA_EINVAL;
    }
    return 0;
}

int va_members_read(const json_t *object, const struct va_member *members, size_t n, va_error *error)
{
    const char *name, *blamed;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
    {
        if (!va_members_know(members, n, name))
            return va_fail(error, VA_EINVAL, "there is no member '%.64s' here", name);
    }
    return va_members_read_some(object, members, n, &blamed, error);
}

const char *va_member_text(const json_t *value, char number[VA_MEMBER_NUMBER_BYTES])
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_boolean(value))
        return json_is_true(value) ? "true" : "false";
    if (json_is_integer(value))
        snprintf(number, VA_MEMBER_NUMBER_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(number, VA_MEMBER_NUMBER_BYTES, "%.15g", json_real_value(value));
    else
        return NULL;
    return number;
}
