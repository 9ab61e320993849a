#include "daemon/wake_samples.h"

#include <stdio.h>
#include <string.h>

#include "audio/decode.h"
#include "audio/source.h"
#include "base/memory.h"
#include "vad/ear.h"

#define MAX_SAMPLE_S 30.0
enum { LONGEST_SESSION = 90 * VA_SAMPLE_RATE_HZ, PIECE = 1600, FIRST_CAPACITY = 1 << 16 };

void va_wake_samples_free(struct va_wake_samples *samples)
{
    for (size_t i = 0; i < VA_WORD_MAX_SAMPLES; i++)
        va_free(samples->pcm[i]);
}

int va_wake_read_file(const char *path, double max_seconds, float **ret_pcm, size_t *ret_n, va_error *error)
{
    const struct va_decode_options options = {.max_seconds = max_seconds};
    va_audio_decoder *decoder;
    size_t capacity = 0, n = 0;
    float *pcm = NULL, *more;
    int64_t got = 1;
    int r = va_audio_decoder_open(path, &options, &decoder, error);

    if (r < 0)
        return r;
    while (r == 0 && got > 0) {
        if (n == capacity) {
            capacity = capacity == 0 ? FIRST_CAPACITY : 2 * capacity;
            if ((more = va_realloc(pcm, capacity, sizeof *pcm)) == NULL) {
                r = va_fail_memory(error);
                break;
            }
            pcm = more;
        }
        got = va_audio_decoder_read(decoder, pcm + n, capacity - n);
        if (got < 0)
            r = va_fail(error, (int)got, "%s", va_audio_decoder_error(decoder)->text);
        else
            n += (size_t)got;
    }
    va_audio_decoder_free(decoder);
    if (r < 0) {
        va_free(pcm);
        return r;
    }
    *ret_pcm = pcm;
    *ret_n = n;
    return 0;
}

int va_wake_samples_from_files(char **paths, size_t n, struct va_wake_samples *ret_samples, va_error *error)
{
    int r = n > VA_WORD_MAX_SAMPLES ? va_fail(error, VA_ELIMIT, "more than %d files", VA_WORD_MAX_SAMPLES) : 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct va_word_sample *sample = &ret_samples->samples[i];
        r = va_wake_read_file(paths[i], MAX_SAMPLE_S, &ret_samples->pcm[i], &sample->n, error);
        sample->pcm = ret_samples->pcm[i];
        ret_samples->n += r == 0;
    }
    return r;
}

/* ---- the microphone ---- */

struct session {
    struct va_wake_samples *samples;
    const float *pcm; /* all that was heard */
    size_t wanted;
};

static void take_utterance(void *user, const struct va_speech_event *event)
{
    struct session *session = user;
    struct va_wake_samples *samples = session->samples;

    if ((event->kind != VA_SPEECH_END && event->kind != VA_SPEECH_TOO_LONG) || samples->n == session->wanted)
        return;
    samples->samples[samples->n++] = (struct va_word_sample){session->pcm + event->start, (size_t)(event->end - event->start)};
    fprintf(stderr, "  %zu of %zu\n", samples->n, session->wanted);
}

static int listen(struct session *session, va_audio_source *source, va_ear *ear, float *pcm, va_error *error)
{
    size_t heard = 0;

    fprintf(stderr, "Say the word %zu times, with a pause of a second in between.\n", session->wanted);
    while (session->samples->n < session->wanted && heard + PIECE <= LONGEST_SESSION) {
        int64_t n = va_audio_source_read(source, pcm + heard, PIECE);
        if (n == VA_ETIMEOUT)
            continue;
        if (n < 0)
            return va_fail(error, (int)n, "the microphone failed: %s", va_status_text((int)n));
        if (n == 0)
            break;
        va_ear_push(ear, pcm + heard, (size_t)n, take_utterance, session);
        heard += (size_t)n;
    }
    va_ear_finish(ear, take_utterance, session);
    return 0;
}

int va_wake_samples_from_source(const char *source, const va_vad_model *vad, const struct va_kernels *kernels, size_t n,
                                struct va_wake_samples *ret_samples, va_error *error)
{
    const struct va_ear_options options = VA_EAR_DEFAULTS;
    struct session session = {.samples = ret_samples, .wanted = n};
    va_audio_source *opened = NULL;
    va_ear *ear = NULL;
    float *pcm = va_alloc(LONGEST_SESSION, sizeof *pcm);

    if (pcm == NULL)
        return va_fail_memory(error);
    ret_samples->pcm[0] = pcm; /* all samples lie in it */
    session.pcm = pcm;
    int r = va_ear_new(vad, kernels, &options, &ear, error);
    if (r == 0)
        r = va_audio_source_open(source, &opened, error);
    if (r == 0)
        r = listen(&session, opened, ear, pcm, error);
    va_audio_source_free(opened);
    va_ear_free(ear);
    return r;
}
