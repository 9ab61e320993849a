/* bench_wake.c - wake words outside the program: what listening costs, and for bench/wake.py what the detector says about samples (floats
 * of 16 kHz on standard input).
 *
 *   bench_wake cost MODEL...               microseconds of processor time for a second of sound, as lines
 *   bench_wake outputs MODEL               a byte for each inference: the network alone, in 256ths
 *   bench_wake scores MODEL                a float each 10 ms, from the first frame on
 *   bench_wake events MODEL SENSITIVITY    lines: score, start, end, samples heard when it came */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wake/wake.h"

enum { RUNS = 31, SECONDS = 4, STEP = VA_WAKE_STEP_SAMPLES };

static float pcm[SECONDS * VA_WAKE_RATE_HZ];

static int fail(const va_error *error)
{
    fprintf(stderr, "bench_wake: %s\n", error->text);
    return 1;
}

/* Of this thread: other programs take their part of the caches, but not of the time. */
static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void on_event(void *user, const struct va_wake_event *event)
{
}

static void run_features(void *features)
{
    uint16_t frame[VA_WAKE_CHANNELS];
    int16_t step[STEP];

    for (size_t i = 0; i + STEP <= sizeof pcm / sizeof pcm[0]; i += STEP) {
        for (int j = 0; j < STEP; j++)
            step[j] = (int16_t)(pcm[i + (size_t)j] * 32767.0f);
        (void)va_wake_features_push(features, step, frame);
    }
}

static void run_wake(void *wake)
{
    va_wake_push(wake, pcm, sizeof pcm / sizeof pcm[0], on_event, NULL);
}

/* Median microseconds for a second, after a run that warms up. */
static double measure(void (*run)(void *object), void *object)
{
    double times[RUNS];

    run(object);
    for (int i = 0; i < RUNS; i++) {
        double start = now_us();
        run(object);
        times[i] = (now_us() - start) / SECONDS;
    }
    qsort(times, RUNS, sizeof times[0], compare_doubles);
    return times[RUNS / 2];
}

static int print_costs(va_wake_model *const *models, int n)
{
    struct va_wake_word words[VA_WAKE_MAX_WORDS];
    va_wake_features *features;
    va_wake *wake;
    va_error error;

    for (size_t i = 0; i < sizeof pcm / sizeof pcm[0]; i++)
        pcm[i] = 0.1f * sinf((float)i * 0.07f) + 0.01f * (float)rand() / (float)RAND_MAX;
    if (va_wake_features_new(&features, &error) < 0)
        return fail(&error);
    printf("front end %8.1f us\n", measure(run_features, features));
    va_wake_features_free(features);
    for (int i = 0; i < n; i++) {
        words[i] = (struct va_wake_word){models[i], 0.5f};
        if (va_wake_new(words, (size_t)i + 1, &wake, &error) < 0)
            return fail(&error);
        printf("%d word%s %10.1f us\n", i + 1, i == 0 ? " " : "s", measure(run_wake, wake));
        va_wake_free(wake);
    }
    return 0;
}

static int print_outputs(const struct va_wake_network *network)
{
    int8_t frames[VA_WAKE_MAX_STEP][VA_WAKE_CHANNELS], *state = malloc(network->state_bytes);
    uint16_t frame[VA_WAKE_CHANNELS];
    int16_t step[STEP];
    va_wake_features *features;
    va_error error;
    int filled = 0;

    if (state == NULL || va_wake_features_new(&features, &error) < 0) {
        free(state);
        return 1;
    }
    va_wake_network_reset(network, state);
    while (fread(pcm, sizeof pcm[0], STEP, stdin) == STEP) {
        for (int i = 0; i < STEP; i++)
            step[i] = (int16_t)lrintf(fminf(fmaxf(pcm[i] * 32768.0f, -32768.0f), 32767.0f));
        if (!va_wake_features_push(features, step, frame))
            continue;
        va_wake_network_quantize(network, frame, frames[filled++]);
        if (filled < network->step)
            continue;
        filled = 0;
        putchar(va_wake_network_run(network, state, frames[0]));
    }
    va_wake_features_free(features);
    free(state);
    return 0;
}

static void print_event(void *heard, const struct va_wake_event *event)
{
    printf("%.4f %llu %llu %llu\n", (double)event->score, (unsigned long long)event->start, (unsigned long long)event->end,
           *(unsigned long long *)heard);
}

static int listen_to(const va_wake_model *model, float sensitivity, int print_scores)
{
    const struct va_wake_word word = {model, sensitivity};
    unsigned long long heard = 0;
    va_wake *wake;
    va_error error;
    size_t n;

    if (va_wake_new(&word, 1, &wake, &error) < 0)
        return fail(&error);
    while ((n = fread(pcm, sizeof pcm[0], STEP, stdin)) > 0) {
        heard += n;
        va_wake_push(wake, pcm, n, print_scores ? on_event : print_event, &heard);
        float score = va_wake_score(wake, 0);
        if (print_scores && n == STEP)
            fwrite(&score, sizeof score, 1, stdout);
    }
    va_wake_free(wake);
    return 0;
}

int main(int argc, char **argv)
{
    va_wake_model *models[VA_WAKE_MAX_WORDS] = {NULL};
    const char *mode = argc > 2 ? argv[1] : "";
    int is_cost = strcmp(mode, "cost") == 0, is_events = strcmp(mode, "events") == 0, status = 2;
    int n = is_cost ? argc - 2 : 1;
    va_error error;

    if ((!is_cost && !is_events && strcmp(mode, "outputs") != 0 && strcmp(mode, "scores") != 0) || n > VA_WAKE_MAX_WORDS ||
        argc != 2 + n + is_events) {
        fprintf(stderr, "Usage: bench_wake cost MODEL... | outputs MODEL | scores MODEL | events MODEL SENSITIVITY\n");
        return 2;
    }
    for (int i = 0; i < n; i++)
        if (va_wake_model_open(argv[2 + i], &models[i], &error) < 0)
            return fail(&error);
    if (is_cost)
        status = print_costs(models, n);
    else if (strcmp(mode, "outputs") == 0)
        status = print_outputs(va_wake_model_network(models[0]));
    else
        status = listen_to(models[0], is_events ? strtof(argv[3], NULL) : 0.5f, !is_events);
    for (int i = 0; i < n; i++)
        va_wake_model_free(models[i]);
    return status;
}
