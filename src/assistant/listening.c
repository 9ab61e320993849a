/* listening.c - the microphone all day: capture -> echo canceller -> listener -> commands.
 *
 * A thread of its own reads the capture and pushes to the listener; what is heard is told by the stream's thread (heard.c). */
#include "assistant/listening.h"

#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#define BLOCK_SAMPLES VA_ECHO_FRAME_SAMPLES
#define READ_TIMEOUT_MS 100
#define LOST_READS 5                         /* so many without a sample: the microphone is gone */
#define LOST_SAMPLES (VA_SAMPLE_RATE_HZ / 2) /* so many are missing: what comes has nothing to do with what came before */
#define RENEW_MS 2000
#define SAMPLE_NS (1000000000u / VA_SAMPLE_RATE_HZ)

/* ---- the thread ---- */

/* Takes the own voice out of a block; returns what may be heard of it. */
static enum va_hearing clean(struct va_listening *listening, float *pcm, size_t n, uint64_t captured_ns)
{
    va_assistant *assistant = listening->assistant;
    struct va_echo_status status;

    if (assistant->echo != NULL && n == BLOCK_SAMPLES)
        va_echo_process(assistant->echo, pcm, n, captured_ns);
    if (assistant->echo != NULL)
        va_echo_get_status(assistant->echo, &status);
    /* On a slow machine what was captured during a reply may come after its end. */
    int is_speaking = atomic_load(&assistant->sounding) || captured_ns < atomic_load(&assistant->sounded_ns);
    enum va_hearing hearing = va_own_voice_step(&listening->voice, n, is_speaking, assistant->echo != NULL ? &status : NULL);
    if (va_own_voice_is_heard(&listening->voice))
        atomic_store(&listening->own, atomic_load(&listening->pushed) + n);
    return atomic_load(&assistant->recording) ? VA_DEAF : hearing; /* a recording is for itself */
}

static int is_own(void *user)
{
    const struct va_listening *listening = user;

    return va_own_voice_is_own(&listening->voice);
}

/* Whole frames, for the canceller. Returns what va_capture_read does: VA_ETIMEOUT when the microphone is gone. */
static int64_t read_block(struct va_listening *listening, float *pcm, struct va_capture_stamp *stamp)
{
    size_t n = 0;

    for (int waits = 0; n < BLOCK_SAMPLES && waits < LOST_READS && !atomic_load(&listening->must_stop);) {
        struct va_capture_stamp more;
        int64_t got = va_capture_read(listening->reader, pcm + n, BLOCK_SAMPLES - n, READ_TIMEOUT_MS, &more);
        if (got <= 0 && got != VA_ETIMEOUT)
            return n > 0 ? (int64_t)n : got;
        if (got == VA_ETIMEOUT) {
            waits++;
            continue;
        }
        if (n == 0)
            *stamp = more;
        else
            stamp->lost += more.lost;
        n += (size_t)got;
    }
    return n > 0 ? (int64_t)n : VA_ETIMEOUT;
}

static int prepare_voice(struct va_listening *listening, va_error *error)
{
    const char *option = listening->settings->config->listen_while_speaking;
    struct va_own_voice_options options = VA_OWN_VOICE_DEFAULTS;

    options.while_speaking = strcmp(option, "nothing") == 0 ? VA_WHILE_SPEAKING_NOTHING
                             : strcmp(option, "all") == 0   ? VA_WHILE_SPEAKING_ALL
                                                            : VA_WHILE_SPEAKING_STOP_WORD;
    return va_own_voice_init(&listening->voice, &options, error);
}

static int make_listener(struct va_listening *listening, va_listener **ret_listener, va_error *error)
{
    const va_assistant *assistant = listening->assistant;
    const va_config *config = listening->settings->config;
    struct va_listener_options options;

    va_listener_options_init(&options);
    options.mode = listening->is_always ? VA_LISTEN_ALWAYS : VA_LISTEN_WAKE;
    options.model = assistant->model;
    options.vad_model = assistant->vad_model;
    options.steering = config->commands_steering ? listening->settings->steering : NULL;
    options.confidence = (float)config->commands_confidence;
    options.language = config->model_language;
    options.threads = (int)config->model_threads;
    options.step_ms = (int)config->listen_partial;
    options.wait_s = config->listen_wait;
    options.words = assistant->words;
    options.n_words = strcmp(config->listen_mode, "button") == 0 ? 0 : assistant->n_words;
    options.is_own = is_own;
    options.on_event = va_listening_on_event;
    options.user = listening;
    return va_listener_new(&options, ret_listener, error);
}

