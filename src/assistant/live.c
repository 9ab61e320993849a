/* live.c - one client's audio: a queue of what was pushed, a thread that feeds the listener with it, and the end in all its ways. */
#include "assistant/live_state.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

#define CAPACITY ((size_t)VA_LIVE_MAX_WAITING_S * VA_SAMPLE_RATE_HZ)
#define BEHIND ((size_t)10 * VA_SAMPLE_RATE_HZ) /* it is better to push no more ... */
#define ROOM ((size_t)2 * VA_SAMPLE_RATE_HZ)    /* ... until so little waits */
#define BLOCK_SAMPLES 1600
#define NICE 5 /* the microphone's decoding comes first, and its threads inherit this */
#define MAX_MS 28000
#define STEP_MS 400
#define MAX_LANGUAGE_BYTES 32

/* ---- life ---- */

void va_live_release(va_live *live)
{
    if (atomic_fetch_sub(&live->holds, 1) > 1)
        return;
    va_settings_release(live->settings);
    va_buffer_free(&live->text);
    va_free(live->command_text);
    va_free(live->language);
    va_free(live->waiting);
    pthread_cond_destroy(&live->news);
    pthread_mutex_destroy(&live->lock);
    pthread_mutex_destroy(&live->telling);
    va_free(live);
}

/* It ends with this status, unless it does already. Whoever calls holds it. */
static void end_with(va_live *live, int status, const char *why)
{
    pthread_mutex_lock(&live->lock);
    if (live->status == 0)
        live->status = va_fail(&live->error, status, "%s", why);
    live->must_stop = 1;
    if (live->listener != NULL)
        va_listener_cancel(live->listener);
    pthread_cond_broadcast(&live->news);
    pthread_mutex_unlock(&live->lock);
}

