/* outflow.h - bytes on their way from any thread to a client: of a streamed reply, of a WebSocket. */
#ifndef VA_SERVER_OUTFLOW_H
#define VA_SERVER_OUTFLOW_H

#include <pthread.h>

#include "server/request.h"

#define VA_OUTFLOW_MAX_BYTES ((size_t)1 << 20)

enum va_outflow_end {
    VA_OUTFLOW_OPEN,
    VA_OUTFLOW_ENDED,
    VA_OUTFLOW_CUT /* ended, and it is not all: the client must see that */
};

struct va_outflow {
    va_request *request;
    pthread_mutex_t lock; /* of what follows */
    struct va_buffer waiting;
    size_t n_taken; /* bytes that the connection has and that are not with the client yet */
    enum va_outflow_end end;
    int gone;   /* the client has left */
    int queued; /* the request is in the list of replies */
};

/* The request frees it, with va_free: it is the first member of what was allocated. */
void va_outflow_init(struct va_outflow *outflow, va_request *request);
void va_outflow_free(struct va_outflow *outflow);

/* Any thread. head [n_head] and data [n_data] go together or not at all. VA_ECANCELLED, VA_ELIMIT, VA_ENOMEM. */
VA_MUST_CHECK int va_outflow_write(struct va_outflow *outflow, const void *head, size_t n_head, const void *data, size_t n_data);
/* The last that is written, where it fits, and the end: nothing of another thread comes behind it. */
void va_outflow_finish(struct va_outflow *outflow, const void *data, size_t n);
void va_outflow_end(struct va_outflow *outflow, enum va_outflow_end end); /* nothing is written any more */
void va_outflow_wake(struct va_outflow *outflow);                         /* the server's thread is to look */
void va_outflow_announce(struct va_outflow *outflow); /* the same, even when the client has gone; before any other call */

/* Server thread. The request has come out of the list of replies and may go into it again. */
void va_outflow_heard(struct va_outflow *outflow);

/* Server thread. Moves what waits into ret_data, which must be empty; what was taken before is with the client. Returns whether it was
 * the last. */
enum va_outflow_end va_outflow_take(struct va_outflow *outflow, struct va_buffer *ret_data);
void va_outflow_leave(struct va_outflow *outflow); /* the client is gone */

#endif
