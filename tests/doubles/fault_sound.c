#include "doubles/fault_sound.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#define ROOM_HZ 16000
#define ROOM_SAMPLES (4 * ROOM_HZ)

static struct {
    pthread_mutex_t lock;
    struct {
        int64_t slot;
        float value;
    } samples[ROOM_SAMPLES];
    int64_t last; /* the slot that was said last */
} room = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A device of less than 16 kHz says several slots at once. */
void fault_echo_say(double at_s, double value)
{
    int64_t slot = (int64_t)floor(at_s * ROOM_HZ), from = slot;

    pthread_mutex_lock(&room.lock);
    if (room.last < slot && slot - room.last <= 4)
        from = room.last + 1;
    for (int64_t i = from; i <= slot; i++) {
        room.samples[i % ROOM_SAMPLES].slot = i;
        room.samples[i % ROOM_SAMPLES].value = (float)value;
    }
    room.last = slot;
    pthread_mutex_unlock(&room.lock);
}

double fault_echo_heard(double at_s)
{
    int64_t slot = (int64_t)floor(at_s * ROOM_HZ);

    pthread_mutex_lock(&room.lock);
    double value = room.samples[slot % ROOM_SAMPLES].slot == slot ? room.samples[slot % ROOM_SAMPLES].value : 0.0;
    pthread_mutex_unlock(&room.lock);
    return value;
}

void fault_echo_cut(double from_s)
{
    int64_t from = (int64_t)floor(from_s * ROOM_HZ);

    pthread_mutex_lock(&room.lock);
    for (int i = 0; i < ROOM_SAMPLES; i++)
        if (room.samples[i].slot >= from)
            room.samples[i].slot = 0;
    pthread_mutex_unlock(&room.lock);
}

double fault_cut(double value)
{
    return fmin(fmax(value, -1.0), 32767.0 / 32768.0);
}

void fault_put_sample(uint8_t *p, snd_pcm_format_t format, double value)
{
    int32_t word = (int32_t)(fault_cut(value) * 2147483648.0);
    float real = (float)value;

    if (format == SND_PCM_FORMAT_S16_LE)
        memcpy(p, (uint8_t *)&word + 2, 2);
    else if (format == SND_PCM_FORMAT_S24_LE || format == SND_PCM_FORMAT_S24_3LE)
        memcpy(p, (uint8_t *)&word + 1, 3);
    else if (format == SND_PCM_FORMAT_S32_LE)
        memcpy(p, &word, 4);
    else if (format == SND_PCM_FORMAT_FLOAT_LE)
        memcpy(p, &real, 4);
}

double fault_get_sample(const uint8_t *p, snd_pcm_format_t format)
{
    int32_t word = 0;
    float real;

    memcpy(&real, p, sizeof real);
    if (format == SND_PCM_FORMAT_FLOAT_LE)
        return real;
    if (format == SND_PCM_FORMAT_S16_LE)
        memcpy((uint8_t *)&word + 2, p, 2);
    else if (format == SND_PCM_FORMAT_S24_LE || format == SND_PCM_FORMAT_S24_3LE)
        memcpy((uint8_t *)&word + 1, p, 3);
    else if (format == SND_PCM_FORMAT_S32_LE)
        memcpy(&word, p, 4);
    return word / 2147483648.0;
}
