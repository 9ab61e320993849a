/* decode.c - the stream's thread: from the ear's marks and the audio to events. */
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"
#include "stream/agreement.h"
#include "stream/state.h"

#define KEEP_CONTEXT_S 15

/* ---- decoding ---- */

struct span {
    const struct va_audio_ring *ring;
    uint64_t at, end;
};

static int64_t read_span(void *user, float *pcm, size_t capacity)
{
    struct span *span = user;
    size_t n = span->end - span->at < capacity ? (size_t)(span->end - span->at) : capacity;

    va_audio_ring_read(span->ring, span->at, pcm, n);
    span->at += n;
    return (int64_t)n;
}

/* start .. end of the stream to text. What the utterance's last text said is probably said again. */
static int decode(va_stream *stream, uint64_t end, const va_transcribe_options *how, va_progress_fn cancelled,
                  va_transcript **ret_transcript, va_error *error)
{
    const struct va_utterance *utterance = &stream->utterance;
    struct span span = {&stream->ring, utterance->start, end};
    va_transcribe_options options = *how;

    options.progress = cancelled;
    options.progress_user = stream;
    if (utterance->last != NULL && utterance->last->n_segments > 0) {
        options.guess = utterance->last->segments[0].tokens;
        options.n_guess = utterance->last->segments[0].n_tokens;
    }
    return va_transcribe_stream(stream->context, read_span, &span, end - utterance->start, &options, ret_transcript, error);
}

static int is_abandoned(void *user, double done_s, double total_s)
{
    va_stream *stream = user;

    pthread_mutex_lock(&stream->lock);
    int yes = stream->is_stopping;
    pthread_mutex_unlock(&stream->lock);
    return yes;
}

/* Of a text made ready. */
static int speech_goes_on(void *user, double done_s, double total_s)
{
    va_stream *stream = user;

    pthread_mutex_lock(&stream->lock);
    int yes = stream->is_stopping || (stream->n_marks > 0 && stream->marks[stream->first_mark].speech.kind == VA_SPEECH_RESUMED);
    pthread_mutex_unlock(&stream->lock);
    return yes;
}

/* Of a partial text. */
static int something_matters_more(void *user, double done_s, double total_s)
{
    va_stream *stream = user;

    pthread_mutex_lock(&stream->lock);
    int yes = stream->is_stopping || stream->n_marks > 0;
    pthread_mutex_unlock(&stream->lock);
    return yes;
}

/* ---- events ---- */

static double seconds(uint64_t samples)
{
    return (double)samples / VA_SAMPLE_RATE_HZ;
}

static void tell(va_stream *stream, int kind, const struct va_speech_event *speech, double since_ms, const va_transcript *transcript,
                 size_t n_stable)
{
    pthread_mutex_lock(&stream->lock);
    uint64_t heard = stream->heard;
    pthread_mutex_unlock(&stream->lock);
    const va_stream_event event = {
        .kind = kind,
        .utterance = stream->utterance.number,
        .start_s = seconds(speech->start),
        .end_s = seconds(speech->end),
        .speech_end_s = seconds(speech->speech_end),
        .heard_s = seconds(heard),
        .wait_ms = va_clock_ms() - since_ms,
        .text = transcript != NULL ? transcript->text : "",
        .n_stable = n_stable,
        .transcript = transcript,
    };
    stream->on_event(stream->user, &event);
}

/* The utterance's next text; returns how much of it was in the one before. */
static size_t keep(struct va_utterance *utterance, va_transcript *transcript)
{
    size_t stable = va_agreement_stable(utterance->last != NULL ? utterance->last->text : "", transcript->text);

    va_transcript_free(utterance->last);
    utterance->last = transcript;
    return stable;
}

static int begin(va_stream *stream, const struct va_stream_mark *mark, va_error *error)
{
    struct va_utterance *utterance = &stream->utterance;

    if (stream->context == NULL) {
        int r = va_context_new(stream->model, stream->options.threads, &stream->context, error);
        if (r < 0)
            return r;
    }
    *utterance = (struct va_utterance){.number = utterance->number + 1, .start = mark->speech.start, .is_open = 1};
    utterance->next_partial = mark->speech.start + (uint64_t)stream->options.step_ms * VA_SAMPLE_RATE_HZ / 1000;
    tell(stream, VA_STREAM_START, &mark->speech, mark->told_ms, NULL, 0);
    return 0;
}

/* The whole so far, on new audio, if nothing else is to be done. Half of the time at most is spent with this. */
static int tell_partial(va_stream *stream, uint64_t heard, va_error *error)
{
    struct va_utterance *utterance = &stream->utterance;
    const struct va_speech_event speech = {.start = utterance->start, .end = heard, .speech_end = heard};
    va_transcribe_options options = stream->transcribe;
    va_transcript *transcript;
    double start_ms = va_clock_ms();

    options.beam_size = 1;
    options.temperature_fallback = 0;
    options.timestamps = VA_TIMESTAMPS_NONE;
    options.steering = NULL; /* half a sentence is none of a command */
    int r = decode(stream, heard, &options, something_matters_more, &transcript, error);
    double end_ms = va_clock_ms();
    utterance->next_partial = heard + (uint64_t)stream->options.step_ms * VA_SAMPLE_RATE_HZ / 1000;
    utterance->next_partial_ms = end_ms + (end_ms - start_ms);
    if (r < 0)
        return r == VA_ECANCELLED ? 0 : r;
    tell(stream, VA_STREAM_PARTIAL, &speech, start_ms, transcript, keep(utterance, transcript));
    return 0;
}

