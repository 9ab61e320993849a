/* whisper_fixture.h - prepared models and the recording that the engine's tests need; a test is skipped, visibly, where they are absent. */
#ifndef VA_TESTS_WHISPER_FIXTURE_H
#define VA_TESTS_WHISPER_FIXTURE_H

#include <stddef.h>

/* Path of NAME + SUFFIX + ".vam", e.g. ("base", "-f32"), in VA_TEST_MODELS or the folder where models are kept. va_free. */
char *fixture_model(const char *name, const char *suffix);

/* misc_read/jfk.wav of the shared data (shared_data.h), 16 kHz mono: [*ret_n]. va_free. */
float *fixture_recording(size_t *ret_n);

#endif
