/* command_request.h - the JSON bodies of POST /command/execute and POST /command, read and checked. */
#ifndef VA_SERVER_COMMAND_REQUEST_H
#define VA_SERVER_COMMAND_REQUEST_H

#include "server/members.h"

#define VA_COMMAND_MAX_SLOTS 32

struct va_command_request {
    const char *text; /* of a sentence, or the command's name; not empty */
    va_slot slots[VA_COMMAND_MAX_SLOTS];
    size_t n_slots;
    int speak;              /* 1 and 0: {"speak": true} and false; -1: not said */
    int dry_run, confirmed; /* "dry_run" and "confirmed": true */

    json_t *document; /* what the texts above point into */
    char numbers[VA_COMMAND_MAX_SLOTS][VA_MEMBER_NUMBER_BYTES];
};

/* {"text": "what was said", "speak": true}, and "dry_run", "confirmed" for both.
 * VA_EFORMAT: no JSON object, with the place; VA_EINVAL: not of this form. Clear the result. */
VA_MUST_CHECK int va_command_request_text(const char *body, size_t n, struct va_command_request *ret_request, va_error *error);

/* {"command": "name", slot: value, ..., "slots": {slot: value, ...}}: values are texts, numbers and booleans, made texts. */
VA_MUST_CHECK int va_command_request_name(const char *body, size_t n, struct va_command_request *ret_request, va_error *error);

void va_command_request_clear(struct va_command_request *request);

#endif
