/* bench_kernels.c - how fast each kernel set is, beside what the processor allows: the int8 product beside a bare loop of its multiply
 * instructions, the product of one row beside plain reading of memory. Medians of short runs; bench_kernels [--json] [--set NAME] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/kernels.h"

enum { MAX_RUNS = 31, MIN_RUNS = 3 };
static const double RUN_S = 0.1; /* of all runs of one measurement, unless MIN_RUNS take longer */

struct options {
    int json;
    const char *set;
};

/* What one run works on; big enough for the largest shape. */
struct work {
    int m, k, n_panels;
    int8_t *x, *w;
    int32_t *w_sum, *acc;
    float *a, *b, *c;
    uint16_t *halves;
    long loops;
    volatile uint64_t sink;
};

typedef void run_fn(const struct va_kernels *set, struct work *work);

/* Of this thread: other programs take their part of the caches, but not of the time. */
static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Median seconds of a run, after one that warms up. */
static double measure(run_fn *run, const struct va_kernels *set, struct work *work)
{
    double times[MAX_RUNS], total = 0.0;
    int n = 0;

    run(set, work);
    while (n < MAX_RUNS && (n < MIN_RUNS || total < RUN_S)) {
        const double start = now_s();
        run(set, work);
        times[n] = now_s() - start;
        total += times[n++];
    }
    qsort(times, (size_t)n, sizeof(times[0]), compare_doubles);
    return times[n / 2];
}

/* ---- physical limits ---- */

#if defined(__x86_64__)
#define TWELVE(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11)
#define CLOBBERS "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "cc"
#define LOOP(op, loops) __asm__ volatile("1:\n" TWELVE(op) "dec %0\njnz 1b\nvzeroupper\n" : "+r"(loops) : : CLOBBERS)
#define MADD(i) "vpmaddubsw %%ymm15, %%ymm14, %%ymm" #i "\nvpmaddwd %%ymm15, %%ymm14, %%ymm" #i "\n"
#define DPBUSD_256(i) "%{vex%} vpdpbusd %%ymm15, %%ymm14, %%ymm" #i "\n"
#define DPBUSD_512(i) "vpdpbusd %%zmm15, %%zmm14, %%zmm" #i "\n"
#elif defined(__aarch64__)
#define TWELVE(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(16) op(17) op(18) op(19)
#define CLOBBERS "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "cc"
#define LOOP(op, loops) __asm__ volatile(".arch armv8.2-a+dotprod\n1:\n" TWELVE(op) "subs %0, %0, #1\nb.ne 1b\n" : "+r"(loops) : : CLOBBERS)
#define SMLAL(i) "smlal v" #i ".8h, v20.8b, v21.8b\n"
#define SDOT(i) "sdot v" #i ".4s, v20.16b, v21.16b\n"
#endif

/* Runs the multiply instructions of a set 12 * loops times; products per time, 0 when the set has none of its own. */
static int multiply_bare(const char *name, long loops)
{
#if defined(__x86_64__)
    if (!strcmp(name, "avx2")) {
        LOOP(MADD, loops);
        return 32;
    }
    if (!strcmp(name, "avxvnni")) {
        LOOP(DPBUSD_256, loops);
        return 32;
    }
    if (!strcmp(name, "avx512vnni")) {
        LOOP(DPBUSD_512, loops);
        return 64;
    }
#elif defined(__aarch64__)
    if (!strcmp(name, "neon")) {
        LOOP(SMLAL, loops);
        return 8;
    }
    if (!strcmp(name, "dotprod")) {
        LOOP(SDOT, loops);
        return 16;
    }
#endif
    return 0;
}

static void run_multiply(const struct va_kernels *set, struct work *work)
{
    multiply_bare(set->name, work->loops);
}

static void run_read(const struct va_kernels *set, struct work *work)
{
    const size_t n = (size_t)work->n_panels * VA_PANEL * (size_t)work->k;
    uint64_t sum[8] = {0};

    (void)set;
    for (size_t i = 0; i < n; i += sizeof(sum)) {
        uint64_t words[8];
        memcpy(words, work->w + i, sizeof(words));
        for (int j = 0; j < 8; j++)
            sum[j] += words[j];
    }
    for (int j = 0; j < 8; j++)
        work->sink += sum[j];
}

