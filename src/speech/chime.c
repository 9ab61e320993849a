#include "speech/chime.h"

#include <math.h>

#include "base/memory.h"

#define NOTES 2
#define FADE_SAMPLES 128 /* 8 ms */
#define SAMPLES_PER_MS (VA_SAMPLE_RATE_HZ / 1000)

static const struct {
    double hz;
    unsigned ms;
} chimes[][NOTES] = {
    [VA_CHIME_WAKE] = {{659.26, 80}, {880, 120}},
    [VA_CHIME_END] = {{880, 80}, {659.26, 120}},
    [VA_CHIME_ERROR] = {{261.63, 150}, {207.65, 200}},
};

/* Half a cosine from 0 to 1 over the fade, and 1 after it. */
static double fade(size_t samples_from_end)
{
    return samples_from_end >= FADE_SAMPLES ? 1 : 0.5 - 0.5 * cos(M_PI * (double)samples_from_end / FADE_SAMPLES);
}

static void make_note(int16_t *pcm, size_t n, double hz)
{
    for (size_t i = 0; i < n; i++) {
        double value = sin(2 * M_PI * hz * (double)i / VA_SAMPLE_RATE_HZ) * fade(i) * fade(n - 1 - i);
        pcm[i] = (int16_t)lrint(VA_CHIME_PEAK * value);
    }
}

int va_chime_make(enum va_chime chime, struct va_sound *ret_sound)
{
    struct va_sound sound = {0};

    for (size_t i = 0; i < NOTES; i++)
        sound.n += chimes[chime][i].ms * SAMPLES_PER_MS;
    sound.pcm = va_alloc(sound.n, sizeof *sound.pcm);
    if (sound.pcm == NULL)
        return VA_ENOMEM;
    size_t at = 0;
    for (size_t i = 0; i < NOTES; i++) {
        size_t n = chimes[chime][i].ms * SAMPLES_PER_MS;
        make_note(sound.pcm + at, n, chimes[chime][i].hz);
        at += n;
    }
    *ret_sound = sound;
    return 0;
}