static int make_listener(va_live *live, va_error *error)
{
    const va_config *config = live->settings->config;
    struct va_listener_options options;
    va_listener *listener;

    va_listener_options_init(&options);
    options.mode = VA_LISTEN_ALWAYS;
    options.model = live->assistant->model;
    options.vad_model = live->assistant->vad_model;
    options.steering = live->options.commands ? live->settings->steering : NULL;
    options.confidence = (float)config->commands_confidence;
    options.language = live->language;
    options.threads = (int)config->model_threads;
    options.step_ms = live->options.partials ? STEP_MS : 0;
    options.max_ms = MAX_MS;
    options.is_whole = !live->options.endpoint;
    options.on_event = va_live_on_event;
    options.user = live;
    int r = va_listener_new(&options, &listener, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(&live->lock);
    live->listener = listener;
    if (live->must_stop)
        va_listener_cancel(listener);
    pthread_mutex_unlock(&live->lock);
    return 0;
}

static void free_listener(va_live *live)
{
    pthread_mutex_lock(&live->lock);
    va_listener *listener = live->listener;
    live->listener = NULL;
    pthread_mutex_unlock(&live->lock);
    va_listener_free(listener);
    va_memory_trim();
}

/* ---- the thread ---- */

/* Moves what waits to pcm [BLOCK_SAMPLES]. Returns how much, 0: the audio has ended or nobody wants it any more. */
static size_t take(va_live *live, float *pcm)
{
    size_t n = 0;

    pthread_mutex_lock(&live->lock);
    while (!live->must_stop && !live->is_finished && live->n_waiting == 0)
        pthread_cond_wait(&live->news, &live->lock);
    if (!live->must_stop)
        n = live->n_waiting < BLOCK_SAMPLES ? live->n_waiting : BLOCK_SAMPLES;
    for (size_t i = 0; i < n; i++)
        pcm[i] = live->waiting[(live->first + i) % CAPACITY];
    live->first = (live->first + n) % CAPACITY;
    live->n_waiting -= n;
    int has_room = live->wants_room && live->n_waiting <= ROOM;
    if (has_room)
        live->wants_room = 0;
    pthread_mutex_unlock(&live->lock);
    if (has_room)
        va_live_tell(live, &(struct va_live_news){.kind = VA_LIVE_ROOM});
    return n;
}

static int work(va_live *live, va_error *error)
{
    float pcm[BLOCK_SAMPLES];
    size_t n;
    int r = make_listener(live, error);

    while (r == 0 && (n = take(live, pcm)) > 0)
        r = va_listener_push(live->listener, pcm, n, VA_HEAR_ALL, error);
    memset(pcm, 0, sizeof pcm);
    pthread_mutex_lock(&live->lock);
    int must_stop = live->must_stop;
    pthread_mutex_unlock(&live->lock);
    if (r == 0 && !must_stop)
        r = va_listener_finish(live->listener, error);
    if (r == 0 && !must_stop && !live->options.endpoint)
        r = va_live_tell_whole(live, error);
    free_listener(live);
    return r;
}

/* Nothing of what was heard is left. */
static void forget_audio(va_live *live)
{
    pthread_mutex_lock(&live->lock);
    va_free(live->waiting);
    live->waiting = NULL;
    live->n_waiting = 0;
    pthread_mutex_unlock(&live->lock);
    va_buffer_free(&live->text);
    va_free(live->command_text);
    live->command_text = NULL;
    pthread_mutex_lock(&live->assistant->live_lock);
    live->is_silent = 1;
    pthread_cond_broadcast(&live->assistant->live_changed);
    pthread_mutex_unlock(&live->assistant->live_lock);
}

static void leave(va_live *live)
{
    va_assistant *assistant = live->assistant;

    pthread_mutex_lock(&assistant->live_lock);
    for (va_live **at = &assistant->lives; *at != NULL; at = &(*at)->next)
        if (*at == live) {
            *at = live->next;
            break;
        }
    assistant->n_lives--;
    pthread_cond_broadcast(&assistant->live_changed);
    pthread_mutex_unlock(&assistant->live_lock);
}

static void *run(void *arg)
{
    va_live *live = arg;
    va_error error = {0}, why;

    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    int r = work(live, &error);
    if (r < 0)
        end_with(live, r, error.text);
    forget_audio(live);
    pthread_mutex_lock(&live->lock);
    while (live->n_errands > 0)
        pthread_cond_wait(&live->news, &live->lock);
    live->has_ended = 1;
    int status = live->status;
    why = live->error;
    pthread_mutex_unlock(&live->lock);
    va_live_tell(live, &(struct va_live_news){.kind = VA_LIVE_ENDED, .status = status, .error = &why});
    leave(live);
    va_live_release(live);
    return NULL;
}

/* ---- opening ---- */

static int make(va_assistant *assistant, const struct va_live_options *options, va_live **ret_live, va_error *error)
{
    va_live *live = va_calloc(1, sizeof *live);

    if (live == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&live->telling, NULL);
    pthread_mutex_init(&live->lock, NULL);
    pthread_cond_init(&live->news, NULL);
    va_buffer_init(&live->text, VA_LIVE_MAX_TEXT_BYTES);
    atomic_init(&live->holds, 1);
    live->assistant = assistant;
    live->settings = va_settings_hold(assistant);
    live->options = *options;
    live->privacy_changes = atomic_load(&assistant->privacy_changes);
    live->options.source = options->source != NULL ? options->source : "live";
    live->language = va_strdup(options->language != NULL ? options->language : live->settings->config->model_language);
    live->waiting = va_calloc(CAPACITY, sizeof *live->waiting);
    if (live->language == NULL || live->waiting == NULL) {
        va_live_release(live);
        return va_fail_memory(error);
    }
    *ret_live = live;
    return 0;
}

/* With live_lock held: it is one of the assistant's from now on. Privacy mode and the end look for them with the lock held, after they have
 * said what holds. */
static int join(va_assistant *assistant, va_live *live, va_error *error)
{
    pthread_t thread;

    if (assistant->lives_ending)
        return va_fail(error, VA_ESTATE, "the assistant is stopping");
    if (va_assistant_is_private(assistant))
        return va_fail(error, VA_EDENIED, "privacy mode is on");
    if (assistant->n_lives >= (size_t)live->settings->config->live_sessions)
        return va_fail(error, VA_EBUSY, "%zu clients are listened to already (live.sessions)", assistant->n_lives);
    atomic_fetch_add(&live->holds, 1);
    if (va_thread_start(&thread, run, live) < 0) {
        atomic_fetch_sub(&live->holds, 1);
        return va_fail(error, VA_ENOMEM, "cannot start the thread that listens to a client");
    }
    pthread_detach(thread); /* who closes does not wait for it; n_lives tells when it has gone */
    live->next = assistant->lives;
    assistant->lives = live;
    assistant->n_lives++;
    return 0;
}

int va_live_open(va_assistant *assistant, const struct va_live_options *options, const struct va_live_events *events, void *user,
                 va_live **ret_live, va_error *error)
{
    va_live *live = NULL;

    if (options->language != NULL && (options->language[0] == '\0' || strlen(options->language) > MAX_LANGUAGE_BYTES))
        return va_fail(error, VA_EINVAL, "language must be a code such as en, or auto");
    if (options->execute && !options->commands)
        return va_fail(error, VA_EINVAL, "what is not led to the commands cannot be carried out");
    if (assistant->vad_model == NULL)
        return va_fail(error, VA_ESTATE, "live audio needs the model that finds speech (listen.vad)");
    int r = va_assistant_check_storage(assistant, error);
    if (r < 0 || (r = make(assistant, options, &live, error)) < 0)
        return r;
    live->events = *events;
    live->user = user;
    pthread_mutex_lock(&assistant->live_lock);
    r = join(assistant, live, error);
    if (r == 0)
        *ret_live = live;
    pthread_mutex_unlock(&assistant->live_lock);
    if (r < 0)
        va_live_release(live);
    return r;
}

/* ---- the client's side ---- */

int va_live_push(va_live *live, const float *pcm, size_t n, va_error *error)
{
    int r = 0;

    pthread_mutex_lock(&live->lock);
    if (live->waiting == NULL || live->must_stop || live->is_finished)
        r = live->status < 0 ? va_fail(error, VA_ESTATE, "%s", live->error.text) : va_fail(error, VA_ESTATE, "the audio has ended");
    else if (n > CAPACITY - live->n_waiting)
        r = va_fail(error, VA_EBUSY, "more than %d s of audio wait", VA_LIVE_MAX_WAITING_S);
    else if (!live->options.endpoint && live->pushed + n > (uint64_t)VA_LIVE_MAX_S * VA_SAMPLE_RATE_HZ)
        r = va_fail(error, VA_ELIMIT, "more than %d s were said without an end", VA_LIVE_MAX_S);
    for (size_t i = 0; r == 0 && i < n; i++)
        live->waiting[(live->first + live->n_waiting + i) % CAPACITY] = pcm[i];
    if (r == 0) {
        live->n_waiting += n;
        live->pushed += n;
        pthread_cond_broadcast(&live->news);
    }
    pthread_mutex_unlock(&live->lock);
    return r;
}

int va_live_is_behind(va_live *live)
{
    pthread_mutex_lock(&live->lock);
    int yes = live->n_waiting > BEHIND;
    live->wants_room |= yes;
    pthread_mutex_unlock(&live->lock);
    return yes;
}

void va_live_finish(va_live *live)
{
    pthread_mutex_lock(&live->lock);
    live->is_finished = 1;
    pthread_cond_broadcast(&live->news);
    pthread_mutex_unlock(&live->lock);
}

void va_live_close(va_live *live)
{
    if (live == NULL)
        return;
    pthread_mutex_lock(&live->telling);
    live->is_closed = 1;
    pthread_mutex_unlock(&live->telling);
    end_with(live, VA_ECANCELLED, "the client has gone");
    va_live_release(live);
}

/* ---- the assistant's side ---- */

/* With live_lock held: whether some still hold audio. */
static int are_heard(const va_assistant *assistant)
{
    int n = 0;

    for (const va_live *live = assistant->lives; live != NULL; live = live->next)
        n += !live->is_silent;
    return n > 0;
}

int va_lives_end(va_assistant *assistant, int status, const char *why, double timeout_s)
{
    uint64_t until_ns = va_clock_after(timeout_s);
    int r = 0;

    pthread_mutex_lock(&assistant->live_lock);
    for (va_live *live = assistant->lives; live != NULL; live = live->next)
        end_with(live, status, why);
    while (r == 0 && are_heard(assistant))
        r = va_thread_wait_until(&assistant->live_changed, &assistant->live_lock, until_ns);
    pthread_mutex_unlock(&assistant->live_lock);
    return r;
}

void va_lives_stop(va_assistant *assistant)
{
    pthread_mutex_lock(&assistant->live_lock);
    assistant->lives_ending = 1;
    for (va_live *live = assistant->lives; live != NULL; live = live->next) {
        pthread_mutex_lock(&live->lock);
        int is_accepted = live->is_finished;
        pthread_mutex_unlock(&live->lock);
        if (!is_accepted)
            end_with(live, VA_ESTATE, "the assistant is stopping");
    }
    while (are_heard(assistant))
        pthread_cond_wait(&assistant->live_changed, &assistant->live_lock);
    pthread_mutex_unlock(&assistant->live_lock);
}

void va_lives_join(va_assistant *assistant)
{
    pthread_mutex_lock(&assistant->live_lock);
    while (assistant->n_lives > 0)
        pthread_cond_wait(&assistant->live_changed, &assistant->live_lock);
    pthread_mutex_unlock(&assistant->live_lock);
}
