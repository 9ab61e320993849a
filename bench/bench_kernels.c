/* bench_kernels.c - how fast each kernel set is, beside what the processor allows: products beside a bare loop of the set's multiply
 * instructions, few rows beside plain reading of memory, which is measured in turn with them as other programs take their part of it.
 * Medians of short runs, as a table for BENCHMARKS.md; bench_kernels [--json] [--set NAME] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/kernels.h"

enum { MAX_RUNS = 31, MIN_RUNS = 5 };
static const double RUN_S = 0.1; /* of all runs of one measurement, unless MIN_RUNS take longer */

struct options {
    int json;
    const char *set;
};

/* What one run works on; big enough for the largest shape. */
struct work {
    int m, k, n_panels;
    size_t lda, ldb, panel_stride, ldc; /* of gemm_f32 */
    int8_t *x, *w;
    int32_t *w_sum, *acc;
    float *a, *b, *c;
    uint16_t *halves;
    long loops;
    volatile uint64_t sink;
};

typedef void run_fn(const struct va_kernels *set, struct work *work);

/* Of this thread: other programs take their part of the caches, but not of the time. */
static double thread_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double wall_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What the second thread does. */
struct half {
    run_fn *run;
    const struct va_kernels *set;
    struct work *work;
};

static void *run_half(void *arg)
{
    struct half *half = arg;

    half->run(half->set, half->work);
    return NULL;
}

/* Seconds of one run; by two threads, each with one half of the panels. */
static double time_run(run_fn *run, const struct va_kernels *set, struct work *work, int threads)
{
    if (threads == 1) {
        const double start = thread_s();
        run(set, work);
        return thread_s() - start;
    }
    struct work first = *work, second = *work;
    first.n_panels /= 2;
    second.n_panels -= first.n_panels;
    second.w += (size_t)first.n_panels * VA_PANEL * (size_t)work->k;
    second.acc += (size_t)first.n_panels * VA_PANEL * (size_t)work->m;
    struct half half = {.run = run, .set = set, .work = &second};
    pthread_t thread;
    const double start = wall_s();
    if (pthread_create(&thread, NULL, run_half, &half) != 0) {
        fprintf(stderr, "bench_kernels: no second thread\n");
        exit(1);
    }
    run(set, &first);
    pthread_join(thread, NULL);
    return wall_s() - start;
}

/* Median seconds of runs of each of n functions in turn, after one that warms up. */
static void measure(run_fn *const *runs, int n, const struct va_kernels *set, struct work *work, int threads, double *ret_s)
{
    double times[2][MAX_RUNS], total = 0.0;
    int count = 0;

    for (int f = 0; f < n; f++)
        runs[f](set, work);
    while (count < MAX_RUNS && (count < MIN_RUNS || total < RUN_S * n)) {
        for (int f = 0; f < n; f++)
            total += times[f][count] = time_run(runs[f], set, work, threads);
        count++;
    }
    for (int f = 0; f < n; f++) {
        qsort(times[f], (size_t)count, sizeof(times[f][0]), compare_doubles);
        ret_s[f] = times[f][count / 2];
    }
}

static double measure_one(run_fn *run, const struct va_kernels *set, struct work *work)
{
    double seconds;

    measure(&run, 1, set, work, 1, &seconds);
    return seconds;
}

/* ---- physical limits ---- */

#if defined(__x86_64__)
#define TWELVE(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11)
#define CLOBBERS "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "cc"
#define LOOP(op, loops) __asm__ volatile("1:\n" TWELVE(op) "dec %0\njnz 1b\nvzeroupper\n" : "+r"(loops) : : CLOBBERS)
#define MADD(i) "vpmaddubsw %%ymm15, %%ymm14, %%ymm" #i "\nvpmaddwd %%ymm15, %%ymm14, %%ymm" #i "\n"
#define DPBUSD_256(i) "%{vex%} vpdpbusd %%ymm15, %%ymm14, %%ymm" #i "\n"
#define DPBUSD_512(i) "vpdpbusd %%zmm15, %%zmm14, %%zmm" #i "\n"
#define FMA(i) "vfmadd231ps %%ymm15, %%ymm14, %%ymm" #i "\n"
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#elif defined(__aarch64__)
#define TWELVE(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(16) op(17) op(18) op(19)
#define CLOBBERS "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "cc"
#define LOOP(op, loops) __asm__ volatile(".arch armv8.2-a+dotprod\n1:\n" TWELVE(op) "subs %0, %0, #1\nb.ne 1b\n" : "+r"(loops) : : CLOBBERS)
#define SMLAL(i) "smlal v" #i ".8h, v20.8b, v21.8b\n"
#define SDOT(i) "sdot v" #i ".4s, v20.16b, v21.16b\n"
#define FMA(i) "fmla v" #i ".4s, v20.4s, v21.4s\n"
#define CLONES
#endif

/* Runs the int8 multiply instructions of a set 12 * loops times; products per time, 0 when the set has none of its own. */
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

