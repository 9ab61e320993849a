/* listener.c - the pusher's side: opens by a wake word or a wish, feeds the stream, and closes in time. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "listen/state.h"
#include "stream/outstanding.h"

#define HISTORY_SAMPLES (VA_WORD_MAX_SPAN + VA_SAMPLE_RATE_HZ)
#define BLOCK_SAMPLES 512
#define STRAIN 0.2f                                    /* more sensitivity */
#define PAUSE_MS 96                                    /* after which a text is made ready: most of the time, nothing more was to come */
#define WHOLE_END_MS 10000                             /* as long as a stream allows */
#define BUTTON_BEFORE (VA_SAMPLE_RATE_HZ / 1000 * 200) /* people speak as they press */

/* ---- telling ---- */

void va_listener_tell(va_listener *listener, struct va_listen_event *event)
{
    pthread_mutex_lock(&listener->lock);
    event->heard_s = (double)listener->heard / VA_SAMPLE_RATE_HZ;
    pthread_mutex_unlock(&listener->lock);
    if (event->text == NULL)
        event->text = "";
    listener->options.on_event(listener->options.user, event);
}

static void tell(va_listener *listener, enum va_listen_event_kind kind, enum va_listen_reason reason)
{
    pthread_mutex_lock(&listener->telling);
    va_listener_tell(listener, &(struct va_listen_event){.kind = kind, .reason = reason});
    pthread_mutex_unlock(&listener->telling);
}

/* Root mean square of samples from .. to, as far as they are still there. */
static float level_dbfs(const va_listener *listener, uint64_t from, uint64_t to)
{
    double sum = 0.0;

    if (listener->heard > HISTORY_SAMPLES && from < listener->heard - HISTORY_SAMPLES)
        from = listener->heard - HISTORY_SAMPLES;
    for (uint64_t at = from; at < to; at++) {
        float sample;
        va_audio_ring_read(&listener->history, at, &sample, 1);
        sum += (double)sample * (double)sample;
    }
    return to > from && sum > 0.0 ? (float)(10.0 * log10(sum / (double)(to - from))) : -120.0f;
}

static void tell_woken(va_listener *listener)
{
    const struct va_listener_woken *woken = &listener->woken;
    struct va_listen_event event = {
        .kind = VA_LISTEN_WOKEN,
        .start_s = (double)woken->start / VA_SAMPLE_RATE_HZ,
        .end_s = (double)woken->end / VA_SAMPLE_RATE_HZ,
        .word = woken->word,
        .score = woken->score,
        .level_dbfs = level_dbfs(listener, woken->start, woken->end),
    };

    pthread_mutex_lock(&listener->telling);
    va_listener_tell(listener, &event);
    pthread_mutex_unlock(&listener->telling);
}

/* ---- opening and closing ---- */

/* With the lock held: sample `at` is what the stream gets next. */
static void begin_piece(va_listener *listener, uint64_t at)
{
    size_t n = listener->n_pieces;

    if (n == 0 || listener->pieces[(n - 1) % VA_LISTENER_PIECES].from != listener->streamed)
        n = ++listener->n_pieces;
    listener->pieces[(n - 1) % VA_LISTENER_PIECES] = (struct va_listener_piece){listener->streamed, (int64_t)(at - listener->streamed)};
    listener->has_gap = 0;
}

/* Samples from .. heard, which the history has, to the stream. */
static int feed_from(va_listener *listener, uint64_t from, va_error *error)
{
    float pcm[BLOCK_SAMPLES];
    int r = 0;

    while (r == 0 && from < listener->heard) {
        size_t n = listener->heard - from < BLOCK_SAMPLES ? (size_t)(listener->heard - from) : BLOCK_SAMPLES;
        va_audio_ring_read(&listener->history, from, pcm, n);
        r = va_stream_push(listener->stream, pcm, n, error);
        listener->streamed += n;
        from += n;
    }
    return r;
}

/* An utterance that begins at sample `from` or later is awaited. One under way is forgotten, unless it was complete: a button was let go.
 */
