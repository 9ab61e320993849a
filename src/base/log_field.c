/* log_field.c - what stands in the fields of an event. */
#include "base/log.h"

#include <string.h>

const struct va_field *va_field_find(const struct va_field *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

const char *va_field_text(const struct va_field *fields, size_t n, const char *name)
{
    const struct va_field *field = va_field_find(fields, n, name);
    return field != NULL && field->type == VA_FIELD_STRING ? field->value.string : "";
}

int va_field_is_set(const struct va_field *fields, size_t n, const char *name)
{
    const struct va_field *field = va_field_find(fields, n, name);
    return field != NULL && field->type == VA_FIELD_BOOL && field->value.integer != 0;
}
