#include "whisper_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"
#include "shared_data.h"

char *fixture_model(const char *name, const char *suffix)
{
    const char *folder = getenv("VA_TEST_MODELS");
    char *data = NULL, *path = NULL;
    if (folder != NULL)
        path = va_asprintf("%s/%s%s.vam", folder, name, suffix);
    else if (va_paths_folder(VA_FOLDER_DATA, &data, NULL) == 0)
        path = va_asprintf("%s/models/%s%s.vam", data, name, suffix);
    va_free(data);
    if (path == NULL || !va_file_exists(path)) {
        print_message("skipped: no prepared model %s%s (set VA_TEST_MODELS)\n", name, suffix);
        va_free(path);
        skip();
    }
    return path;
}

float *fixture_recording(size_t *ret_n)
{
    char path[512], *data;
    size_t size;
    if (!find_shared_data("misc_read/jfk.wav", path) || va_file_read(path, 1 << 20, &data, &size, NULL) < 0)
        skip();
    char *samples = memmem(data, size, "data", 4); /* 16-bit samples to the end of the file */
    assert_non_null(samples);
    samples += 8;
    size_t n = (size_t)(data + size - samples) / 2;
    float *pcm = va_alloc(n, sizeof *pcm);
    for (size_t i = 0; i < n; i++) {
        int16_t sample;
        memcpy(&sample, samples + 2 * i, sizeof sample);
        pcm[i] = (float)sample / 32768.0f;
    }
    va_free(data);
    *ret_n = n;
    return pcm;
}
