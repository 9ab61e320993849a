/* checkkern.c - every kernel set that this processor can run, and the emulated ones, against the reference.
 *
 * Needs no library, so that cross builds can run it under an emulator. checkkern [--seed N] [--set NAME] */
#include "checkkern.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PATTERN = 0xa5, GUARD_BYTES = 64, MAX_MESSAGES = 20 };

static uint64_t random_state;
static uint8_t *slot_end[CHECK_SLOTS];   /* the page that faults */
static uint8_t *slot_start[CHECK_SLOTS]; /* the elements handed out */
static char current[160];
static int n_failures;

#ifdef VA_TEST_EMULATED
extern const struct va_kernels va_emulated_avx2, va_emulated_avxvnni, va_emulated_avx512vnni;
static const struct va_kernels *const emulated[] = {&va_emulated_avx2, &va_emulated_avxvnni, &va_emulated_avx512vnni};
#endif

uint32_t random_bits(void)
{
    /* splitmix64 */
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32);
}

int random_below(int n)
{
    return (int)(random_bits() % (uint32_t)n);
}

float random_float(enum regime regime)
{
    const float unit = (float)((int)(random_bits() >> 8) - (1 << 23)) * 0x1p-23f;

    switch (regime) {
    case REGIME_TINY:
        return unit * 1e-6f;
    case REGIME_EXTREME:
        return unit < 0.0f ? -1e4f : 1e4f;
    default:
        return unit;
    }
}

int8_t random_s8(enum regime regime)
{
    switch (regime) {
    case REGIME_TINY:
        return (int8_t)(random_below(3) - 1);
    case REGIME_EXTREME:
        return random_below(8) ? 127 : -127; /* long runs of one sign make the largest sums */
    default:
        return (int8_t)(random_below(255) - 127);
    }
}

void *slot_bytes(int slot, size_t bytes)
{
    if (bytes + GUARD_BYTES > CHECK_SLOT_BYTES) {
        fprintf(stderr, "slot of %zu bytes is too large\n", bytes);
        exit(2);
    }
    slot_start[slot] = slot_end[slot] - bytes;
    memset(slot_start[slot] - GUARD_BYTES, PATTERN, bytes + GUARD_BYTES);
    return slot_start[slot];
}

float *slot_floats(int slot, size_t n)
{
    return slot_bytes(slot, n * sizeof(float));
}

float *slot_random(int slot, size_t n, enum regime regime)
{
    float *values = slot_floats(slot, n);

    for (size_t i = 0; i < n; i++)
        values[i] = random_float(regime);
    return values;
}

int8_t *slot_random_s8(int slot, size_t n, enum regime regime)
{
    int8_t *values = slot_bytes(slot, n);

    for (size_t i = 0; i < n; i++)
        values[i] = random_s8(regime);
    return values;
}

void check_begin(const char *set, const char *kernel, const char *format, ...)
{
    va_list list;
    const int used = snprintf(current, sizeof(current), "%s %s ", set, kernel);

    va_start(list, format);
    vsnprintf(current + used, sizeof(current) - (size_t)used, format, list);
    va_end(list);
}

void check(int condition, const char *format, ...)
{
    va_list list;

    if (condition || ++n_failures > MAX_MESSAGES)
        return;
    printf("FAIL %s: ", current);
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    printf("\n");
}

void check_same(const void *expected, const void *actual, size_t bytes)
{
    const uint8_t *a = expected, *b = actual;

    if (memcmp(a, b, bytes) == 0)
        return;
    for (size_t i = 0; i < bytes; i++)
        if (a[i] != b[i]) {
            check(0, "byte %zu of %zu is %02x, not %02x", i, bytes, b[i], a[i]);
            return;
        }
}

void check_near(double expected, double actual, double tolerance, int i)
{
    if (expected == actual || (isnan(expected) && isnan(actual)))
        return;
    check(fabs(actual - expected) <= tolerance, "[%d] is %.9g, not %.9g (off by %.3g, allowed %.3g)", i, actual, expected,
          fabs(actual - expected), tolerance);
}

