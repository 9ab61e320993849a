#include "dsp/own_voice.h"

#define SAMPLES_PER_MS 16
#define MOST_MS 10000

int va_own_voice_init(struct va_own_voice *voice, const struct va_own_voice_options *options, va_error *error)
{
    if (options->after_ms < 0 || options->after_ms > MOST_MS || options->said_before_ms < 0 || options->said_before_ms > MOST_MS)
        return va_fail(error, VA_EINVAL, "the own voice counts for %d and %d ms (0 to %d are handled)", options->after_ms,
                       options->said_before_ms, MOST_MS);
    *voice = (struct va_own_voice){.options = *options, .hearing = VA_HEAR_ALL};
    return 0;
}

static uint64_t less(uint64_t value, size_t n)
{
    return value > n ? value - n : 0;
}

enum va_hearing va_own_voice_step(struct va_own_voice *voice, size_t n, int is_speaking, const struct va_echo_status *echo)
{
    int is_own = is_speaking || (echo != NULL && echo->is_heard), is_ready = echo != NULL && echo->is_ready;

    voice->said = less(voice->said, n);
    voice->after = is_own ? (uint64_t)voice->options.after_ms * SAMPLES_PER_MS : less(voice->after, n);
    voice->reduction_db = echo != NULL && is_own ? echo->reduction_now_db : 0.0f;
    if (!is_own && voice->after == 0)
        voice->hearing = VA_HEAR_ALL;
    else if (voice->options.while_speaking == VA_WHILE_SPEAKING_NOTHING || !is_ready)
        voice->hearing = VA_DEAF;
    else
        voice->hearing = voice->options.while_speaking == VA_WHILE_SPEAKING_ALL ? VA_HEAR_ALL : VA_HEAR_WAKE_ONLY;
    return voice->hearing;
}

void va_own_voice_said(struct va_own_voice *voice)
{
    voice->said = (uint64_t)voice->options.said_before_ms * SAMPLES_PER_MS;
}

int va_own_voice_is_own(const struct va_own_voice *voice)
{
    return voice->said > 0 || voice->reduction_db >= voice->options.own_db;
}

int va_own_voice_is_heard(const struct va_own_voice *voice)
{
    return voice->after > 0;
}
