#include "whisper_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"
#include "shared_data.h"

#define RECORDING "misc_read/jfk.wav"

void fixture_model(const char *name, const char *suffix, char ret_path[FIXTURE_PATH_SIZE])
{
    const char *folder = getenv("VA_TEST_MODELS");
    char *models = NULL;
    ret_path[0] = '\0';
    if (folder != NULL)
        snprintf(ret_path, FIXTURE_PATH_SIZE, "%s/%s%s.vam", folder, name, suffix);
    else if (va_paths_data("models", &models, NULL) == 0)
        snprintf(ret_path, FIXTURE_PATH_SIZE, "%s/%s%s.vam", models, name, suffix);
    va_free(models);
    if (!va_file_exists(ret_path)) {
        print_message("skipped: no prepared model %s%s (set VA_TEST_MODELS)\n", name, suffix);
        skip();
    }
}

void fixture_need_recording(void)
{
    char path[512];
    if (!find_shared_data(RECORDING, path))
        skip();
}

float *fixture_recording(size_t *ret_n)
{
    char path[512], *data;
    size_t size;
    if (!find_shared_data(RECORDING, path) || va_file_read(path, 1 << 20, &data, &size, NULL) < 0)
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