void check_guards(void)
{
    for (int s = 0; s < CHECK_SLOTS; s++)
        for (int i = 1; slot_start[s] && i <= GUARD_BYTES; i++)
            check(slot_start[s][-i] == PATTERN, "wrote %d bytes before slot %d", i, s);
}

int size_at(int i)
{
    static const int model_sizes[] = {384, 512, 768, 1536, 2048, 3072};

    if (i < 65)
        return i + 1;
    return (size_t)(i - 65) < sizeof(model_sizes) / sizeof(model_sizes[0]) ? model_sizes[i - 65] : 0;
}

static void report_fault(int signal_number)
{
    static const char message[] = "FAIL, memory outside of the arguments: ";

    (void)signal_number;
    if (write(STDOUT_FILENO, message, sizeof(message) - 1) < 0 || write(STDOUT_FILENO, current, strlen(current)) < 0 ||
        write(STDOUT_FILENO, "\n", 1) < 0)
        _exit(3);
    _exit(1);
}

static int make_slots(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    for (int s = 0; s < CHECK_SLOTS; s++) {
        uint8_t *base = mmap(NULL, CHECK_SLOT_BYTES + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (base == MAP_FAILED || mprotect(base + CHECK_SLOT_BYTES, page, PROT_NONE) < 0)
            return -1;
        slot_end[s] = base + CHECK_SLOT_BYTES;
    }
    return 0;
}

static void check_table(void)
{
    const struct va_kernels *set;
    int n = 0;

    check_begin("table", "select", "%s", "");
    for (; (set = va_kernels_at(n)); n++) {
        const int runs = (set->required & ~va_cpu_flags()) == 0;
        check(va_kernels_select(set->name) == (runs ? set : NULL), "%s by name", set->name);
        check(!runs || va_kernels_select(NULL)->required >= set->required, "%s is better than the best", set->name);
        check(set->quantize_row && set->quantize_rest && set->gemm_s8 && set->dequantize && set->gemm_f32 && set->add && set->gelu &&
                  set->layer_norm && set->max && set->exp_sum && set->sum_exp && set->scale && set->multiply && set->scores_f32 &&
                  set->scores_f16 && set->mix_f32 && set->mix_f16 && set->to_f16,
              "%s has holes", set->name);
    }
    check(n >= 1 && !strcmp(va_kernels_at(n - 1)->name, "c"), "the reference is not the last of %d", n);
    check(!va_kernels_at(n + 1) && !va_kernels_at(-1), "sets outside of the table");
    check(!va_kernels_select("none") && !va_kernels_select(""), "unknown names");
}

static void check_set(const struct va_kernels *set, const char *kind)
{
    const int before = n_failures;

    check_integer(set);
    check_float(set);
    check_half(set);
    printf("%-4s %s%s\n", n_failures == before ? "ok" : "FAIL", set->name, kind);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *only = NULL;
    uint64_t seed = (uint64_t)time(NULL);

    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--seed"))
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (!strcmp(argv[i], "--set"))
            only = argv[i + 1];
    }
    random_state = seed;
    printf("checkkern --seed %" PRIu64 "\n", seed);
    signal(SIGSEGV, report_fault);
    if (make_slots() < 0) {
        perror("checkkern");
        return 2;
    }
    check_table();
    for (int i = 0; va_kernels_at(i); i++) {
        const struct va_kernels *set = va_kernels_at(i);
        if (only && strcmp(only, set->name) != 0)
            continue;
        if (set->required & ~va_cpu_flags())
            printf("skip %s: this processor lacks it\n", set->name);
        else
            check_set(set, "");
    }
#ifdef VA_TEST_EMULATED
    for (size_t i = 0; i < sizeof(emulated) / sizeof(emulated[0]); i++)
        if (!only || strcmp(only, emulated[i]->name) == 0)
            check_set(emulated[i], " (emulated)");
#endif
    if (n_failures)
        printf("%d failures; repeat with --seed %" PRIu64 "\n", n_failures, seed);
    return n_failures != 0;
}
