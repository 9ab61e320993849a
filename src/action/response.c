/* response.c - templates with {name}, and what a slot may put where. */
#include "action/actions.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

struct values {
    const va_slot *slots, *fields; /* [n_slots], [n_fields]; fields win */
    size_t n_slots, n_fields;
};

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

static const char *find_value(const struct values *values, const char *name, size_t n)
{
    const char *value = find(values->fields, values->n_fields, name, n);
    return value != NULL ? value : find(values->slots, values->n_slots, name, n);
}

/* ---- places ---- */

static int has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return 1;
    return 0;
}

static int append_percent(struct va_buffer *buffer, const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    int r = 0;

    for (; r == 0 && *value != '\0'; value++)
        r = strchr(plain, *value) != NULL ? va_buffer_append(buffer, value, 1) : va_buffer_printf(buffer, "%%%02X", (unsigned char)*value);
    return r;
}

/* The number grammar of JSON, or one of its three words. */
static int is_json_scalar(const char *text)
{
    static const char digits[] = "0123456789";

    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0 || strcmp(text, "null") == 0)
        return 1;
    text += *text == '-';
    size_t n = strspn(text, digits);
    if (n == 0 || (n > 1 && text[0] == '0'))
        return 0;
    text += n;
    if (*text == '.') {
        if ((n = strspn(text + 1, digits)) == 0)
            return 0;
        text += 1 + n;
    }
    if (*text == 'e' || *text == 'E') {
        text += 1 + (text[1] == '-' || text[1] == '+');
        if ((n = strspn(text, digits)) == 0)
            return 0;
        text += n;
    }
    return *text == '\0';
}

static int append_json(struct va_buffer *buffer, const char *value, int in_string)
{
    struct va_buffer quoted;

    if (!in_string)
        return is_json_scalar(value) ? va_buffer_append_string(buffer, value) : VA_EINVAL;
    va_buffer_init(&quoted, VA_RESPONSE_MAX_BYTES);
    int r = va_buffer_append_json(&quoted, value);
    if (r == 0)
        r = va_buffer_append(buffer, quoted.data + 1, quoted.size - 2);
    va_buffer_free(&quoted);
    return r;
}

static int append_value(struct va_buffer *buffer, enum va_escape escape, const char *value, int in_string)
{
    switch (escape) {
    case VA_ESCAPE_URL:
        return strcmp(value, ".") == 0 || strcmp(value, "..") == 0 ? VA_EINVAL : append_percent(buffer, value);
    case VA_ESCAPE_FORM:
        return append_percent(buffer, value);
    case VA_ESCAPE_JSON:
        return append_json(buffer, value, in_string);
    case VA_ESCAPE_LINE:
        return has_control(value) ? VA_EINVAL : va_buffer_append_string(buffer, value);
    case VA_ESCAPE_TOPIC:
        return value[0] == '\0' || has_control(value) || strpbrk(value, "/+#$") != NULL ? VA_EINVAL
                                                                                        : va_buffer_append_string(buffer, value);
    case VA_ESCAPE_NONE:
        break;
    }
    return va_buffer_append_string(buffer, value);
}

/* Whether a JSON string is open after text [n]. */
static int in_string_after(const char *text, size_t n, int in_string)
{
    for (size_t i = 0; i < n; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
    }
    return in_string;
}

/* ---- filling ---- */

/* VA_EINVAL: the value of ret_name [*ret_n] may not stand there. */
static int fill(const char *text, enum va_escape escape, const struct values *values, char **ret_text, const char **ret_name, size_t *ret_n)
{
    struct va_buffer buffer;
    int r = 0, in_string = 0;

    va_buffer_init(&buffer, VA_RESPONSE_MAX_BYTES);
    while (r == 0 && *text != '\0') {
        size_t n = strcspn(text, "{");
        if (n > 0 || (n = name_length(text)) == 0) {
            n = n > 0 ? n : 1;
            in_string = in_string_after(text, n, in_string);
            r = va_buffer_append(&buffer, text, n);
            text += n;
            continue;
        }
        const char *value = find_value(values, text + 1, n);
        if (value != NULL || escape == VA_ESCAPE_TOPIC)
            r = append_value(&buffer, escape, value != NULL ? value : "", in_string);
        if (r == VA_EINVAL) {
            *ret_name = text + 1;
            *ret_n = n;
        }
        text += n + 2;
    }
    char *filled = r == 0 ? va_buffer_take(&buffer) : NULL;
    va_buffer_free(&buffer);
    if (filled == NULL)
        return r < 0 ? r : VA_ENOMEM;
    *ret_text = filled;
    return 0;
}

int va_response_fill(const char *text, const va_slot *slots, size_t n_slots, const va_slot *fields, size_t n_fields, char **ret_text)
{
    const struct values values = {slots, fields, n_slots, n_fields};
    const char *name;
    size_t n;

    return fill(text, VA_ESCAPE_NONE, &values, ret_text, &name, &n);
}

int va_action_fill(const struct va_action_call *call, enum va_escape escape, const char *what, const char *text, char **ret_text)
{
    const struct values values = {call->request->slots, NULL, call->request->n_slots, 0};
    const char *name = "";
    size_t n = 0;
    int r = fill(text, escape, &values, ret_text, &name, &n);

    if (r == VA_EINVAL) {
        const char *value = find_value(&values, name, n);
        return va_fail(call->error, r, "'%.*s' may not put \"%.60s\" into the %s of '%s'", (int)n, name, value == NULL ? "" : value, what,
                       call->request->command);
    }
    return r == 0 ? 0 : va_fail(call->error, r, "cannot make the %s of '%s': %s", what, call->request->command, va_status_text(r));
}
