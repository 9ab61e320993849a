/* stream.c - the pusher's side: listens, keeps the audio, and tells the decoding thread what it hears. */
#include "stream/state.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/thread.h"
#include "kernels/kernels.h"
#include "stream/outstanding.h"

#define SLACK_S 10        /* of audio that decoding may be behind before a push waits */
#define PAD_BEFORE_MS 450 /* more than the ear has: a soft beginning ("add", "set") is found late, and some silence does no harm */

#define MAX_END_S 1e9 /* what is beyond is no moment of a stream */

/* ---- making ---- */

void va_stream_options_init(va_stream_options *options)
{
    *options = (va_stream_options){.step_ms = 300, .pause_ms = 160, .end_ms = 600, .max_ms = 28000};
}

static int check_options(const va_stream_options *options, va_error *error)
{
    if (options->threads < 0 || options->threads > 64)
        return va_fail(error, VA_EINVAL, "threads must be 0 to 64, not %d", options->threads);
    if (options->step_ms != 0 && (options->step_ms < 100 || options->step_ms > 10000))
        return va_fail(error, VA_EINVAL, "partial texts come every 100 to 10000 ms or not at all (0), not every %d", options->step_ms);
    if (options->pause_ms < 64 || options->pause_ms > 2000)
        return va_fail(error, VA_EINVAL, "a pause of 64 to 2000 ms makes the text ready, not %d", options->pause_ms);
    if (options->end_ms < options->pause_ms || options->end_ms > 10000)
        return va_fail(error, VA_EINVAL, "a pause of %d to 10000 ms ends an utterance, not %d", options->pause_ms, options->end_ms);
    if (options->max_ms < 2000 || options->max_ms > 29000)
        return va_fail(error, VA_EINVAL, "an utterance is cut at 2000 to 29000 ms, not %d", options->max_ms);
    return 0;
}

static int copy_options(va_stream *stream, const va_stream_options *options, va_error *error)
{
    stream->options = *options;
    if (options->threads == 0)
        stream->options.threads = va_pool_share(1);
    if (options->transcribe != NULL) {
        stream->transcribe = *options->transcribe;
    } else {
        va_transcribe_options_init(&stream->transcribe);
        stream->transcribe.timestamps = VA_TIMESTAMPS_NONE;
    }
    /* Both, so that none is left pointing to the caller's string. */
    int language = va_strdup_at(&stream->transcribe.language), prompt = va_strdup_at(&stream->transcribe.prompt);
    return language < 0 || prompt < 0 ? va_fail_memory(error) : 0;
}

static int make_ear(va_stream *stream, const va_model *model, const va_vad_model *vad_model, va_error *error)
{
    struct va_ear_options options = VA_EAR_DEFAULTS;

    options.endpointer.possible_end_ms = stream->options.pause_ms;
    options.endpointer.end_ms = stream->options.end_ms;
    if (options.endpointer.pad_after_ms > stream->options.end_ms)
        options.endpointer.pad_after_ms = stream->options.end_ms;
    options.endpointer.max_ms = stream->options.max_ms;
    options.endpointer.pad_before_ms = PAD_BEFORE_MS;
    stream->lookback = va_ear_lookback(&options);
    int r = va_ear_new(vad_model, va_kernels_select(va_model_kernels(model)), &options, &stream->ear, error);
    if (r < 0)
        return r;
    size_t seconds = (size_t)(stream->options.max_ms / 1000 + 1 + SLACK_S);
    return va_audio_ring_init(&stream->ring, seconds * VA_SAMPLE_RATE_HZ + stream->lookback, error);
}

/* Transcribing nothing checks the options. */
static int make_context(va_stream *stream, const va_model *model, va_error *error)
{
    va_transcript *transcript;
    int r = va_context_new(model, stream->options.threads, &stream->context, error);

    stream->model = model;
    if (r < 0)
        return r;
    stream->transcribe.progress = NULL;
    stream->transcribe.guess = NULL;
    stream->transcribe.n_guess = 0;
    r = va_transcribe(stream->context, NULL, 0, &stream->transcribe, &transcript, error);
    if (r == 0)
        va_transcript_free(transcript);
    return r;
}

