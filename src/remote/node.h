/* node.h - a worker for others: takes their jobs from NATS, transcribes them with the workers here, and brings the results back.
 *
 * It takes one job more than it has workers, so that none is idle between two. */
#ifndef VA_REMOTE_NODE_H
#define VA_REMOTE_NODE_H

#include "base/error.h"

typedef struct va_node va_node;

struct va_bus_options;

struct va_node_options {
    const struct va_bus_options *bus;
    const char *model;        /* name of the one that the workers have */
    const char *folder;       /* for audio while it is worked on */
    unsigned n_workers;       /* of the pool */
    uint64_t max_audio_bytes; /* of one job, as FLAC */
    double max_audio_s;
};

/* As va_bus_connect; VA_ENOMEM. Strings are copied. */
VA_MUST_CHECK int va_node_start(const struct va_node_options *options, va_workers *workers, va_node **ret_node, va_error *error);

/* Takes no more jobs; those it has go on. */
void va_node_close(va_node *node);

/* After the workers have been shut down. */
void va_node_free(va_node *node);

#endif
