/* machine.c - prints two things of this machine for bench/arm64.py: cycles a second (a chain of additions, one cycle each) and the bytes a
 * second that one core reads from memory. The best of several runs each. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef uint64_t line __attribute__((vector_size(32)));

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(void)
{
    enum { ADDITIONS = 50000000, LINES = 8 << 20 };
    line *memory = aligned_alloc(64, LINES * sizeof(*memory)), sums[4] = {{0}};
    double hz = 0.0, bytes_s = 0.0;

    if (!memory)
        return 1;
    memset(memory, 1, LINES * sizeof(*memory));
    for (int run = 0; run < 9; run++) {
        uint64_t x = 0;
        double start = now_s();
        for (int i = 0; i < ADDITIONS; i++)
            __asm__ volatile("add %0, %0" : "+r"(x));
        double seconds = now_s() - start;
        hz = ADDITIONS / seconds > hz ? ADDITIONS / seconds : hz;
        start = now_s();
        for (int i = 0; i < LINES; i += 4)
            for (int j = 0; j < 4; j++)
                sums[j] += memory[i + j];
        seconds = now_s() - start;
        bytes_s = LINES * sizeof(*memory) / seconds > bytes_s ? LINES * sizeof(*memory) / seconds : bytes_s;
    }
    for (int j = 1; j < 4; j++)
        sums[0] += sums[j];
    free(memory);
    printf("%.0f %.0f %d\n", hz, bytes_s, (int)(sums[0][0] & 1));
    return 0;
}