/* Returns the one before. */
static va_listener *exchange(struct va_listening *listening, va_listener *listener)
{
    pthread_mutex_lock(&listening->assistant->listening_lock);
    va_listener *before = listening->listener;
    listening->listener = listener;
    pthread_mutex_unlock(&listening->assistant->listening_lock);
    return before;
}

/* Decoding failed, most likely for want of memory: after a while another listener goes on. There is none meanwhile: whoever has a wish is
 * told so, and does not wait. */
static int renew(struct va_listening *listening, va_error *error)
{
    va_log(VA_LOG_ERROR, "assistant", "listening has failed, and is tried again: %s", error->text);
    va_phase_change(listening->assistant, VA_FACT_AWAKE, 0); /* what was being said is lost */
    for (int waited_ms = 0; waited_ms < RENEW_MS && !atomic_load(&listening->must_stop); waited_ms += READ_TIMEOUT_MS)
        poll(NULL, 0, READ_TIMEOUT_MS);
    va_listener_free(exchange(listening, NULL));
    va_listener *listener;
    int r = make_listener(listening, &listener, error);
    if (r == 0)
        exchange(listening, listener);
    return r;
}

static void grant_wish(struct va_listening *listening)
{
    pthread_mutex_lock(&listening->assistant->listening_lock);
    if (listening->wishes[0].pressed)
        va_listener_open(listening->listener, 0.0);
    else
        va_listener_close(listening->listener, 0);
    listening->n_wishes--;
    memmove(listening->wishes, listening->wishes + 1, listening->n_wishes * sizeof listening->wishes[0]);
    pthread_mutex_unlock(&listening->assistant->listening_lock);
}

/* pcm [n], captured from ns on. A wish holds from its sample on; at most one a block, for each needs a push to be granted. */
static int push(struct va_listening *listening, const float *pcm, size_t n, uint64_t ns, enum va_hearing hearing, va_error *error)
{
    size_t before = 0;
    int r = 0;

    pthread_mutex_lock(&listening->assistant->listening_lock);
    int is_reached = listening->n_wishes > 0 && listening->wishes[0].ns < ns + n * SAMPLE_NS;
    if (is_reached && listening->wishes[0].ns > ns)
        before = (size_t)((listening->wishes[0].ns - ns) / SAMPLE_NS);
    pthread_mutex_unlock(&listening->assistant->listening_lock);
    if (before > 0)
        r = va_listener_push(listening->listener, pcm, before, hearing, error);
    if (r == 0 && is_reached)
        grant_wish(listening);
    return r < 0 ? r : va_listener_push(listening->listener, pcm + before, n - before, hearing, error);
}

/* What was being said ends where the microphone was lost. */
static int interrupt(struct va_listening *listening, uint64_t ns, va_error *error)
{
    static const float silence[BLOCK_SAMPLES];

    return push(listening, silence, BLOCK_SAMPLES, ns, VA_DEAF, error);
}

static void *listen(void *arg)
{
    struct va_listening *listening = arg;
    va_assistant *assistant = listening->assistant;
    float pcm[BLOCK_SAMPLES];
    struct va_capture_stamp stamp = {0};
    va_error error = {0};
    int r = 0, was_gone = 0;

    while (!atomic_load(&listening->must_stop)) {
        if (r < 0 && (r = renew(listening, &error)) < 0)
            continue;
        int64_t n = read_block(listening, pcm, &stamp);
        if ((n <= 0 && n != VA_ETIMEOUT) || atomic_load(&listening->must_stop))
            break;
        int is_gone = n == VA_ETIMEOUT;
        if (!was_gone && (is_gone || stamp.lost >= LOST_SAMPLES))
            r = interrupt(listening, is_gone ? va_clock_ns() : stamp.ns, &error);
        was_gone = is_gone;
        if (is_gone || r < 0)
            continue;
        enum va_hearing hearing = clean(listening, pcm, (size_t)n, stamp.ns);
        atomic_store(&listening->pushed_ns, stamp.ns + (uint64_t)n * SAMPLE_NS);
        atomic_fetch_add(&listening->pushed, (uint64_t)n);
        r = push(listening, pcm, (size_t)n, stamp.ns, hearing, &error);
    }
    if (!atomic_load(&listening->must_stop) && va_listener_finish(listening->listener, &error) < 0) /* a file has ended */
        va_log(VA_LOG_ERROR, "assistant", "what was said last is lost: %s", error.text);
    va_phase_change(assistant, VA_FACT_LISTENS, 0);
    return NULL;
}

