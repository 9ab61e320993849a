/* whisper_fixture.h - prepared models and the recording that the engine's tests need; a test is skipped, visibly, where they are absent. */
#ifndef VA_TESTS_WHISPER_FIXTURE_H
#define VA_TESTS_WHISPER_FIXTURE_H

#include <stddef.h>

/* Path of VA_TEST_MODELS/NAME + SUFFIX + ".vam", e.g. ("base", "-f32"). va_free. */
char *fixture_model(const char *name, const char *suffix);

/* misc_read/jfk.wav of VA_SHARED_DATA (default: shared/data beside the source tree), 16 kHz mono: [*ret_n]. va_free. */
float *fixture_recording(size_t *ret_n);

#endif
