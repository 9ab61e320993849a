#include "whisper_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"

char *fixture_model(const char *name, const char *suffix)
{
    const char *folder = getenv("VA_TEST_MODELS");
    char *path = folder == NULL ? NULL : va_asprintf("%s/%s%s.vam", folder, name, suffix);
    if (path == NULL || !va_file_exists(path)) {
        print_message("skipped: no prepared model %s%s.vam in VA_TEST_MODELS\n", name, suffix);
        va_free(path);
        skip();
    }
    return path;
}

float *fixture_recording(size_t *ret_n)
{
    const char *folder = getenv("VA_SHARED_DATA");
    char *path = va_asprintf("%s/misc_read/jfk.wav", folder == NULL ? VA_SOURCE_ROOT "/../shared/data" : folder), *data;
    size_t size;
    if (va_file_read(path, 1 << 20, &data, &size, NULL) < 0) {
        print_message("skipped: no %s\n", path);
        va_free(path);
        skip();
    }
    va_free(path);
    size_t n = (size - 44) / 2; /* a plain header of 44 bytes, 16-bit samples */
    float *pcm = va_alloc(n, sizeof *pcm);
    for (size_t i = 0; i < n; i++) {
        int16_t sample;
        memcpy(&sample, data + 44 + 2 * i, sizeof sample);
        pcm[i] = (float)sample / 32768.0f;
    }
    va_free(data);
    *ret_n = n;
    return pcm;
}