/* The same for the float multiply-add of all vector sets. */
static int fma_bare(const char *name, long loops)
{
    if (!strcmp(name, "c"))
        return 0;
#if defined(__x86_64__)
    LOOP(FMA, loops);
    return 8;
#elif defined(__aarch64__)
    LOOP(FMA, loops);
    return 4;
#else
    return 0;
#endif
}

static void run_fma(const struct va_kernels *set, struct work *work)
{
    fma_bare(set->name, work->loops);
}

typedef uint64_t line __attribute__((vector_size(64)));

CLONES static uint64_t read_bytes(const int8_t *from, size_t n)
{
    line sum[4] = {{0}};

    for (size_t i = 0; i < n; i += sizeof(sum))
        for (size_t j = 0; j < 4; j++)
            sum[j] += ((const line *)(const void *)(from + i))[j];
    return sum[0][0] + sum[1][1] + sum[2][2] + sum[3][3];
}

static void run_read(const struct va_kernels *set, struct work *work)
{
    (void)set;
    work->sink += read_bytes(work->w, (size_t)work->n_panels * VA_PANEL * (size_t)work->k);
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
        set->gemm_f32(work->a, work->lda, work->m, work->b + (size_t)p * work->panel_stride, work->ldb, work->k, work->c + p * VA_PANEL,
                      work->ldc, 0);
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

static void run_sum_exp(const struct va_kernels *set, struct work *work)
{
    for (long i = 0; i < work->loops; i++)
        work->sink += set->sum_exp(work->a, work->k, 2.0f) > 0.0f;
}

static void run_max(const struct va_kernels *set, struct work *work)
{
    for (long i = 0; i < work->loops; i++)
        work->sink += set->max(work->a, work->k) > 0.0f;
}

static void run_layer_norm(const struct va_kernels *set, struct work *work)
{
    for (long i = 0; i < work->loops; i++)
        set->layer_norm(work->a, work->b, work->b, work->k, work->c);
}

static void run_quantize_row(const struct va_kernels *set, struct work *work)
{
    float step;

    for (long i = 0; i < work->loops; i++)
        set->quantize_row(work->a, work->k, work->x, &step);
}

static void run_quantize_rest(const struct va_kernels *set, struct work *work)
{
    float step;

    for (long i = 0; i < work->loops; i++)
        set->quantize_rest(work->a, work->k, work->x, 0.01f, work->x + work->k, &step);
}

/* Both terms of a row: work->k / 2 results */
static void run_dequantize(const struct va_kernels *set, struct work *work)
{
    const size_t n = (size_t)work->k / 2;

    for (long i = 0; i < work->loops; i++)
        set->dequantize(work->acc, n, 2, 1, (int)n, work->a, work->b, work->b, work->c, n);
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

static void run_to_f16(const struct va_kernels *set, struct work *work)
{
    for (long i = 0; i < work->loops; i++)
        set->to_f16(work->a, work->k, work->halves);
}

/* ---- report ---- */

static void report(const struct options *options, const char *set, const char *kernel, const char *shape, double value, const char *unit,
                   double limit)
{
    if (options->json)
        printf("{\"set\": \"%s\", \"kernel\": \"%s\", \"shape\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", \"limit\": %.3f}\n", set,
               kernel, shape, value, unit, limit);
    else if (limit > 0.0)
        printf("| %-10s | %-13s | %-26s | %7.1f %-8s | %7.1f | %5.0f |\n", set, kernel, shape, value, unit, limit, 100.0 * value / limit);
    else
        printf("| %-10s | %-13s | %-26s | %7.1f %-8s | %7s | %5s |\n", set, kernel, shape, value, unit, "", "");
    fflush(stdout);
}

/* The shapes of Whisper base's encoder for a short command (1 to 4 s of sound at 50 rows a second), and for 30 s. */
static void bench_gemm_s8(const struct options *options, const struct va_kernels *set, struct work *work)
{
    static const int shapes[][3] = {{24, 512, 128}, {50, 512, 96},  {96, 512, 32},  {96, 512, 128},
                                    {96, 2048, 32}, {200, 512, 32}, {1500, 512, 32}}; /* m, k, panels */
    const int products = multiply_bare(set->name, 1);
    double limit = 0.0;
    char shape[32];

    work->loops = 200000;
    if (products)
        limit = 12.0 * (double)work->loops * products / measure_one(run_multiply, set, work) * 1e-9;
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        work->m = shapes[s][0];
        work->k = shapes[s][1];
        work->n_panels = shapes[s][2];
        snprintf(shape, sizeof(shape), "%d x %d x %d", work->m, work->k, work->n_panels * VA_PANEL);
        const double products_all = (double)work->m * work->k * work->n_panels * VA_PANEL;
        report(options, set->name, "gemm_s8", shape, products_all / measure_one(run_gemm_s8, set, work) * 1e-9, "GMAC/s", limit);
    }
}

/* A few rows by a matrix larger than the caches: the weights must come at the speed of memory. */
static void bench_few_rows(const struct options *options, const struct va_kernels *set, struct work *work, int n_panels)
{
    static const int shapes[][2] = {{1, 1}, {2, 1}, {4, 1}, {6, 1}, {10, 1}, {1, 2}, {2, 2}}; /* rows, threads */
    static run_fn *const runs[] = {run_read, run_gemm_s8};
    char shape[32];

    work->k = 512;
    work->n_panels = n_panels;
    const double bytes = (double)work->k * work->n_panels * VA_PANEL;
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        double seconds[2];
        work->m = shapes[s][0];
        measure(runs, 2, set, work, shapes[s][1], seconds);
        snprintf(shape, sizeof(shape), "%d row%s%s", work->m, work->m > 1 ? "s" : "", shapes[s][1] == 2 ? ", two threads" : "");
        report(options, set->name, "gemm_s8", shape, bytes / seconds[1] * 1e-9, "GB/s", bytes / seconds[0] * 1e-9);
    }
}

