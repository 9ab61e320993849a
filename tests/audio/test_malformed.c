/* The shared set of broken and odd files: each gives a right result or a clear error, in little memory. */
#include "audio/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared_data.h"

#define MAX_SAMPLES 4000000 /* no file of the set is longer */

struct row {
    char name[256];
    int status, errors;
    long samples; /* what ffmpeg makes of it, at 16 kHz */
};

static int parse_row(const char *line, struct row *ret_row)
{
    const char *result = strstr(line, "ffmpeg rc=");

    return result != NULL && sscanf(line, "%255[^\t]", ret_row->name) == 1 &&
           sscanf(result, "ffmpeg rc=%d samples=%ld err=%d", &ret_row->status, &ret_row->samples, &ret_row->errors) == 3;
}

/* The samples decoded, or a negative VA_E*. */
static long decode(const char *path)
{
    static float pcm[4000];
    va_audio_decoder *decoder = NULL;
    va_error error = {0};
    long total = 0;
    int64_t n;

    int r = va_audio_decoder_open(path, NULL, &decoder, &error);
    if (r < 0) {
        assert_int_equal(error.code, r);
        assert_true(strlen(error.text) > 10);
        return r;
    }
    while ((n = va_audio_decoder_read(decoder, pcm, 4000)) > 0) {
        total += n;
        assert_true(total < MAX_SAMPLES);
        for (int64_t i = 0; i < n; i++)
            assert_true(pcm[i] > -2.0f && pcm[i] < 2.0f);
    }
    if (n < 0) {
        assert_int_equal(va_audio_decoder_error(decoder)->code, n);
        assert_true(strlen(va_audio_decoder_error(decoder)->text) > 10);
        total = n;
    }
    va_audio_decoder_free(decoder);
    return total;
}

static void test_all(void **state)
{
    char path[1024], folder[512], line[1024];
    struct row row;
    int files = 0, compared = 0, refused = 0;

    if (!find_shared_data("malformed", folder))
        skip();
    snprintf(path, sizeof path, "%s/manifest.tsv", folder);
    FILE *manifest = fopen(path, "r");
    assert_non_null(manifest);
    while (fgets(line, sizeof line, manifest) != NULL) {
        if (!parse_row(line, &row))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, row.name);
        long got = decode(path);
        files++;
        if (got < 0) {
            assert_true(got == VA_EFORMAT || got == VA_EUNSUPPORTED);
            /* What ffmpeg decodes cleanly and we refuse: headerless PCM taken for MP3, an MP3 behind zeros, a change of channels. */
            refused += row.status == 0 && row.errors == 0 && row.samples > 0;
        } else if (row.status == 0 && row.errors == 0 && row.samples > 0) {
            /* ffmpeg rounds lengths down, and drops a first MPEG frame (1152 samples at most) when it refers to earlier ones. */
            if (labs(got - row.samples) > (strstr(row.name, "minimp3") != NULL ? 600 : 1))
                fail_msg("%s: %ld samples, ffmpeg has %ld", row.name, got, row.samples);
            compared++;
        }
    }
    fclose(manifest);
    print_message("%d files, %d compared, %d refused that ffmpeg takes\n", files, compared, refused);
    assert_int_equal(files, 134);
    assert_true(compared >= 35);
    assert_true(refused <= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