/* ---- kernels ---- */

static void run_gemm_s8(const struct va_kernels *set, struct work *work)
{
    set->gemm_s8(work->x, (size_t)work->k, work->m, work->w, work->w_sum, work->k, work->n_panels, work->acc,
                 (size_t)work->n_panels * VA_PANEL);
}

static void run_gemm_f32(const struct va_kernels *set, struct work *work)
{
    for (int p = 0; p < work->n_panels; p++)
        set->gemm_f32(work->a, (size_t)work->k, work->m, work->b + (size_t)p * VA_PANEL * (size_t)work->k, VA_PANEL, work->k,
                      work->c + p * VA_PANEL, (size_t)work->n_panels * VA_PANEL, 0);
}

/* The float kernels: work->loops rows of work->k values, fresh ones for those that work in place. */
static void run_gelu(const struct va_kernels *set, struct work *work)
{
    for (long i = 0; i < work->loops; i++) {
        memcpy(work->c, work->a, (size_t)work->k * sizeof(float));
        set->gelu(work->c, work->k);
    }
}

static void run_exp_sum(const struct va_kernels *set, struct work *work)
{
    for (long i = 0; i < work->loops; i++) {
        memcpy(work->c, work->a, (size_t)work->k * sizeof(float));
        work->sink += set->exp_sum(work->c, work->k, 0.125f, 2.0f) > 0.0f;
    }
}

static void run_layer_norm(const struct va_kernels *set, struct work *work)
{
    for (long i = 0; i < work->loops; i++)
        set->layer_norm(work->a, work->b, work->b, work->k, work->c);
}

static void run_quantize(const struct va_kernels *set, struct work *work)
{
    float step;

    for (long i = 0; i < work->loops; i++)
        set->quantize_row(work->a, work->k, work->x, &step);
}

static void run_dequantize(const struct va_kernels *set, struct work *work)
{
    for (long i = 0; i < work->loops; i++)
        set->dequantize(work->acc, 0, 1, 1, work->k, work->a, work->b, work->b, work->c, 0);
}

static void run_scores_f16(const struct va_kernels *set, struct work *work)
{
    for (long i = 0; i < work->loops; i++)
        set->scores_f16(work->a, work->halves, NULL, work->k / 64, work->c);
}

static void run_mix_f16(const struct va_kernels *set, struct work *work)
{
    for (long i = 0; i < work->loops; i++)
        set->mix_f16(work->a, work->halves, NULL, work->k / 64, work->c);
}

/* ---- report ---- */

static void report(const struct options *options, const char *set, const char *kernel, const char *shape, double value, const char *unit,
                   double limit)
{
    if (options->json)
        printf("{\"set\": \"%s\", \"kernel\": \"%s\", \"shape\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", \"limit\": %.3f}\n", set,
               kernel, shape, value, unit, limit);
    else if (limit > 0.0)
        printf("%-11s %-13s %-22s %8.2f %-7s %5.0f %% of %.2f\n", set, kernel, shape, value, unit, 100.0 * value / limit, limit);
    else
        printf("%-11s %-13s %-22s %8.2f %s\n", set, kernel, shape, value, unit);
    fflush(stdout);
}

static void bench_gemm_s8(const struct options *options, const struct va_kernels *set, struct work *work)
{
    static const int shapes[][3] = {{96, 512, 32}, {96, 512, 128}, {250, 2048, 32}, {1500, 512, 32}, {4, 512, 128}}; /* m, k, panels */
    const int products = multiply_bare(set->name, 1);
    double limit = 0.0;
    char shape[32];

    work->loops = 200000;
    if (products)
        limit = 12.0 * (double)work->loops * products / measure(run_multiply, set, work) * 1e-9;
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        work->m = shapes[s][0];
        work->k = shapes[s][1];
        work->n_panels = shapes[s][2];
        snprintf(shape, sizeof(shape), "%d x %d x %d", work->m, work->k, work->n_panels * VA_PANEL);
        const double products_all = (double)work->m * work->k * work->n_panels * VA_PANEL;
        report(options, set->name, "gemm_s8", shape, products_all / measure(run_gemm_s8, set, work) * 1e-9, "GMAC/s", limit);
    }
}