int va_stream_new(const va_model *model, const va_vad_model *vad_model, const va_stream_options *options, va_stream_event_fn on_event,
                  void *user, va_stream **ret_stream, va_error *error)
{
    va_stream_options defaults;
    va_stream_options_init(&defaults);
    options = options != NULL ? options : &defaults;
    int r = check_options(options, error);
    if (r < 0)
        return r;
    va_stream *stream = va_calloc(1, sizeof *stream);
    if (stream == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->news, NULL);
    pthread_cond_init(&stream->room, NULL);
    stream->on_event = on_event;
    stream->user = user;
    stream->oldest = stream->wake_at = VA_STREAM_NOWHERE;
    stream->is_pausing = 1;
    if ((r = copy_options(stream, options, error)) < 0 || (r = make_ear(stream, model, vad_model, error)) < 0 ||
        (r = make_context(stream, model, error)) < 0)
        goto fail;
    if (va_thread_start(&stream->thread, va_stream_main, stream) < 0) {
        r = va_fail(error, VA_ENOMEM, "cannot start the thread of a stream");
        goto fail;
    }
    stream->has_thread = 1;
    *ret_stream = stream;
    return 0;

fail:
    va_stream_free(stream);
    return r;
}

/* ---- pushing ---- */

static void on_speech(void *user, const struct va_speech_event *speech)
{
    va_stream *stream = user;

    pthread_mutex_lock(&stream->lock);
    struct va_stream_mark mark = {*speech, va_clock_ms(), ++stream->told};
    mark.speech.start += stream->ear_start;
    mark.speech.end += stream->ear_start;
    mark.speech.speech_end += stream->ear_start;
    stream->marks[(stream->first_mark + stream->n_marks++) % VA_STREAM_MARKS] = mark;
    if (speech->kind == VA_SPEECH_START) {
        stream->newest = mark.speech.start;
        if (stream->oldest == VA_STREAM_NOWHERE)
            stream->oldest = mark.speech.start;
    }
    stream->is_pausing = va_ear_is_pausing(stream->ear);
    pthread_cond_signal(&stream->news);
    pthread_mutex_unlock(&stream->lock);
}

/* With the lock held: n more samples overwrite nothing that is needed, and their marks fit into the queue. */
static int has_room(const va_stream *stream, size_t n)
{
    uint64_t needed = stream->heard > stream->lookback ? stream->heard - stream->lookback : 0;

    if (stream->oldest < needed)
        needed = stream->oldest;
    return stream->heard + n - needed <= stream->ring.capacity && stream->n_marks <= VA_STREAM_MARKS / 2;
}

static int wait_for_room(va_stream *stream, size_t n, va_error *error)
{
    pthread_mutex_lock(&stream->lock);
    while (stream->status == 0 && !stream->is_stopping && !has_room(stream, n))
        pthread_cond_wait(&stream->room, &stream->lock);
    int r = stream->status < 0    ? va_fail(error, stream->status, "%s", stream->error.text)
            : stream->is_stopping ? va_fail(error, VA_ECANCELLED, "the stream was given up")
                                  : 0;
    pthread_mutex_unlock(&stream->lock);
    return r;
}

/* What the events' receiver has asked for since the last chunk. */
static void obey(va_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    int ms = stream->end_after.number != 0 && stream->end_after.number == stream->told ? stream->end_after.ms : 0;
    uint64_t position = stream->end_at;
    stream->end_after.number = stream->end_at = 0;
    pthread_mutex_unlock(&stream->lock);
    if (ms > 0)
        va_ear_end_after(stream->ear, ms);
    if (position > stream->ear_start)
        va_ear_end_at(stream->ear, position - stream->ear_start, on_speech, stream);
}

