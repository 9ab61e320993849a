/* answer.h - what stands before the body of an answer, in every version of HTTP. */
#ifndef VA_SERVER_ANSWER_H
#define VA_SERVER_ANSWER_H

#include "server/request.h"

struct va_answer {
    int status;
    const char *content_type;        /* NULL or "": JSON */
    int64_t length;                  /* of the body; -1: unknown */
    const char *policy;              /* Content-Security-Policy; NULL: nothing may be loaded */
    int retry_after_s;               /* 0: none */
    int is_strict;                   /* Strict-Transport-Security */
    double began_s;                  /* when the request's head was there; 0: it never was */
    const struct va_buffer *headers; /* more, as "name\0value\0" ...; may be NULL */
};

/* That of a request that has its reply. */
void va_answer_of(const va_request *request, struct va_answer *ret_answer);

/* When its head is written. */
void va_answer_count(const struct va_answer *answer, struct va_metrics *metrics);

/* Calls field for each. Stops and returns what field returned when that is negative. */
int va_answer_fields(const struct va_answer *answer, int (*field)(void *user, const char *name, const char *value), void *user);

#endif
