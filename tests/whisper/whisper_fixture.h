/* whisper_fixture.h - prepared models and the recording that the engine's tests need; a test is skipped, visibly, where they are absent. */
#ifndef VA_TESTS_WHISPER_FIXTURE_H
#define VA_TESTS_WHISPER_FIXTURE_H

#include <stddef.h>

#define FIXTURE_PATH_SIZE 512

/* Path of NAME + SUFFIX + ".vam", e.g. ("base", "-f32"), in VA_TEST_MODELS or the folder where models are kept. */
void fixture_model(const char *name, const char *suffix, char ret_path[FIXTURE_PATH_SIZE]);

/* Skips the test when fixture_recording would: called before anything is opened that a skipped test would leave open. */
void fixture_need_recording(void);

/* misc_read/jfk.wav of the shared data (shared_data.h), 16 kHz mono: [*ret_n]. va_free. */
float *fixture_recording(size_t *ret_n);

#endif
