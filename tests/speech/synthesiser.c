/* Stands in for a program that speaks: reads a text and writes a WAV file with 100 samples a byte at 16 kHz, or misbehaves.
 *   synthesiser wav RATE CHANNELS BITS HEADER    HEADER: true, or zero, stream, all: the length in it is not true
 *   synthesiser hang|silent|flood|long|die|garbage|empty|deaf|child */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        putchar((int)(value >> (8 * i) & 0xff));
}

static void wav(size_t text_bytes, uint32_t rate, uint32_t channels, uint32_t bits, const char *header)
{
    uint32_t frames = (uint32_t)(text_bytes * 100 * rate / 16000), size = frames * channels * bits / 8, told = size;

    if (strcmp(header, "zero") == 0)
        told = 0;
    else if (strcmp(header, "stream") == 0)
        told = 0x7ffff000;
    else if (strcmp(header, "all") == 0)
        told = UINT32_MAX;
    fputs("RIFF", stdout);
    put(told > UINT32_MAX - 36 ? told : told + 36, 4);
    fputs("WAVEfmt ", stdout);
    put(16, 4);
    put(1, 2);
    put(channels, 2);
    put(rate, 4);
    put(rate * channels * bits / 8, 4);
    put(channels * bits / 8, 2);
    put(bits, 2);
    fputs("data", stdout);
    put(told, 4);
    for (uint32_t i = 0; i < frames * channels; i++)
        put(bits == 8 ? 192 : 0x40000000u >> (32 - bits), (int)bits / 8); /* half of the full scale */
}

static void misbehave(const char *how, size_t text_bytes)
{
    if (strcmp(how, "silent") == 0)
        close(STDOUT_FILENO);
    if (strcmp(how, "hang") == 0 || strcmp(how, "silent") == 0)
        for (;;)
            pause();
    if (strcmp(how, "flood") == 0)
        for (;;)
            if (fwrite("RIFFRIFFRIFFRIFF", 1, 16, stdout) != 16)
                exit(1);
    if (strcmp(how, "long") == 0)
        wav(16000 * 301 / 100, 16000, 1, 16, "true");
    if (strcmp(how, "die") == 0)
        abort();
    if (strcmp(how, "garbage") == 0)
        fputs("this is no sound", stdout);
    if (strcmp(how, "child") == 0) {
        wav(text_bytes, 16000, 1, 16, "stream");
        fflush(stdout);
        if (fork() == 0)
            for (;;)
                pause();
    }
    if (strcmp(how, "deaf") == 0)
        wav(10, 16000, 1, 16, "true");
}

int main(int argc, char **argv)
{
    size_t n = 0;

    if (argc < 2)
        return 2;
    if (strcmp(argv[1], "deaf") != 0)
        while (getchar() != EOF)
            n++;
    fclose(stdin);
    if (strcmp(argv[1], "wav") == 0 && argc == 6)
        wav(n, (uint32_t)atoi(argv[2]), (uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4]), argv[5]);
    else
        misbehave(argv[1], n);
    return 0;
}
