/* The queue of transcriptions and the threads that do them. */
#include "assistant/state.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audio/decode.h"
#include "base/log.h"
#include "base/memory.h"

/* Longer recordings need timestamps to be cut well. */
#define ONE_WINDOW_S 28.0
/* How long an idle worker keeps its working memory. */
#define KEEP_CONTEXT_S 15

static void list_init(struct va_job_list *list)
{
    *list = (struct va_job_list){.end = &list->first};
}

static void list_append(struct va_job_list *list, struct va_queued_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
    list->n++;
}

static struct va_queued_job *list_take(struct va_job_list *list)
{
    struct va_queued_job *job = list->first;
    if (job == NULL)
        return NULL;
    list->first = job->next;
    if (list->first == NULL)
        list->end = &list->first;
    list->n--;
    return job;
}

/* ---- submitting ---- */

static void free_job(struct va_queued_job *job)
{
    if (job == NULL)
        return;
    if (job->job.fd >= 0)
        close(job->job.fd);
    va_free(job->job.pcm);
    va_free((char *)job->job.language);
    va_free((char *)job->job.prompt);
    va_free(job);
}

static int copy_job(const struct va_job *from, struct va_queued_job **ret_job, va_error *error)
{
    struct va_queued_job *job = va_calloc(1, sizeof *job);
    if (job == NULL)
        return va_fail_memory(error);
    job->job = *from;
    job->job.fd = -1;
    job->job.pcm = NULL;
    job->job.language = from->language != NULL ? va_strdup(from->language) : NULL;
    job->job.prompt = from->prompt != NULL ? va_strdup(from->prompt) : NULL;
    if ((from->language != NULL && job->job.language == NULL) || (from->prompt != NULL && job->job.prompt == NULL)) {
        free_job(job);
        return va_fail_memory(error);
    }
    *ret_job = job;
    return 0;
}

int va_assistant_submit(va_assistant *assistant, const struct va_job *job, char ret_id[VA_ID_SIZE], va_error *error)
{
    struct va_queued_job *queued = NULL;
    int is_live = job->priority == VA_PRIORITY_LIVE;
    int r = copy_job(job, &queued, error);
    if (r < 0)
        return r;

    pthread_mutex_lock(&assistant->lock);
    struct va_job_list *list = is_live ? &assistant->live : &assistant->uploads;
    size_t max = is_live ? VA_MAX_LIVE_JOBS : assistant->max_uploads;
    /* An idle worker takes the job at once: it does not count as waiting. */
    size_t idle = (size_t)assistant->n_workers - assistant->running;
    if (assistant->stopping) {
        r = va_fail(error, VA_ESTATE, "the assistant is stopping");
    } else if (list->n >= max + (is_live ? 0 : idle)) {
        r = va_fail(error, VA_EBUSY, "%zu transcriptions are waiting already", list->n);
    } else {
        queued->sequence = ++assistant->next_sequence;
        snprintf(queued->id, sizeof queued->id, "%08" PRIx64 "-%" PRIu64, assistant->run_id & 0xffffffff, queued->sequence % 10000000000u);
        memcpy(ret_id, queued->id, VA_ID_SIZE);
        queued->job.fd = job->fd;
        queued->job.pcm = job->pcm;
        list_append(list, queued);
        assistant->live_in_flight += (size_t)is_live;
        pthread_cond_signal(&assistant->job_ready);
    }
    pthread_mutex_unlock(&assistant->lock);
    if (r < 0)
        free_job(queued);
    return r;
}

/* About when a worker will have finished and a place in the queue be free. */
int va_assistant_retry_after_s(va_assistant *assistant)
{
    pthread_mutex_lock(&assistant->lock);
    double seconds = assistant->mean_job_s;
    pthread_mutex_unlock(&assistant->lock);
    return seconds > 59 ? 60 : (int)seconds + 1;
}

/* ---- working ---- */

static int is_gone(void *user, double done_s, double total_s)
{
    const struct va_queued_job *job = user;
    (void)done_s;
    (void)total_s;
    return job->job.is_gone != NULL && job->job.is_gone(job->job.user);
}

