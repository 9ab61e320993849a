/* ear_double.h - an ear for tests of the stream: the loudest sample of a chunk is the probability that it holds speech; the end-pointer
 * behind that is the real one. */
#ifndef VA_TESTS_STREAM_EAR_DOUBLE_H
#define VA_TESTS_STREAM_EAR_DOUBLE_H

#include "vad/ear.h"

enum { CHUNK = VA_VAD_CHUNK_SAMPLES };

/* "30# 5. 2~" -> 30 chunks of speech, 5 of silence, 2 in between: noise with such peaks. va_free. */
float *play_script(const char *script, size_t *ret_n);

#endif