static int open_from(va_listener *listener, uint64_t from, double wait_s, enum va_listen_reason reason, va_error *error)
{
    if (listener->heard > HISTORY_SAMPLES && from < listener->heard - HISTORY_SAMPLES)
        from = listener->heard - HISTORY_SAMPLES;
    if (from < listener->deaf_until)
        from = listener->deaf_until;
    pthread_mutex_lock(&listener->lock);
    if (!listener->is_ending) {
        listener->in_utterance = 0;
        listener->told_from = listener->streamed;
    }
    pthread_mutex_unlock(&listener->lock);
    int r = va_stream_break(listener->stream, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(&listener->lock);
    begin_piece(listener, from);
    listener->closing_from = listener->streamed;
    listener->is_open = 1;
    listener->is_ending = 0;
    listener->deadline = listener->heard + (uint64_t)(wait_s * VA_SAMPLE_RATE_HZ) + 1;
    pthread_mutex_unlock(&listener->lock);
    tell(listener, VA_LISTEN_OPENED, reason);
    return feed_from(listener, from, error);
}

/* With drop, what is being said is not told any more; else it is as if it ended here, and the listener closes behind it. */
static int close_now(va_listener *listener, int drop, enum va_listen_reason reason, va_error *error)
{
    pthread_mutex_lock(&listener->lock);
    int was_open = listener->is_open || listener->is_ending;
    listener->is_open = 0;
    listener->is_ending = was_open;
    if (drop) {
        listener->in_utterance = 0;
        listener->told_from = listener->streamed;
    }
    uint64_t told_from = listener->closing_from = listener->told_from;
    pthread_mutex_unlock(&listener->lock);
    if (!was_open)
        return 0;
    int r = va_stream_break(listener->stream, error);
    if (!drop && va_stream_is_outstanding(listener->stream, told_from))
        return r;
    pthread_mutex_lock(&listener->lock);
    int is_over = listener->is_ending; /* else an utterance has closed it meanwhile */
    listener->is_ending = 0;
    pthread_mutex_unlock(&listener->lock);
    if (is_over)
        tell(listener, VA_LISTEN_CLOSED, reason);
    return r;
}

static int grant_wish(va_listener *listener, va_error *error)
{
    pthread_mutex_lock(&listener->lock);
    int wish = listener->wish;
    double wait_s = listener->wish_wait_s;
    listener->wish = VA_WISH_NONE;
    pthread_mutex_unlock(&listener->lock);
    if (wish == VA_WISH_NONE || listener->options.mode == VA_LISTEN_ALWAYS)
        return 0;
    if (wish != VA_WISH_OPEN)
        return close_now(listener, wish == VA_WISH_DROP, VA_LISTEN_BY_CALLER, error);
    uint64_t before = listener->heard < BUTTON_BEFORE ? listener->heard : BUTTON_BEFORE;
    return open_from(listener, listener->heard - before, wait_s > 0.0 ? wait_s : listener->options.wait_s, VA_LISTEN_BY_CALLER, error);
}

void va_listener_open(va_listener *listener, double wait_s)
{
    pthread_mutex_lock(&listener->lock);
    listener->wish = VA_WISH_OPEN;
    listener->wish_wait_s = wait_s;
    pthread_mutex_unlock(&listener->lock);
}

void va_listener_close(va_listener *listener, int drop)
{
    pthread_mutex_lock(&listener->lock);
    listener->wish = drop ? VA_WISH_DROP : VA_WISH_CLOSE;
    pthread_mutex_unlock(&listener->lock);
}

int va_listener_is_open(va_listener *listener)
{
    pthread_mutex_lock(&listener->lock);
    int is_open = listener->is_open;
    pthread_mutex_unlock(&listener->lock);
    return is_open;
}

/* ---- pushing ---- */

static void on_wake(void *user, const struct va_wake_event *event)
{
    va_listener *listener = user;

    /* Of several at once the last counts. */
    listener->woken = (struct va_listener_woken){listener->fetched[event->word], event->score, event->start, event->end};
}

/* Behind the own voice, or what is left of it, words are harder to hear; and it does not wake by itself (make bench-own-voice). */
static int strain_to_hear(va_listener *listener, int strains, va_error *error)
{
    int r = 0;

    for (size_t i = 0; r == 0 && listener->strains != strains && i < VA_LISTEN_MAX_WORDS && listener->fetched[i] != NULL; i++) {
        float sensitivity = listener->fetched[i]->sensitivity + (strains ? STRAIN : 0.0f);
        r = va_wake_set_sensitivity(listener->wake, i, sensitivity < 1.0f ? sensitivity : 1.0f, error);
    }
    listener->strains = strains;
    return r;
}

static int hear_words(va_listener *listener, const float *pcm, size_t n, enum va_hearing hear, va_error *error)
{
    struct va_listener_woken own;
    int r = 0;

    if (hear == VA_DEAF) {
        listener->deaf_until = listener->heard;
        if (listener->wake != NULL)
            va_wake_skip(listener->wake, n);
        return 0;
    }
    if (listener->wake != NULL) {
        if ((r = strain_to_hear(listener, hear == VA_HEAR_WAKE_ONLY, error)) < 0)
            return r;
        va_wake_push(listener->wake, pcm, n, on_wake, listener);
    }
    if (listener->own != NULL && (r = va_own_words_push(listener->own, pcm, n, &listener->history, listener->heard, &own, error)) > 0)
        listener->woken = own;
    return r < 0 ? r : 0;
}

/* Whether a word was found, and counts: 1, 0, or negative. */
static int was_woken(va_listener *listener, va_error *error)
{
    const struct va_listen_word *word = listener->woken.word;

    if (word == NULL || (listener->options.is_own != NULL && listener->options.is_own(listener->options.user)))
        return 0;
    if (word->model == NULL || word->own == NULL)
        return 1;
    return va_own_words_verify(listener->own, &listener->woken, &listener->history, listener->heard, error);
}

static int close_in_time(va_listener *listener, va_error *error)
{
    pthread_mutex_lock(&listener->lock);
    int is_late = listener->is_open && !listener->in_utterance && listener->deadline != 0 && listener->heard >= listener->deadline;
    uint64_t told_from = listener->told_from;
    pthread_mutex_unlock(&listener->lock);
    return is_late && !va_stream_is_outstanding(listener->stream, told_from) ? close_now(listener, 1, VA_LISTEN_NOTHING_SAID, error) : 0;
}

/* What has been heard last. */
static int push_to_stream(va_listener *listener, const float *pcm, size_t n, enum va_hearing hear, va_error *error)
{
    if (!va_listener_is_open(listener))
        return 0;
    if (hear != VA_HEAR_ALL) { /* an utterance under way ends where it is not heard any more */
        int was_gap = listener->has_gap;
        listener->has_gap = 1;
        return was_gap ? 0 : va_stream_break(listener->stream, error);
    }
    if (listener->has_gap) {
        pthread_mutex_lock(&listener->lock);
        begin_piece(listener, listener->heard - n);
        pthread_mutex_unlock(&listener->lock);
    }
    int r = va_stream_push(listener->stream, pcm, n, error);
    listener->streamed += n;
    return r;
}

/* pcm [n], n at most a block. */
static int take(va_listener *listener, const float *pcm, size_t n, enum va_hearing hear, va_error *error)
{
    int r = grant_wish(listener, error);

    if (r < 0)
        return r;
    va_audio_ring_write(&listener->history, listener->heard, pcm, n);
    pthread_mutex_lock(&listener->lock);
    listener->heard += n; /* first: events may come of it at once */
    pthread_mutex_unlock(&listener->lock);
    if ((r = push_to_stream(listener, pcm, n, hear, error)) < 0 || (r = hear_words(listener, pcm, n, hear, error)) < 0)
        return r;
    if ((r = was_woken(listener, error)) > 0) {
        tell_woken(listener);
        r = 0;
        if (listener->options.mode == VA_LISTEN_WAKE && !listener->woken.word->is_stop)
            r = open_from(listener, listener->woken.end, listener->options.wait_s, VA_LISTEN_BY_WORD, error);
    }
    listener->woken.word = NULL;
    return r < 0 ? r : close_in_time(listener, error);
}

int va_listener_push(va_listener *listener, const float *pcm, size_t n, enum va_hearing hear, va_error *error)
{
    int r = 0;

    while (r == 0 && n > 0) {
        size_t part = n < BLOCK_SAMPLES ? n : BLOCK_SAMPLES;
        r = take(listener, pcm, part, hear, error);
        pcm += part;
        n -= part;
    }
    return r;
}

int va_listener_finish(va_listener *listener, va_error *error)
{
    return va_stream_finish(listener->stream, error);
}

void va_listener_cancel(va_listener *listener)
{
    va_stream_cancel(listener->stream);
}

/* ---- life ---- */

void va_listener_options_init(struct va_listener_options *options)
{
    *options = (struct va_listener_options){.confidence = 0.5f, .step_ms = 400, .max_ms = 15000, .wait_s = 6.0};
}

static int make_stream(va_listener *listener, va_error *error)
{
    const struct va_listener_options *options = &listener->options;
    va_transcribe_options transcribe;
    va_stream_options stream;

    va_transcribe_options_init(&transcribe);
    transcribe.language = listener->language;
    transcribe.timestamps = VA_TIMESTAMPS_NONE;
    if (options->steering != NULL) {
        transcribe.steering = options->steering;
        transcribe.prompt = va_steering_prompt(options->steering);
        transcribe.temperature_fallback = 0; /* the search among the commands is the second try */
    }
    va_stream_options_init(&stream);
    stream.transcribe = &transcribe;
    stream.threads = options->threads;
    stream.step_ms = options->step_ms;
    stream.pause_ms = PAUSE_MS;
    stream.end_ms = options->is_whole ? WHOLE_END_MS : VA_LISTENER_END_MS;
    stream.max_ms = options->max_ms;
    return va_stream_new(options->model, options->vad_model, &stream, va_listener_on_stream, listener, &listener->stream, error);
}

static int make_words(va_listener *listener, va_error *error)
{
    const struct va_listener_options *options = &listener->options;
    struct va_wake_word fetched[VA_LISTEN_MAX_WORDS];
    size_t n = 0, n_own = 0;

    if (options->n_words > VA_LISTEN_MAX_WORDS)
        return va_fail(error, VA_EINVAL, "more than %d words to listen for", VA_LISTEN_MAX_WORDS);
    for (size_t i = 0; i < options->n_words; i++) {
        n_own += options->words[i].own != NULL;
        if (options->words[i].model != NULL) {
            listener->fetched[n] = &options->words[i];
            fetched[n++] = (struct va_wake_word){options->words[i].model, options->words[i].sensitivity};
        }
    }
    int r = n == 0 ? 0 : va_wake_new(fetched, n, &listener->wake, error);
    return r < 0 || n_own == 0 ? r : va_own_words_new(options, &listener->own, error);
}

int va_listener_new(const struct va_listener_options *options, va_listener **ret_listener, va_error *error)
{
    va_listener *listener = va_calloc(1, sizeof *listener);
    int r = 0;

    if (listener == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&listener->telling, NULL);
    pthread_mutex_init(&listener->lock, NULL);
    listener->options = *options;
    listener->is_open = options->mode == VA_LISTEN_ALWAYS;
    if (options->language != NULL && (listener->language = va_strdup(options->language)) == NULL)
        r = va_fail_memory(error);
    if (r == 0)
        r = va_audio_ring_init(&listener->history, HISTORY_SAMPLES, error);
    if (r == 0)
        r = make_words(listener, error);
    if (r == 0)
        r = make_stream(listener, error);
    if (r < 0) {
        va_listener_free(listener);
        return r;
    }
    *ret_listener = listener;
    return 0;
}

void va_listener_free(va_listener *listener)
{
    if (listener == NULL)
        return;
    va_stream_free(listener->stream);
    va_own_words_free(listener->own);
    va_wake_free(listener->wake);
    va_audio_ring_clear(&listener->history);
    va_free(listener->steady.text);
    va_free(listener->language);
    pthread_mutex_destroy(&listener->lock);
    pthread_mutex_destroy(&listener->telling);
    va_free(listener);
}
