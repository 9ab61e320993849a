/* admit.h - whether the head of a request is let in: where it comes from, what it asks for, who asks. The same for every version of
 * HTTP. Server thread only. */
#ifndef VA_SERVER_ADMIT_H
#define VA_SERVER_ADMIT_H

#include "server/connection.h"

struct va_refusal {
    int status;
    const char *code; /* NULL: that of the status */
    char reason[256];
    int retry_after_s;        /* 0: none */
    int must_close;           /* what this client asks next is of no use either */
    struct va_buffer headers; /* more, as "name\0value\0" ... */
};

/* Returns 1 with a request that is ready for its body, one hold; else 0 with what to answer, for va_refusal_free. */
int va_admit(struct va_gate *gate, const struct va_peer *peer, const struct va_http *http, va_request **ret_request,
             struct va_refusal *ret_refusal);

/* For what goes wrong later. */
void va_refusal_init(struct va_refusal *refusal, int status, const char *reason);
void va_refusal_free(struct va_refusal *refusal);

#endif