static int transcribe_file(va_context *context, struct va_queued_job *job, double max_s, const va_transcribe_options *options,
                           va_transcript **ret_transcript, va_error *error)
{
    const struct va_decode_options decode = {.max_seconds = max_s};
    va_audio_decoder *decoder = NULL;
    int fd = job->job.fd;

    job->job.fd = -1;
    int r = va_audio_decoder_open_fd(fd, "the audio", &decode, &decoder, error);
    if (r < 0)
        return r;
    r = va_transcribe_stream(context, va_audio_decoder_read, decoder, va_audio_decoder_total(decoder), options, ret_transcript, error);
    /* What the decoder says about the file is closer to the truth than what the engine says about its input. */
    if (r < 0 && r != VA_ECANCELLED && va_audio_decoder_error(decoder)->code < 0) {
        *error = *va_audio_decoder_error(decoder);
        r = error->code;
    }
    va_audio_decoder_free(decoder);
    return r;
}

static int transcribe(struct va_worker *worker, struct va_queued_job *job, const struct va_settings *settings,
                      va_transcript **ret_transcript, va_error *error)
{
    int is_live = job->job.priority == VA_PRIORITY_LIVE;
    va_transcribe_options options;

    if (is_gone(job, 0, 0))
        return va_fail(error, VA_ECANCELLED, "the client has gone");
    if (worker->context == NULL) {
        int r = va_context_new(worker->assistant->model, worker->assistant->threads, &worker->context, error);
        if (r < 0)
            return r;
    }
    va_transcribe_options_init(&options);
    options.language = job->job.language != NULL ? job->job.language : settings->config->model_language;
    options.beam_size = (int)settings->config->model_beam;
    options.timestamps = job->job.timestamps;
    options.prompt = job->job.prompt;
    if (options.prompt == NULL && is_live && settings->prompt[0] != '\0')
        options.prompt = settings->prompt;
    options.progress = is_gone;
    options.progress_user = job;
    if (job->job.fd >= 0)
        return transcribe_file(worker->context, job, settings->config->server_max_audio, &options, ret_transcript, error);
    if ((double)job->job.n_samples > ONE_WINDOW_S * VA_SAMPLE_RATE_HZ && options.timestamps == VA_TIMESTAMPS_NONE)
        options.timestamps = VA_TIMESTAMPS_SEGMENT;
    return va_transcribe(worker->context, job->job.pcm, job->job.n_samples, &options, ret_transcript, error);
}

static void log_result(const struct va_queued_job *job, const struct va_job_result *result, const struct va_settings *settings,
                       double elapsed_s)
{
    const char *source = job->job.priority == VA_PRIORITY_LIVE ? "microphone" : "upload";

    if (result->status == VA_ECANCELLED) {
        va_log(VA_LOG_DEBUG, "assistant", "%s: the client has gone, the transcription is given up", job->id);
    } else if (result->status < 0) {
        const struct va_field fields[] = {
            VA_STRING("error_type", va_status_text(result->status)),
            VA_STRING("message", result->error->text),
            VA_STRING("traceback", ""),
            VA_STRING("id", job->id),
            VA_STRING("audio_path", source),
        };
        va_log_event(VA_LOG_WARNING, "assistant", "error", fields, sizeof fields / sizeof fields[0]);
    } else {
        const struct va_field fields[] = {
            VA_STRING("id", job->id),
            VA_STRING("audio_path", source),
            VA_NUMBER("confidence", result->transcript->confidence),
            VA_STRING("language", result->transcript->language),
            VA_NUMBER("duration", result->transcript->duration_s),
            VA_NUMBER("elapsed", elapsed_s),
            VA_STRING("text", result->transcript->text),
        };
        size_t n = sizeof fields / sizeof fields[0];
        va_log_event(VA_LOG_INFO, "assistant", "transcription", fields, settings->config->privacy_log_text ? n : n - 1);
    }
}

