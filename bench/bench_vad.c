/* bench_vad.c - the speech detector outside the program: what a chunk of 32 ms costs on each kernel set, and for bench/vad.py what its
 * stages say about samples (floats of 16 kHz on standard input).
 *
 *   bench_vad MODEL                        microseconds, as lines
 *   bench_vad MODEL probabilities SET      a float a chunk
 *   bench_vad MODEL gate SET               a byte a chunk: 1 is open
 *   bench_vad MODEL events SET             lines: kind, start, end, samples heard when it came
 *   bench_vad MODEL events-judge-all SET   the same without the gate */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vad/ear.h"
#include "vad/energy_gate.h"

enum { RUNS = 31, CHUNKS = 64 };

static float pcm[CHUNKS][VA_VAD_CHUNK_SAMPLES];

static int fail(const va_error *error)
{
    fprintf(stderr, "bench_vad: %s\n", error->text);
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

static void run_silero(void *silero)
{
    for (int i = 0; i < CHUNKS; i++)
        (void)va_silero_process(silero, pcm[i]);
}

static void run_gate(void *gate)
{
    for (int i = 0; i < CHUNKS; i++)
        (void)va_energy_gate_process(gate, pcm[i]);
}

/* Median microseconds a chunk, after a run that warms up. */
static double measure(void (*run)(void *object), void *object)
{
    double times[RUNS];

    run(object);
    for (int i = 0; i < RUNS; i++) {
        double start = now_us();
        run(object);
        times[i] = (now_us() - start) / CHUNKS;
    }
    qsort(times, RUNS, sizeof times[0], compare_doubles);
    return times[RUNS / 2];
}

static int print_times(const va_vad_model *model)
{
    struct va_energy_gate gate;
    va_silero *silero;
    va_error error;

    for (int i = 0; i < CHUNKS; i++)
        for (int j = 0; j < VA_VAD_CHUNK_SAMPLES; j++)
            pcm[i][j] = 0.1f * sinf((float)(i * VA_VAD_CHUNK_SAMPLES + j) * 0.07f) + 0.01f * (float)rand() / (float)RAND_MAX;
    for (int i = 0; va_kernels_at(i) != NULL; i++) {
        const struct va_kernels *set = va_kernels_select(va_kernels_at(i)->name);
        if (set == NULL)
            continue;
        if (va_silero_new(model, set, &silero, &error) < 0)
            return fail(&error);
        printf("silero, %-12s %6.1f us\n", set->name, measure(run_silero, silero));
        va_silero_free(silero);
    }
    va_energy_gate_reset(&gate);
    printf("energy gate          %6.1f us\n", measure(run_gate, &gate));
    return 0;
}

static int print_probabilities(const va_vad_model *model, const struct va_kernels *set)
{
    float probability;
    va_silero *silero;
    va_error error;
    int status = 0;

    if (va_silero_new(model, set, &silero, &error) < 0)
        return fail(&error);
    while (status == 0 && fread(pcm[0], sizeof pcm[0], 1, stdin) == 1) {
        probability = va_silero_process(silero, pcm[0]);
        status = fwrite(&probability, sizeof probability, 1, stdout) != 1;
    }
    va_silero_free(silero);
    return status;
}

static int print_gate(void)
{
    struct va_energy_gate gate;

    va_energy_gate_reset(&gate);
    while (fread(pcm[0], sizeof pcm[0], 1, stdin) == 1)
        putchar(va_energy_gate_process(&gate, pcm[0]));
    return 0;
}

static void print_event(void *heard, const struct va_speech_event *event)
{
    static const char *const kinds[] = {
        [VA_SPEECH_START] = "start", [VA_SPEECH_POSSIBLE_END] = "possible_end", [VA_SPEECH_RESUMED] = "resumed",
        [VA_SPEECH_END] = "end",     [VA_SPEECH_TOO_LONG] = "too_long",
    };
    printf("%s %llu %llu %llu\n", kinds[event->kind], (unsigned long long)event->start, (unsigned long long)event->end,
           *(unsigned long long *)heard);
}

static int print_events(const va_vad_model *model, const struct va_kernels *set, int judge_all)
{
    struct va_ear_options options = VA_EAR_DEFAULTS;
    unsigned long long heard = 0;
    va_ear *ear;
    va_error error;
    size_t n;

    options.judge_all = judge_all;
    if (va_ear_new(model, set, &options, &ear, &error) < 0)
        return fail(&error);
    while ((n = fread(pcm[0], sizeof pcm[0][0], VA_VAD_CHUNK_SAMPLES, stdin)) > 0) {
        heard += n;
        va_ear_push(ear, pcm[0], n, print_event, &heard);
    }
    va_ear_finish(ear, print_event, &heard);
    va_ear_free(ear);
    return 0;
}

int main(int argc, char **argv)
{
    const struct va_kernels *set = argc == 4 ? va_kernels_select(argv[3]) : NULL;
    const char *mode = argc == 4 ? argv[2] : "";
    va_vad_model *model;
    va_error error;
    int status = 2;

    if (argc != 2 && set == NULL) {
        fprintf(stderr, "Usage: bench_vad MODEL [probabilities|gate|events|events-judge-all SET]\n");
        return 2;
    }
    if (va_vad_model_open(argv[1], &model, &error) < 0)
        return fail(&error);
    if (argc == 2)
        status = print_times(model);
    else if (strcmp(mode, "probabilities") == 0)
        status = print_probabilities(model, set);
    else if (strcmp(mode, "gate") == 0)
        status = print_gate();
    else if (strcmp(mode, "events") == 0 || strcmp(mode, "events-judge-all") == 0)
        status = print_events(model, set, mode[6] != '\0');
    va_vad_model_free(model);
    return status;
}
