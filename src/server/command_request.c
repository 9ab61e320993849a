#include "server/command_request.h"

#include <string.h>

int va_command_request_text(const char *body, size_t n, struct va_command_request *ret_request, va_error *error)
{
    struct va_command_request *request = ret_request;
    const char *blamed;
    const struct va_member members[] = {{"text", .text = &request->text, .is_needed = 1},
                                        {"speak", .flag = &request->speak},
                                        {"dry_run", .flag = &request->dry_run},
                                        {"confirmed", .flag = &request->confirmed}};

    memset(request, 0, sizeof *request);
    request->speak = -1;
    int r = va_members_load(body, n, &request->document, error);
    if (r == 0) /* what a transcription was answered with may be handed on whole */
        r = va_members_read_some(request->document, members, sizeof members / sizeof members[0], &blamed, error);
    if (r < 0)
        va_command_request_clear(request);
    return r;
}

static int add_slot(struct va_command_request *request, const char *name, const json_t *value, va_error *error)
{
    if (request->n_slots == VA_COMMAND_MAX_SLOTS)
        return va_fail(error, VA_EINVAL, "there are more than %d values", VA_COMMAND_MAX_SLOTS);
    for (size_t i = 0; i < request->n_slots; i++) /* beside "slots" and in it */
        if (strcmp(request->slots[i].name, name) == 0)
            return va_fail(error, VA_EINVAL, "'%.64s' is there twice", name);
    const char *text = va_member_text(value, request->numbers[request->n_slots]);
    if (text == NULL)
        return va_fail(error, VA_EINVAL, "'%.64s' must be a text, a number, true or false", name);
    request->slots[request->n_slots++] = (va_slot){name, text};
    return 0;
}

/* All members of the object but those of the rows [n]. */
static int add_slots(struct va_command_request *request, json_t *object, const struct va_member *rows, size_t n, va_error *error)
{
    const char *name;
    json_t *value;
    int r = 0;

    json_object_foreach(object, name, value)
    {
        if (r < 0 || va_members_know(rows, n, name))
            continue;
        if (n > 0 && strcmp(name, "slots") == 0 && json_is_object(value))
            r = add_slots(request, value, NULL, 0, error);
        else
            r = add_slot(request, name, value, error);
    }
    return r;
}

int va_command_request_name(const char *body, size_t n, struct va_command_request *ret_request, va_error *error)
{
    struct va_command_request *request = ret_request;
    const struct va_member members[] = {{"command", .text = &request->text, .is_needed = 1},
                                        {"dry_run", .flag = &request->dry_run},
                                        {"confirmed", .flag = &request->confirmed}};
    size_t n_members = sizeof members / sizeof members[0];
    const char *blamed;

    memset(request, 0, sizeof *request);
    int r = va_members_load(body, n, &request->document, error);
    if (r == 0)
        r = va_members_read_some(request->document, members, n_members, &blamed, error);
    if (r == 0)
        r = add_slots(request, request->document, members, n_members, error);
    if (r < 0)
        va_command_request_clear(request);
    return r;
}

void va_command_request_clear(struct va_command_request *request)
{
    json_decref(request->document);
    memset(request, 0, sizeof *request);
}