/* ---- life ---- */

static void free_listening(struct va_listening *listening)
{
    if (listening == NULL)
        return;
    atomic_store(&listening->must_stop, 1);
    if (listening->has_thread)
        pthread_join(listening->thread, NULL);
    va_listener_free(listening->listener);
    if (listening->reader != NULL) {
        va_capture_reader_free(listening->reader);
        va_microphone_release(listening->assistant);
    }
    va_settings_release(listening->settings);
    va_free(listening);
}

int va_listening_start(va_assistant *assistant, va_error *error)
{
    struct va_settings *settings = va_settings_hold(assistant);
    uint64_t privacy_changes = atomic_load(&assistant->privacy_changes);
    va_capture *capture;
    va_error reason;
    int r = 0;

    int is_off = strcmp(settings->config->listen_mode, "off") == 0 || va_assistant_is_private(assistant);
    int may_keep = is_off || va_assistant_check_storage(assistant, &reason) == 0;
    if (is_off || !may_keep || assistant->vad_model == NULL) {
        if (!may_keep)
            va_log(VA_LOG_ERROR, "assistant", "the microphone is not listened to: %s", reason.text);
        else if (!is_off) /* it was when the program started, and the model was not there */
            va_log(VA_LOG_WARNING, "assistant", "the microphone is not listened to: listen.vad is wanted at the start");
        va_settings_release(settings);
        return 0;
    }
    struct va_listening *listening = va_calloc(1, sizeof *listening);
    if (listening == NULL) {
        va_settings_release(settings);
        return va_fail_memory(error);
    }
    listening->assistant = assistant;
    listening->settings = settings;
    listening->privacy_changes = privacy_changes;
    listening->is_always = strcmp(settings->config->listen_mode, "always") == 0;
    if ((r = prepare_voice(listening, error)) < 0 || (r = make_listener(listening, &listening->listener, error)) < 0 ||
        (r = va_microphone_hold(assistant, 0, &capture, error)) < 0)
        goto fail;
    if ((r = va_capture_reader_new(capture, &listening->reader, error)) < 0) {
        va_microphone_release(assistant);
        goto fail;
    }
    va_phase_change(assistant, VA_FACT_LISTENS, 1);
    if (va_thread_start(&listening->thread, listen, listening) < 0) {
        r = va_fail(error, VA_ENOMEM, "cannot start the thread that listens");
        va_phase_change(assistant, VA_FACT_LISTENS, 0);
        goto fail;
    }
    listening->has_thread = 1;
    pthread_mutex_lock(&assistant->listening_lock);
    assistant->listening = listening;
    pthread_mutex_unlock(&assistant->listening_lock);
    return 0;

fail:
    free_listening(listening);
    return r;
}

void va_listening_stop(va_assistant *assistant)
{
    pthread_mutex_lock(&assistant->listening_lock);
    struct va_listening *listening = assistant->listening;
    assistant->listening = NULL;
    pthread_mutex_unlock(&assistant->listening_lock);
    free_listening(listening);
}

/* ---- wishes ---- */

void va_listening_await(va_assistant *assistant, double wait_s)
{
    pthread_mutex_lock(&assistant->listening_lock);
    if (assistant->listening != NULL && assistant->listening->listener != NULL)
        va_listener_open(assistant->listening->listener, wait_s);
    pthread_mutex_unlock(&assistant->listening_lock);
}

/* With the lock held. Listening may be behind the sound: what was said before the button was let go is still to be heard. Of too many at
 * once the last counts. */
static void wish(struct va_listening *listening, int pressed)
{
    if (pressed && listening->n_wishes == 0) {
        va_listener_open(listening->listener, 0.0);
        return;
    }
    listening->n_wishes += listening->n_wishes < VA_LISTENING_WISHES;
    listening->wishes[listening->n_wishes - 1] = (struct va_listening_wish){pressed, va_clock_ns()};
}

int va_assistant_talk(va_assistant *assistant, int pressed, va_error *error)
{
    int r = 0;

    pthread_mutex_lock(&assistant->listening_lock);
    if (assistant->listening == NULL || assistant->listening->listener == NULL)
        r = va_fail(error, VA_ESTATE, "the microphone is not listened to (listen.mode)");
    else
        wish(assistant->listening, pressed);
    pthread_mutex_unlock(&assistant->listening_lock);
    if (r == 0 && pressed)
        va_assistant_silence(assistant); /* who talks wants to be heard */
    return r;
}
