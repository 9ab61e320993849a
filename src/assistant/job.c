/* Transcriptions: from a job to a task of the workers, and from its result to the log, the latest one and whoever waits. */
#include "assistant/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

/* ---- the task ---- */

static int is_gone(void *user, double done_s, double total_s)
{
    const struct va_running_job *job = user;
    (void)done_s;
    (void)total_s;
    return job->job.is_gone != NULL && job->job.is_gone(job->job.user);
}

/* A va_read_fn. The file is opened by the worker: before its turn a job costs a descriptor and no more. */
static int64_t read_file(void *user, float *pcm, size_t capacity)
{
    struct va_running_job *job = user;

    if (job->decoder == NULL) {
        const struct va_decode_options options = {.max_seconds = job->settings->config->server_max_audio};
        int fd = job->job.fd;
        job->job.fd = -1;
        int r = va_audio_decoder_open_fd(fd, "the audio", &options, &job->decoder, &job->decode_error);
        if (r < 0)
            return r;
    }
    int64_t n = va_audio_decoder_read(job->decoder, pcm, capacity);
    if (n < 0)
        job->decode_error = *va_audio_decoder_error(job->decoder);
    return n;
}

static void log_result(const struct va_running_job *job, const struct va_job_result *result, double elapsed_s)
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
        va_log_event(VA_LOG_INFO, "assistant", "transcription", fields, job->settings->config->privacy_log_text ? n : n - 1);
    }
}

static void on_done(void *user, const va_task_result *ended)
{
    struct va_running_job *job = user;
    va_assistant *assistant = job->assistant;
    /* What the decoder says about the file is closer to the truth than what the engine says about its input. */
    int is_file_bad = ended->status < 0 && ended->status != VA_ECANCELLED && job->decode_error.code < 0;
    const va_error *error = is_file_bad ? &job->decode_error : &ended->error;
    int status = is_file_bad ? error->code : ended->status;
    const struct va_job_result result = {.id = job->id, .status = status, .transcript = ended->transcript, .error = error};

    /* Before anybody hears of the end, and may ask for the numbers. */
    pthread_mutex_lock(&assistant->lock);
    assistant->transcriptions += status == 0;
    assistant->failures += status < 0 && status != VA_ECANCELLED;
    if (ended->transcript != NULL) {
        assistant->windows += (uint64_t)ended->transcript->n_windows;
        assistant->retried += (uint64_t)ended->transcript->n_retried;
    }
    pthread_mutex_unlock(&assistant->lock);
    log_result(job, &result, ended->run_ms * 1e-3);
    va_latest_store(assistant, job, &result);
    if (job->job.done != NULL)
        job->job.done(job->job.user, &result);
    va_transcript_free(ended->transcript);
}

static void free_job(void *user)
{
    struct va_running_job *job = user;

    if (job->job.fd >= 0)
        close(job->job.fd);
    va_free(job->job.pcm);
    va_audio_decoder_free(job->decoder);
    va_settings_release(job->settings);
    va_free(job);
}

/* ---- submitting ---- */

/* With the lock held. The job is the workers' as soon as this succeeds. */
static int submit_task(va_assistant *assistant, struct va_running_job *running, const struct va_job *job, va_error *error)
{
    const struct va_settings *settings = running->settings;
    const int is_live = job->priority == VA_PRIORITY_LIVE, is_file = job->fd >= 0;
    va_transcribe_options options;

    va_transcribe_options_init(&options);
    options.language = job->language != NULL ? job->language : settings->config->model_language;
    options.beam_size = (int)settings->config->model_beam;
    options.timestamps = job->timestamps;
    options.prompt = job->prompt;
    if (options.prompt == NULL && is_live && settings->prompt[0] != '\0')
        options.prompt = settings->prompt;
    options.progress = is_gone;
    options.progress_user = running;
    const va_task task = {
        .id = running->sequence,
        .priority = (int)job->priority,
        .pcm = is_file ? NULL : job->pcm,
        .n_samples = is_file ? 0 : job->n_samples,
        .read = is_file ? read_file : NULL,
        .options = &options,
        .done = on_done,
        .release = free_job,
        .user = running,
    };
    return va_workers_submit(assistant->workers, &task, error);
}

int va_assistant_submit(va_assistant *assistant, const struct va_job *job, char ret_id[VA_ID_SIZE], va_error *error)
{
    char id[VA_ID_SIZE];
    int r;
    struct va_running_job *running = va_calloc(1, sizeof *running);
    if (running == NULL)
        return va_fail_memory(error);
    running->job = *job;
    running->job.language = running->job.prompt = NULL;
    running->assistant = assistant;
    running->settings = va_settings_hold(assistant);

    /* Held until live_in_flight is right: the job may end at once. */
    pthread_mutex_lock(&assistant->lock);
    if (assistant->stopping) {
        r = va_fail(error, VA_ESTATE, "the assistant is stopping");
    } else {
        running->sequence = assistant->next_sequence + 1;
        snprintf(id, sizeof id, "%08" PRIx64 "-%" PRIu64, assistant->run_id & 0xffffffff, running->sequence % 10000000000u);
        memcpy(running->id, id, sizeof id);
        r = submit_task(assistant, running, job, error);
    }
    if (r == 0) {
        assistant->next_sequence++;
        assistant->live_in_flight += job->priority == VA_PRIORITY_LIVE;
    }
    pthread_mutex_unlock(&assistant->lock);
    if (r < 0) {
        running->job.fd = -1;
        running->job.pcm = NULL;
        free_job(running);
        return r;
    }
    memcpy(ret_id, id, sizeof id);
    return 0;
}

/* About when a worker will have finished and a place in the queue be free. */
int va_assistant_retry_after_s(va_assistant *assistant)
{
    va_workers_status status;

    va_workers_get_status(assistant->workers, &status);
    double seconds = status.mean_run_ms * 1e-3;
    return seconds > 59 ? 60 : (int)seconds + 1;
}

int va_jobs_start(va_assistant *assistant, va_error *error)
{
    const va_config *config = assistant->settings->config;
    va_workers_options options;

    va_workers_options_init(&options);
    options.workers = (int)config->model_workers;
    options.threads = (int)config->model_threads;
    options.max_waiting = (size_t)config->model_queue;
    options.max_waiting_live = VA_MAX_LIVE_JOBS;
    return va_workers_new(assistant->model, &options, &assistant->workers, error);
}
