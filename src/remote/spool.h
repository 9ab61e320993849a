/* spool.h - the audio of one job in an unnamed FLAC file: to send it, and to read it here after all. One thread at a time. */
#ifndef VA_REMOTE_SPOOL_H
#define VA_REMOTE_SPOOL_H

#include "workers/lane.h"

struct va_spool {
    int fd; /* -1: none */
    uint64_t bytes;
    struct va_decoder *decoder; /* once it is read here */
};

/* Reads all of the task's audio. What its read function returns below 0 is returned, without a text; VA_ECANCELLED: nobody waits for the
 * task any more; VA_ELIMIT: the disk is full. */
VA_MUST_CHECK int va_spool_fill(struct va_spool *spool, const char *folder, const va_task *task, int (*must_stop)(void *user), void *user,
                                va_error *error);
void va_spool_clear(struct va_spool *spool);

/* piece [capacity] <- bytes from offset on. Returns how many, 0 at the end and when they cannot be read. */
size_t va_spool_piece(const struct va_spool *spool, uint64_t offset, char *ret_piece, size_t capacity);

/* A va_read_fn over a spool. */
VA_MUST_CHECK int64_t va_spool_read(void *spool, float *pcm, size_t capacity);

#endif