static int make_ready(va_stream *stream, const struct va_stream_mark *mark, va_error *error)
{
    struct va_utterance *utterance = &stream->utterance;
    va_transcript *transcript;

    int r = decode(stream, mark->speech.end, &stream->transcribe, speech_goes_on, &transcript, error);
    if (r < 0)
        return r == VA_ECANCELLED ? 0 : r;
    utterance->is_ready = 1;
    utterance->ready = *mark;
    tell(stream, VA_STREAM_READY, &mark->speech, mark->told_ms, transcript, keep(utterance, transcript));
    return 0;
}

static void resume(va_stream *stream, const struct va_stream_mark *mark)
{
    if (stream->utterance.is_ready)
        tell(stream, VA_STREAM_RESUMED, &mark->speech, mark->told_ms, NULL, 0);
    stream->utterance.is_ready = 0;
}

/* Its audio is needed no longer. */
static void close_utterance(va_stream *stream)
{
    va_transcript_free(stream->utterance.last);
    stream->utterance.last = NULL;
    stream->utterance.is_open = 0;
    pthread_mutex_lock(&stream->lock);
    stream->oldest = VA_STREAM_NOWHERE;
    for (size_t i = stream->n_marks; i-- > 0;) {
        const struct va_speech_event *speech = &stream->marks[(stream->first_mark + i) % VA_STREAM_MARKS].speech;
        if (speech->kind == VA_SPEECH_START)
            stream->oldest = speech->start;
    }
    pthread_cond_signal(&stream->room);
    pthread_mutex_unlock(&stream->lock);
}

/* The text that was made ready at the pause, which has become the end; or else one of the whole. */
static int end(va_stream *stream, const struct va_stream_mark *mark, va_error *error)
{
    struct va_utterance *utterance = &stream->utterance;
    va_transcript *transcript;

    if (!utterance->is_ready || utterance->ready.speech.end > mark->speech.end) {
        int r = decode(stream, mark->speech.end, &stream->transcribe, is_abandoned, &transcript, error);
        if (r < 0)
            return r == VA_ECANCELLED ? 0 : r;
        (void)keep(utterance, transcript);
        utterance->ready = *mark;
    }
    tell(stream, VA_STREAM_FINAL, &utterance->ready.speech, mark->told_ms, utterance->last, strlen(utterance->last->text));
    close_utterance(stream);
    return 0;
}

/* ---- the thread ---- */

static int take_mark(va_stream *stream, const struct va_stream_mark *mark, va_error *error)
{
    switch (mark->speech.kind) {
    case VA_SPEECH_START:
        return begin(stream, mark, error);
    case VA_SPEECH_POSSIBLE_END:
        return make_ready(stream, mark, error);
    case VA_SPEECH_RESUMED:
        resume(stream, mark);
        return 0;
    case VA_SPEECH_END:
    case VA_SPEECH_TOO_LONG:
        return end(stream, mark, error);
    case VA_SPEECH_NONE:
        break;
    }
    return 0;
}

/* With the lock held. A partial text of speech that pauses is not begun: the text that counts will be wanted in a moment. */
static int is_partial_due(va_stream *stream)
{
    const struct va_utterance *utterance = &stream->utterance;

    stream->wake_at = VA_STREAM_NOWHERE;
    if (!utterance->is_open || utterance->is_ready || stream->options.step_ms == 0)
        return 0;
    if (stream->heard >= utterance->next_partial && !stream->is_pausing && va_clock_ms() >= utterance->next_partial_ms)
        return 1;
    stream->wake_at = stream->heard < utterance->next_partial ? utterance->next_partial : stream->heard + VA_VAD_CHUNK_SAMPLES;
    return 0;
}

/* With the lock held. The memory of a context goes back to the system when nobody has spoken for long. */
static void wait_for_news(va_stream *stream)
{
    if (stream->context == NULL || stream->utterance.is_open) {
        pthread_cond_wait(&stream->news, &stream->lock);
        return;
    }
    if (va_thread_wait_until(&stream->news, &stream->lock, va_clock_after(KEEP_CONTEXT_S)) == 0)
        return;
    va_context_free(stream->context);
    stream->context = NULL;
    va_memory_trim();
}

enum work {
    WORK_NONE, /* the end */
    WORK_MARK,
    WORK_PARTIAL
};

static enum work wait_for_work(va_stream *stream, struct va_stream_mark *ret_mark, uint64_t *ret_heard)
{
    enum work work = WORK_NONE;

    pthread_mutex_lock(&stream->lock);
    while (!stream->is_stopping && work == WORK_NONE) {
        if (stream->n_marks > 0) {
            work = WORK_MARK;
            *ret_mark = stream->marks[stream->first_mark];
            stream->first_mark = (stream->first_mark + 1) % VA_STREAM_MARKS;
            stream->n_marks--;
            pthread_cond_signal(&stream->room);
        } else if (stream->has_ended) {
            break;
        } else if (is_partial_due(stream)) {
            work = WORK_PARTIAL;
            *ret_heard = stream->heard;
        } else {
            wait_for_news(stream);
        }
    }
    pthread_mutex_unlock(&stream->lock);
    return work;
}

void *va_stream_main(void *arg)
{
    va_stream *stream = arg;
    struct va_stream_mark mark;
    va_error error;
    enum work work;
    uint64_t heard;
    int r = 0;

    while (r == 0 && (work = wait_for_work(stream, &mark, &heard)) != WORK_NONE)
        r = work == WORK_MARK ? take_mark(stream, &mark, &error) : tell_partial(stream, heard, &error);
    close_utterance(stream);
    if (r < 0) {
        pthread_mutex_lock(&stream->lock);
        stream->status = r;
        stream->error = error;
        pthread_cond_signal(&stream->room);
        pthread_mutex_unlock(&stream->lock);
    }
    return NULL;
}