static void bench_gemm_f32(const struct options *options, const struct va_kernels *set, struct work *work)
{
    static const struct {
        const char *shape;
        int m, k, n_panels;
        size_t lda, ldb, panel_stride, ldc;
    } shapes[] = {
        {"conv1 192 x 240 x 512", 192, 240, 32, 80, 16, 240 * 16, 512},
        {"conv2 96 x 1536 x 512", 96, 1536, 32, 1024, 16, 1536 * 16, 512},
        {"scores 24 x 64 x 256", 24, 64, 16, 512, 16, 64 * 16, 256},
        {"mix 24 x 256 x 64", 24, 256, 4, 256, 64, 16, 64},
    };
    const int products = fma_bare(set->name, 1);
    double limit = 0.0;

    work->loops = 200000;
    if (products)
        limit = 24.0 * (double)work->loops * products / measure_one(run_fma, set, work) * 1e-9;
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        work->m = shapes[s].m;
        work->k = shapes[s].k;
        work->n_panels = shapes[s].n_panels;
        work->lda = shapes[s].lda;
        work->ldb = shapes[s].ldb;
        work->panel_stride = shapes[s].panel_stride;
        work->ldc = shapes[s].ldc;
        const double operations = 2.0 * work->m * work->k * work->n_panels * VA_PANEL;
        report(options, set->name, "gemm_f32", shapes[s].shape, operations / measure_one(run_gemm_f32, set, work) * 1e-9, "GFLOP/s", limit);
    }
}

static void bench_float(const struct options *options, const struct va_kernels *set, struct work *work)
{
    static const struct {
        const char *kernel, *shape;
        run_fn *run;
        int n;
    } rows[] = {
        {"gelu", "2048", run_gelu, 2048},
        {"exp_sum", "256", run_exp_sum, 256},
        {"sum_exp", "51865", run_sum_exp, 51865},
        {"max", "51865", run_max, 51865},
        {"layer_norm", "512", run_layer_norm, 512},
        {"quantize_row", "512", run_quantize_row, 512},
        {"quantize_rest", "512", run_quantize_rest, 512},
        {"dequantize", "2 terms of 512", run_dequantize, 1024},
        {"scores_f16", "150 rows of 64", run_scores_f16, 150 * 64},
        {"mix_f16", "150 rows of 64", run_mix_f16, 150 * 64},
        {"scores_f16", "1500 rows of 64", run_scores_f16, 1500 * 64},
        {"mix_f16", "1500 rows of 64", run_mix_f16, 1500 * 64},
        {"to_f16", "6144", run_to_f16, 6144},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        work->k = rows[i].n;
        work->loops = 1000000 / rows[i].n;
        const double values = (double)work->loops * work->k;
        report(options, set->name, rows[i].kernel, rows[i].shape, values / measure_one(rows[i].run, set, work) * 1e-9, "G/s", 0.0);
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
    const size_t n = 1 << 20; /* floats: conv2's weights and more */

    work->x = allocate(1500 * 2048);
    work->w = allocate(w_bytes);
    work->w_sum = allocate(w_bytes / 512 * sizeof(int32_t));
    work->acc = allocate((size_t)1500 * 2048 * sizeof(int32_t)); /* and 10 x 131072 */
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
    if (!options.json)
        printf("| %-10s | %-13s | %-26s | %-16s | %7s | %5s |\n| --- | --- | --- | --- | --- | --- |\n", "set", "kernel", "shape", "rate",
               "limit", "%");
    for (int i = 0; va_kernels_at(i); i++) {
        const struct va_kernels *set = va_kernels_select(va_kernels_at(i)->name);
        if (!set || (options.set && strcmp(options.set, set->name) != 0))
            continue;
        bench_gemm_s8(&options, set, &work);
        bench_few_rows(&options, set, &work, MATRIX_PANELS);
        bench_gemm_f32(&options, set, &work);
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
