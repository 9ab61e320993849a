/* bench_echo.c - the echo canceller and the half-duplex gate outside the program, for bench/own_voice.py.
 *
 *   bench_echo TAIL_MS HEARD.f32 PLAYED.s16 PIECES OUT.f32 REFERENCE.s16
 *
 * HEARD: what the microphone captured, the first sample at 1 s of the clock. PLAYED: what was played, in pieces that PIECES lists, a line
 * each: samples, heard_ns, the time at which the player tells it (ns). OUT and REFERENCE are written: what is left, and what was played as
 * aligned with that. Prints a line for each block of 320 samples: 0 all is heard, 1 wake words only, 2 nothing; 1 when an event there would
 * be the own voice's; the delay in ms; how often the filter began anew. The last line has the CPU microseconds that the canceller took, and
 * the frames of 10 ms that it worked on. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dsp/own_voice.h"

enum { BLOCK = 320, MAX_PIECE = 16000, NS_PER_SAMPLE = 62500 };

static const uint64_t start_ns = 1000000000;

struct files {
    FILE *heard, *played, *pieces, *out, *reference;
};

struct piece {
    unsigned long long n, heard_ns, told_ns;
    int is_there;
};

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void next_piece(const struct files *files, struct piece *piece)
{
    piece->is_there = fscanf(files->pieces, "%llu %llu %llu", &piece->n, &piece->heard_ns, &piece->told_ns) == 3;
}

/* Tells the pieces that are due. Returns 0 when a file is not as it should be. */
static int tell(va_echo *echo, const struct files *files, struct piece *piece, uint64_t now_ns)
{
    static int16_t pcm[MAX_PIECE];

    for (; piece->is_there && piece->told_ns <= now_ns; next_piece(files, piece)) {
        if (piece->n > MAX_PIECE || fread(pcm, sizeof *pcm, piece->n, files->played) != piece->n)
            return 0;
        va_echo_played(echo, pcm, piece->n, piece->heard_ns);
    }
    return 1;
}

static int run(va_echo *echo, struct va_own_voice *voice, const struct files *files)
{
    float pcm[BLOCK];
    int16_t reference[BLOCK];
    struct piece piece;
    struct va_echo_status status = {0};
    double us = 0.0;

    next_piece(files, &piece);
    for (uint64_t now_ns = start_ns; fread(pcm, sizeof pcm, 1, files->heard) == 1; now_ns += BLOCK * NS_PER_SAMPLE) {
        if (!tell(echo, files, &piece, now_ns))
            return 1;
        double before = now_us();
        va_echo_process(echo, pcm, BLOCK, now_ns);
        us += now_us() - before;
        va_echo_reference(echo, reference, BLOCK);
        if (fwrite(pcm, sizeof pcm, 1, files->out) != 1 || fwrite(reference, sizeof reference, 1, files->reference) != 1)
            return 1;
        va_echo_get_status(echo, &status);
        int hearing = (int)va_own_voice_step(voice, BLOCK, 0, &status);
        printf("%d %d %d %llu\n", hearing, va_own_voice_is_own(voice), status.delay_ms, (unsigned long long)status.resets);
    }
    printf("%.0f %llu\n", us, (unsigned long long)status.frames);
    return 0;
}

int main(int argc, char **argv)
{
    struct va_echo_options options = VA_ECHO_DEFAULTS;
    struct va_own_voice_options gate = VA_OWN_VOICE_DEFAULTS;
    struct va_own_voice voice;
    va_echo *echo;
    va_error error;

    if (argc != 7) {
        fprintf(stderr, "Usage: bench_echo TAIL_MS HEARD.f32 PLAYED.s16 PIECES OUT.f32 REFERENCE.s16\n");
        return 2;
    }
    options.tail_ms = atoi(argv[1]);
    const struct files files = {.heard = fopen(argv[2], "rb"),
                                .played = fopen(argv[3], "rb"),
                                .pieces = fopen(argv[4], "r"),
                                .out = fopen(argv[5], "wb"),
                                .reference = fopen(argv[6], "wb")};
    if (files.heard == NULL || files.played == NULL || files.pieces == NULL || files.out == NULL || files.reference == NULL) {
        perror("bench_echo");
        return 1;
    }
    if (va_own_voice_init(&voice, &gate, &error) < 0 || va_echo_new(&options, &echo, &error) < 0) {
        fprintf(stderr, "bench_echo: %s\n", error.text);
        return 1;
    }
    int status = run(echo, &voice, &files);
    va_echo_free(echo);
    fclose(files.heard);
    fclose(files.played);
    fclose(files.pieces);
    status |= fclose(files.out) != 0;
    return status | (fclose(files.reference) != 0);
}
