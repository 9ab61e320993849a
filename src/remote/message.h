/* message.h - what machines tell each other about a job, as JSON; everything that comes in is bounded and checked. Pure.
 *
 *   va.jobs.MODEL       offer, to one of the workers of the model; the answer says whether it takes the job
 *   va.audio.FRONT      asks the one who offered for a piece of the audio (FLAC); the answer is the piece, empty when it is over
 *   va.result.FRONT     the result, zlib around JSON; the answer says that it has come
 *   va.workers.MODEL    pulse of each worker twice a second: its places, and the jobs it is at
 *   va.cancel.WORKER    nobody waits for a job any more
 *
 * A job that is offered again gets another name, so that what a lost worker still sends is for nobody. */
#ifndef VA_REMOTE_MESSAGE_H
#define VA_REMOTE_MESSAGE_H

#include "base/buffer.h"

#define VA_REMOTE_NAME_BYTES 40 /* of jobs, fronts and workers: 1 to 39 of a-z 0-9 - */
#define VA_REMOTE_MAX_JOBS 64
#define VA_REMOTE_MAX_PLACES 64
#define VA_REMOTE_PIECE_BYTES 262144
#define VA_REMOTE_MAX_MESSAGE 900000     /* below the server's usual limit of 1 MB */
#define VA_REMOTE_MAX_RESULT (32u << 20) /* unpacked */
#define VA_REMOTE_MAX_VALUES 500000u     /* of a result, those of some hours: each takes up to 230 bytes once it is read */

struct va_remote_offer {
    char job[VA_REMOTE_NAME_BYTES], front[VA_REMOTE_NAME_BYTES];
    uint64_t bytes;                /* of the FLAC file */
    va_transcribe_options options; /* those that are not about this process; strings belong to the document */
    void *document;
};

struct va_remote_piece {
    char job[VA_REMOTE_NAME_BYTES];
    uint64_t offset;
};

struct va_remote_pulse {
    char worker[VA_REMOTE_NAME_BYTES];
    unsigned places;
    size_t n_jobs;
    char jobs[VA_REMOTE_MAX_JOBS][VA_REMOTE_NAME_BYTES];
};

struct va_remote_result {
    char job[VA_REMOTE_NAME_BYTES];
    int status;
    va_error error; /* with another status than 0 */
    double run_ms;
    va_transcript *transcript; /* with 0; va_transcript_free */
};

/* Writing: 0, VA_ENOMEM, VA_ELIMIT. Reading: 0, VA_EFORMAT, VA_ENOMEM. */
VA_MUST_CHECK int va_remote_write_offer(const struct va_remote_offer *offer, struct va_buffer *out);
VA_MUST_CHECK int va_remote_read_offer(const char *data, size_t n, struct va_remote_offer *ret_offer);
void va_remote_offer_clear(struct va_remote_offer *offer);

VA_MUST_CHECK int va_remote_write_answer(const char *worker, struct va_buffer *out); /* NULL: it does not take the job */
VA_MUST_CHECK int va_remote_read_answer(const char *data, size_t n, char ret_worker[VA_REMOTE_NAME_BYTES]); /* "": as above */

VA_MUST_CHECK int va_remote_write_piece(const struct va_remote_piece *piece, struct va_buffer *out);
VA_MUST_CHECK int va_remote_read_piece(const char *data, size_t n, struct va_remote_piece *ret_piece); /* of a cancellation, too */

VA_MUST_CHECK int va_remote_write_pulse(const struct va_remote_pulse *pulse, struct va_buffer *out);
VA_MUST_CHECK int va_remote_read_pulse(const char *data, size_t n, struct va_remote_pulse *ret_pulse);

VA_MUST_CHECK int va_remote_write_result(const struct va_remote_result *result, struct va_buffer *out); /* packed */
VA_MUST_CHECK int va_remote_read_result(const char *data, size_t n, struct va_remote_result *ret_result);

#endif