/* pcm [n], n at most a chunk. */
static void take(va_stream *stream, const float *pcm, size_t n)
{
    float clean[VA_VAD_CHUNK_SAMPLES];

    for (size_t i = 0; i < n; i++)
        clean[i] = isfinite(pcm[i]) ? pcm[i] : 0.0f;
    va_audio_ring_write(&stream->ring, stream->heard, clean, n);
    pthread_mutex_lock(&stream->lock);
    stream->heard += n;
    pthread_mutex_unlock(&stream->lock);
    obey(stream);
    va_ear_push(stream->ear, clean, n, on_speech, stream);
    pthread_mutex_lock(&stream->lock);
    stream->is_pausing = va_ear_is_pausing(stream->ear);
    if (stream->heard >= stream->wake_at)
        pthread_cond_signal(&stream->news);
    pthread_mutex_unlock(&stream->lock);
}

int va_stream_push(va_stream *stream, const float *pcm, size_t n_samples, va_error *error)
{
    if (stream->is_finished)
        return va_fail(error, VA_ESTATE, "the stream has been finished");
    while (n_samples > 0) {
        size_t n = n_samples < VA_VAD_CHUNK_SAMPLES ? n_samples : VA_VAD_CHUNK_SAMPLES;
        int r = wait_for_room(stream, n, error);
        if (r < 0)
            return r;
        take(stream, pcm, n);
        pcm += n;
        n_samples -= n;
    }
    return 0;
}

int va_stream_break(va_stream *stream, va_error *error)
{
    int r = stream->is_finished ? va_fail(error, VA_ESTATE, "the stream has been finished") : wait_for_room(stream, 0, error);

    if (r < 0)
        return r;
    va_ear_finish(stream->ear, on_speech, stream);
    stream->ear_start = stream->heard;
    pthread_mutex_lock(&stream->lock);
    stream->is_pausing = 1;
    stream->end_after.number = stream->end_at = 0;
    pthread_mutex_unlock(&stream->lock);
    return 0;
}

int va_stream_is_outstanding(va_stream *stream, uint64_t from)
{
    pthread_mutex_lock(&stream->lock);
    int yes = stream->oldest != VA_STREAM_NOWHERE && stream->newest >= from;
    pthread_mutex_unlock(&stream->lock);
    return yes;
}

/* ---- what the events' receiver asks for ---- */

void va_stream_end_after(va_stream *stream, int pause_ms)
{
    pthread_mutex_lock(&stream->lock);
    stream->end_after.number = stream->utterance.is_ready ? stream->utterance.ready.number : 0;
    stream->end_after.ms = pause_ms;
    pthread_mutex_unlock(&stream->lock);
}

void va_stream_end_at(va_stream *stream, double end_s)
{
    if (!(end_s >= 0.0 && end_s < MAX_END_S)) /* nor is what is no number */
        return;
    pthread_mutex_lock(&stream->lock);
    stream->end_at = (uint64_t)(end_s * VA_SAMPLE_RATE_HZ);
    pthread_mutex_unlock(&stream->lock);
}

/* ---- the end ---- */

static void join(va_stream *stream, int *ending)
{
    pthread_mutex_lock(&stream->lock);
    *ending = 1;
    pthread_cond_signal(&stream->news);
    pthread_mutex_unlock(&stream->lock);
    if (stream->has_thread)
        pthread_join(stream->thread, NULL);
    stream->has_thread = 0;
}

int va_stream_finish(va_stream *stream, va_error *error)
{
    if (!stream->is_finished && wait_for_room(stream, 0, NULL) == 0)
        va_ear_finish(stream->ear, on_speech, stream);
    stream->is_finished = 1;
    join(stream, &stream->has_ended);
    return wait_for_room(stream, 0, error);
}

void va_stream_cancel(va_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    stream->is_stopping = 1;
    pthread_cond_signal(&stream->news);
    pthread_cond_signal(&stream->room);
    pthread_mutex_unlock(&stream->lock);
}

void va_stream_free(va_stream *stream)
{
    if (stream == NULL)
        return;
    join(stream, &stream->is_stopping);
    va_context_free(stream->context);
    va_ear_free(stream->ear);
    va_audio_ring_clear(&stream->ring);
    va_free((char *)stream->transcribe.language);
    va_free((char *)stream->transcribe.prompt);
    pthread_cond_destroy(&stream->room);
    pthread_cond_destroy(&stream->news);
    pthread_mutex_destroy(&stream->lock);
    va_free(stream);
}
