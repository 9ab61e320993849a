/* response.c - templates with {name}. */
#include "action/actions.h"

#include <string.h>

#include "base/buffer.h"

/* Length of the name in {name} at text, without the braces; 0 when it is none. */
static size_t name_length(const char *text)
{
    size_t n = strspn(text + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return text[1 + n] == '}' ? n : 0;
}

static const char *find(const va_slot *slots, size_t n_slots, const char *name, size_t n)
{
    while (n_slots-- > 0)
        if (strncmp(slots[n_slots].name, name, n) == 0 && slots[n_slots].name[n] == '\0')
            return slots[n_slots].value;
    return NULL;
}

int va_response_fill(const char *text, const va_slot *slots, size_t n_slots, const va_slot *fields, size_t n_fields, char **ret_text)
{
    struct va_buffer buffer;
    int r = 0;

    va_buffer_init(&buffer, VA_RESPONSE_MAX_BYTES);
    while (r == 0 && *text != '\0') {
        size_t n = strcspn(text, "{");
        if (n > 0 || (n = name_length(text)) == 0) {
            n = n > 0 ? n : 1;
            r = va_buffer_append(&buffer, text, n);
            text += n;
            continue;
        }
        const char *value = find(fields, n_fields, text + 1, n);
        if (value == NULL)
            value = find(slots, n_slots, text + 1, n);
        if (value != NULL)
            r = va_buffer_append_string(&buffer, value);
        text += n + 2;
    }
    char *filled = r == 0 ? va_buffer_take(&buffer) : NULL;
    va_buffer_free(&buffer);
    if (filled == NULL)
        return r < 0 ? r : VA_ENOMEM;
    *ret_text = filled;
    return 0;
}
