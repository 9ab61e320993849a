/* flac.h - 16 kHz mono float to a FLAC file of 16 bits. */
#ifndef VA_AUDIO_FLAC_H
#define VA_AUDIO_FLAC_H

#include "base/error.h"

/* Reads to the end and writes the file at fd, which stays open. must_stop: asked now and then; non-zero gives VA_ECANCELLED. What read
 * returns below 0 is returned, without a text. VA_ELIMIT: the disk is full. VA_EIO, VA_ENOMEM. */
VA_MUST_CHECK int va_flac_write(int fd, va_read_fn read, void *read_user, int (*must_stop)(void *user), void *stop_user,
                                uint64_t *ret_samples, va_error *error);

#endif
