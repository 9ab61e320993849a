/* recorder.h - start and stop recording; the samples collect in pooled buffers.
 *
 *     va_recorder_start(r, &error);   ...   va_recorder_stop(r, &pcm, &n, &error);
 *
 * start opens the source (so that the device is closed when nothing records), or reads a capture that is shared with others, and a
 * thread writes into buffers from the pool; stop joins it. All functions may be called from any thread. */
#ifndef VA_AUDIO_RECORDER_H
#define VA_AUDIO_RECORDER_H

#include "audio/buffer_pool.h"
#include "audio/capture.h"

typedef struct va_recorder va_recorder;

/* source_name as in source.h; it is copied. The pool is shared and must outlive the recorder. max_seconds bounds a recording:
 * capture ends by itself there, and stop returns what was recorded. */
VA_MUST_CHECK int va_recorder_new(const char *source_name, va_buffer_pool *pool, double max_seconds, va_recorder **ret_recorder,
                                  va_error *error);
void va_recorder_free(va_recorder *recorder); /* stops */

/* The recordings that start from now on read this capture, until it has ended (a file's end), instead of opening the source; NULL: no
 * longer. It must not be freed while a recording reads it. */
void va_recorder_share(va_recorder *recorder, va_capture *capture);

/* VA_ESTATE when already recording, VA_ENOTFOUND without a device, or as va_audio_source_open fails. A device that is lost later is waited
 * for: the recording goes on without what it has missed. */
VA_MUST_CHECK int va_recorder_start(va_recorder *recorder, va_error *error);
/* VA_ESTATE when not recording. pcm [n] belongs to the caller (va_free). When nothing was heard because the device is lost, the error is
 * the device's. After VA_ENOMEM the recording is still there, and stop may be called again. */
VA_MUST_CHECK int va_recorder_stop(va_recorder *recorder, float **ret_pcm, size_t *ret_n, va_error *error);
int va_recorder_is_recording(const va_recorder *recorder);
/* A copy of what has been recorded so far (va_free). VA_ESTATE when not recording. */
VA_MUST_CHECK int va_recorder_get_audio(va_recorder *recorder, float **ret_pcm, size_t *ret_n, va_error *error);
int va_recorder_sample_rate(const va_recorder *recorder); /* 16000 */

#endif