static void run_job(struct va_worker *worker, struct va_queued_job *job)
{
    va_assistant *assistant = worker->assistant;
    struct va_settings *settings = va_settings_hold(assistant);
    va_transcript *transcript = NULL;
    va_error error = {0};
    double start_s = va_assistant_now_s();
    int r = transcribe(worker, job, settings, &transcript, &error);
    double elapsed_s = va_assistant_now_s() - start_s;
    const struct va_job_result result = {.id = job->id, .status = r, .transcript = transcript, .error = &error};

    if (r < 0 && error.text[0] == '\0')
        (void)va_fail(&error, r, "%s", va_status_text(r));
    log_result(job, &result, settings, elapsed_s);
    va_latest_store(assistant, job, &result);
    if (job->job.done != NULL)
        job->job.done(job->job.user, &result);
    va_transcript_free(transcript);
    va_settings_release(settings);

    pthread_mutex_lock(&assistant->lock);
    assistant->running--;
    assistant->transcriptions += r == 0;
    assistant->failures += r < 0 && r != VA_ECANCELLED;
    assistant->mean_job_s += (elapsed_s - assistant->mean_job_s) / 8;
    pthread_mutex_unlock(&assistant->lock);
    free_job(job);
}

/* Gives the working memory of an idle worker back to the system: most of the day nobody speaks. */
static void drop_context(struct va_worker *worker)
{
    va_context_free(worker->context);
    worker->context = NULL;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

/* With the lock held: waits for a job, with a context only for so long. */
static void wait_for_job(struct va_worker *worker)
{
    va_assistant *assistant = worker->assistant;
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += KEEP_CONTEXT_S;
    while (assistant->live.n == 0 && assistant->uploads.n == 0 && !assistant->stopping) {
        if (worker->context == NULL) {
            pthread_cond_wait(&assistant->job_ready, &assistant->lock);
        } else if (pthread_cond_timedwait(&assistant->job_ready, &assistant->lock, &deadline) == ETIMEDOUT) {
            pthread_mutex_unlock(&assistant->lock);
            drop_context(worker);
            pthread_mutex_lock(&assistant->lock);
        }
    }
}

static void *work(void *arg)
{
    struct va_worker *worker = arg;
    va_assistant *assistant = worker->assistant;

    for (;;) {
        pthread_mutex_lock(&assistant->lock);
        wait_for_job(worker);
        struct va_queued_job *job = list_take(&assistant->live);
        if (job == NULL)
            job = list_take(&assistant->uploads);
        assistant->running += job != NULL;
        pthread_mutex_unlock(&assistant->lock);
        if (job == NULL)
            return NULL;
        run_job(worker, job);
    }
}

int va_workers_start(va_assistant *assistant, va_error *error)
{
    const va_config *config = assistant->settings->config;
    int threads = (int)config->model_threads;

    list_init(&assistant->live);
    list_init(&assistant->uploads);
    assistant->max_uploads = (size_t)config->model_queue;
    if (threads == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        threads = (int)(cores / config->model_workers);
        threads = threads < 1 ? 1 : threads > 64 ? 64 : threads;
    }
    assistant->threads = threads;
    for (int i = 0; i < config->model_workers && i < VA_MAX_WORKERS; i++) {
        struct va_worker *worker = &assistant->workers[i];
        worker->assistant = assistant;
        assistant->n_workers = i + 1;
        int r = va_context_new(assistant->model, assistant->threads, &worker->context, error);
        if (r < 0)
            return r;
    }
    for (int i = 0; i < assistant->n_workers; i++) {
        struct va_worker *worker = &assistant->workers[i];
        if (pthread_create(&worker->thread, NULL, work, worker) != 0)
            return va_fail(error, VA_ENOMEM, "cannot start worker %d", i + 1);
        worker->has_thread = 1;
    }
    return 0;
}

/* With `stopping` set: the workers empty the queue and end. */
void va_workers_finish(va_assistant *assistant)
{
    pthread_mutex_lock(&assistant->lock);
    pthread_cond_broadcast(&assistant->job_ready);
    pthread_mutex_unlock(&assistant->lock);
    for (int i = 0; i < assistant->n_workers; i++) {
        struct va_worker *worker = &assistant->workers[i];
        if (worker->has_thread)
            pthread_join(worker->thread, NULL);
        worker->has_thread = 0;
        va_context_free(worker->context);
        worker->context = NULL;
    }
}
