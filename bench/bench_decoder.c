/* bench_decoder.c - what one more token costs the decoder, with logits of all tokens and of those alone that may follow.
 *
 *   bench_decoder MODEL [KERNELS [RUNS]]   milliseconds of one thread, as lines; medians
 *
 * Instructions of a token: valgrind --tool=callgrind --toggle-collect=va_decoder_run with one run. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "dsp/log_mel.h"
#include "whisper/decoder.h"

enum { FRAMES = 166, POSITION = 20, MAX_RUNS = 1001 }; /* a clip of 3 s with its margin, in the middle of its text */

/* The median time of a row at POSITION; tokens NULL: all. */
static double measure(va_decoder *decoder, const va_encoder *encoder, int runs, const struct va_token_set *tokens, float *logits)
{
    int32_t slots[POSITION + 1];
    double times[MAX_RUNS];

    for (int i = 0; i <= POSITION; i++)
        slots[i] = i;
    for (int i = 0; i < runs; i++) {
        const struct va_decoder_row row = {.token = 1000 + i, .position = POSITION, .logits = 1, .slots = slots};
        struct timespec start, end;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
        va_decoder_run(decoder, encoder, &row, 1, tokens, logits);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        double ms = (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) * 1e-6;
        int place = i;
        for (; place > 0 && times[place - 1] > ms; place--)
            times[place] = times[place - 1];
        times[place] = ms;
    }
    return times[runs / 2];
}

static int run(const char *path, const char *kernels, int runs, va_error *error)
{
    static const int some[] = {0, 1, 100, 300, 1000};
    const va_model_options options = {.kernels = kernels};
    va_model *model;
    va_pool *pool;
    va_encoder *encoder;
    va_decoder *decoder;
    float *mel = va_calloc((size_t)2 * FRAMES * VA_MEL_BANDS, sizeof *mel);
    int r;

    if ((r = va_model_open(path, &options, &model, error)) < 0 || (r = va_pool_new(1, &pool, error)) < 0 ||
        (r = va_encoder_new(model, pool, &encoder, error)) < 0 || (r = va_decoder_new(model, pool, 1, &decoder, error)) < 0)
        return r; /* the program ends */
    float *logits = va_alloc((size_t)va_decoder_logits_size(decoder), sizeof *logits);
    if (mel == NULL || logits == NULL)
        return va_fail_memory(error);
    if ((r = va_encoder_run(encoder, mel, FRAMES, VA_TAIL_NOTHING, NULL, NULL)) < 0)
        return r;
    printf("%-8s %10s %8s\n", "kernels", "tokens", "ms");
    printf("%-8s %10s %8.3f\n", va_model_kernels(model), "all", measure(decoder, encoder, runs, NULL, logits));
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        struct va_token_set tokens = {{0}};
        for (int j = 0; j < some[i]; j++)
            va_token_set_add(&tokens, (int32_t)((int64_t)j * model->n_vocab / some[i]));
        printf("%-8s %10d %8.3f\n", va_model_kernels(model), some[i], measure(decoder, encoder, runs, &tokens, logits));
    }
    va_free(mel);
    va_free(logits);
    va_decoder_free(decoder);
    va_encoder_free(encoder);
    va_pool_free(pool);
    va_model_free(model);
    return 0;
}

int main(int argc, char **argv)
{
    va_error error;
    int runs = argc > 3 ? atoi(argv[3]) : 201;

    if (argc < 2 || runs < 1 || runs > MAX_RUNS) {
        fprintf(stderr, "usage: bench_decoder MODEL [KERNELS [RUNS]]\n");
        return 2;
    }
    if (run(argv[1], argc > 2 ? argv[2] : NULL, runs, &error) < 0) {
        fprintf(stderr, "bench_decoder: %s\n", error.text);
        return 1;
    }
    return 0;
}
