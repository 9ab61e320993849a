/* members.h - the JSON object that a client sends, and its members: one row each. Any thread.
 *
 *     const struct va_member members[] = {{"text", .text = &text, .is_needed = 1}, {"days", .integer = &days, .min = 1, .max = 9}};
 *     r = va_members_read(object, members, 2, &error);
 */
#ifndef VA_SERVER_MEMBERS_H
#define VA_SERVER_MEMBERS_H

#include <jansson.h>

#include "base/error.h"

#define VA_MEMBER_NUMBER_BYTES 40

/* Where it is absent, what it would become stays as it is. */
struct va_member {
    const char *name;
    const char **text; /* becomes its text, which the object owns ... */
    int *flag;         /* ... or true or false ... */
    int *integer;      /* ... or a whole number from min to max ... */
    double *number;    /* ... or a number from min to max ... */
    json_t **value;    /* ... or whatever it is, which the object owns */
    double min, max;   /* of a text: at most max bytes; 0: as a body has */
    int is_needed;     /* and a text may not be empty */
};

/* text [n] need not end with a NUL. VA_EFORMAT: it is no JSON object, with the place. json_decref the result. */
VA_MUST_CHECK int va_members_load(const char *text, size_t n, json_t **ret_object, va_error *error);

/* VA_EINVAL: a member is missing, is not what its row says, or has no row. */
VA_MUST_CHECK int va_members_read(const json_t *object, const struct va_member *members, size_t n, va_error *error);

/* The same where there may be others. Names the row at fault. */
VA_MUST_CHECK int va_members_read_some(const json_t *object, const struct va_member *members, size_t n, const char **ret_blamed,
                                       va_error *error);
int va_members_know(const struct va_member *members, size_t n, const char *name);

/* A text, a number, true or false as a text, which the value owns or which is in number. NULL: it is none of these. */
const char *va_member_text(const json_t *value, char number[VA_MEMBER_NUMBER_BYTES]);

#endif