/* One row by a matrix larger than the caches: the weights must come at the speed of memory. */
static void bench_one_row(const struct options *options, const struct va_kernels *set, struct work *work, int n_panels)
{
    work->m = 1;
    work->k = 512;
    work->n_panels = n_panels;
    const double bytes = (double)work->k * work->n_panels * VA_PANEL;
    const double limit = bytes / measure(run_read, set, work) * 1e-9;
    report(options, set->name, "gemm_s8", "1 row, from memory", bytes / measure(run_gemm_s8, set, work) * 1e-9, "GB/s", limit);
}

static void bench_float(const struct options *options, const struct va_kernels *set, struct work *work)
{
    static const struct {
        const char *kernel;
        run_fn *run;
    } rows[] = {
        {"gelu", run_gelu},
        {"exp_sum", run_exp_sum},
        {"layer_norm", run_layer_norm},
        {"quantize_row", run_quantize},
        {"dequantize", run_dequantize},
        {"scores_f16", run_scores_f16},
        {"mix_f16", run_mix_f16},
    };

    work->m = 96;
    work->k = 512;
    work->n_panels = 32;
    report(options, set->name, "gemm_f32", "96 x 512 x 512", 2.0 * 96 * 512 * 512 / measure(run_gemm_f32, set, work) * 1e-9, "GFLOP/s",
           0.0);
    work->loops = 500;
    work->k = 2048;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const double values = (double)work->loops * work->k;
        report(options, set->name, rows[i].kernel, "2048", values / measure(rows[i].run, set, work) * 1e-9, "G/s", 0.0);
    }
}

/* Zeroed, in whole cache lines; NULL when there is no memory. */
static void *allocate(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);

    if (p)
        memset(p, 0, bytes);
    return p;
}

static int make_work(struct work *work, size_t w_bytes)
{
    const size_t n = 1 << 18; /* floats: 96 x 2048 and more */

    work->x = allocate(1500 * 2048);
    work->w = allocate(w_bytes);
    work->w_sum = allocate(w_bytes / 512 * sizeof(int32_t));
    work->acc = allocate((size_t)1500 * 2048 * sizeof(int32_t));
    work->a = allocate(n * sizeof(float));
    work->b = allocate(n * sizeof(float));
    work->c = allocate(n * sizeof(float));
    work->halves = allocate(n * sizeof(uint16_t));
    if (!work->x || !work->w || !work->w_sum || !work->acc || !work->a || !work->b || !work->c || !work->halves)
        return -1;
    for (size_t i = 0; i < 1500 * 2048; i++)
        work->x[i] = (int8_t)((int)(i * 2654435761u >> 20 & 127) - 64);
    for (size_t i = 0; i < w_bytes; i++)
        work->w[i] = (int8_t)((int)(i * 2246822519u >> 20 & 127) - 64);
    for (size_t i = 0; i < n; i++)
        work->a[i] = work->b[i] = (float)(i % 97) / 97.0f - 0.5f;
    return 0;
}

int main(int argc, char **argv)
{
    enum { MATRIX_PANELS = 8192 }; /* 64 MiB with k = 512 */
    struct options options = {0};
    struct work work = {0};

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json"))
            options.json = 1;
        else if (!strcmp(argv[i], "--set") && i + 1 < argc)
            options.set = argv[++i];
    }
    if (make_work(&work, (size_t)MATRIX_PANELS * VA_PANEL * 512) < 0) {
        fprintf(stderr, "bench_kernels: out of memory\n");
        return 1;
    }
    for (int i = 0; va_kernels_at(i); i++) {
        const struct va_kernels *set = va_kernels_select(va_kernels_at(i)->name);
        if (!set || (options.set && strcmp(options.set, set->name) != 0))
            continue;
        bench_gemm_s8(&options, set, &work);
        bench_one_row(&options, set, &work, MATRIX_PANELS);
        bench_float(&options, set, &work);
    }
    free(work.x);
    free(work.w);
    free(work.w_sum);
    free(work.acc);
    free(work.a);
    free(work.b);
    free(work.c);
    free(work.halves);
    return 0;
}
