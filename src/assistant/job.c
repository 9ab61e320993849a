/* Transcriptions: from a job to a task of the workers, and from its result to the log, the latest one and whoever waits. */
#include "assistant/state.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "remote/bus.h"

#define MAX_LOOK_BYTES (16 << 20)
#define NICE 10 /* the server and what listens come first; with 5, a request in a hundred waits for a turn of theirs */

/* ---- the task ---- */

/* A recording from before privacy mode. */
static int is_forgotten(const struct va_running_job *job)
{
    return job->job.priority == VA_PRIORITY_LIVE && job->privacy_changes != atomic_load(&job->assistant->privacy_changes);
}

static int is_gone(void *user, double done_s, double total_s)
{
    const struct va_running_job *job = user;
    (void)done_s;
    (void)total_s;
    atomic_store(&job->assistant->progress_s, va_assistant_now_s());
    return is_forgotten(job) || (job->job.is_gone != NULL && job->job.is_gone(job->job.user));
}

static int open_file(struct va_running_job *job)
{
    const struct va_decode_options options = {.max_seconds = job->settings->config->server_max_audio};
    int fd = job->job.fd;

    job->job.fd = -1;
    return va_audio_decoder_open_fd(fd, "the audio", &options, &job->decoder, &job->decode_error);
}

/* How much audio it is: what takes little time need not wait for what takes long. 0: not known; a large file is left to the worker. */
static size_t look_into_file(struct va_running_job *job)
{
    struct stat info;

    if (fstat(job->job.fd, &info) < 0 || info.st_size > MAX_LOOK_BYTES)
        return 0;
    return open_file(job) < 0 ? 1 : (size_t)va_audio_decoder_total(job->decoder);
}

/* A va_read_fn. */
static int64_t read_file(void *user, float *pcm, size_t capacity)
{
    struct va_running_job *job = user;

    if (job->decoder == NULL && (job->job.fd < 0 || open_file(job) < 0))
        return job->decode_error.code;
    int64_t n = va_audio_decoder_read(job->decoder, pcm, capacity);
    if (n < 0)
        job->decode_error = *va_audio_decoder_error(job->decoder);
    return n;
}

static void tell_text(void *user, const char *text)
{
    const struct va_running_job *job = user;

    job->job.text(job->job.user, text);
}

static const char *source_of(const struct va_running_job *job)
{
    const char *usual = job->job.priority == VA_PRIORITY_LIVE ? "microphone" : "upload";

    return job->job.source != NULL ? job->job.source : usual;
}

static void tell_failure(const struct va_running_job *job, const struct va_job_result *result)
{
    const struct va_field fields[] = {
        VA_STRING("error_type", va_status_text(result->status)),
        VA_STRING("message", result->error->text),
        VA_STRING("traceback", ""),
        VA_STRING("id", job->id),
        VA_STRING("audio_path", source_of(job)),
    };
    int is_cancelled = result->status == VA_ECANCELLED;

    if (is_cancelled)
        va_log(VA_LOG_DEBUG, "assistant", "%s: the transcription is given up", job->id);
    else
        va_log_event(VA_LOG_WARNING, "assistant", "error", fields, sizeof fields / sizeof fields[0]);
    va_metrics_add(job->assistant->metrics, VA_METRIC_TRANSCRIPTION_ENDS, is_cancelled ? VA_UNFINISHED_CANCELLED : VA_UNFINISHED_FAILED, 1);
}

static void tell_result(const struct va_running_job *job, const struct va_job_result *result, double elapsed_s)
{
    va_metrics *metrics = job->assistant->metrics;
    const va_transcript *transcript = result->transcript;
    const struct va_transcribed transcribed = {
        .source = job->job.priority == VA_PRIORITY_LIVE ? VA_SOURCE_RECORDING : VA_SOURCE_UPLOAD,
        .id = job->id,
        .audio_path = source_of(job),
        .transcript = transcript,
        .command = result->is_command ? result->command : NULL,
        .duration_s = transcript->duration_s,
        .elapsed_s = elapsed_s,
    };

    va_transcribed_tell(job->assistant, &transcribed);
    va_metrics_add(metrics, VA_METRIC_WINDOWS, VA_WINDOW_FIRST, transcript->n_windows);
    va_metrics_add(metrics, VA_METRIC_WINDOWS, VA_WINDOW_RETRIED, transcript->n_retried);
    va_metrics_observe(metrics, VA_METRIC_QUEUE_SECONDS, 0, fmax(0.0, va_assistant_now_s() - job->submitted_s - elapsed_s));
}

static void on_done(void *user, const va_task_result *ended)
{
    struct va_running_job *job = user;
    va_assistant *assistant = job->assistant;
    /* What the decoder says about the file is closer to the truth than what the engine says about its input. */
    int is_file_bad = ended->status < 0 && ended->status != VA_ECANCELLED && job->decode_error.code < 0;
    const va_error *error = is_file_bad ? &job->decode_error : &ended->error;
    int status = is_file_bad ? error->code : ended->status;
    struct va_job_result result = {.id = job->id, .status = status, .transcript = ended->transcript, .error = error};
    va_understanding *understanding = NULL;
    va_error forgotten;

    if (is_forgotten(job)) {
        status = va_fail(&forgotten, VA_ECANCELLED, "privacy mode was switched on");
        result = (struct va_job_result){.id = job->id, .status = status, .error = &forgotten};
    }

    /* Out of memory here leaves the text as it was heard. */
    if (status == 0 && job->is_steered && va_understand(job->settings->steering, ended->transcript, &understanding, NULL) == 0) {
        result.command = understanding;
        result.is_command = understanding->intent != NULL && understanding->confidence >= (float)job->settings->config->commands_confidence;
    }

    /* Before anybody hears of the end, and may ask for the numbers. */
    pthread_mutex_lock(&assistant->lock);
    assistant->transcriptions += status == 0;
    assistant->failures += status < 0 && status != VA_ECANCELLED;
    if (ended->transcript != NULL) {
        assistant->windows += (uint64_t)ended->transcript->n_windows;
        assistant->retried += (uint64_t)ended->transcript->n_retried;
    }
    pthread_mutex_unlock(&assistant->lock);
    atomic_store(&assistant->progress_s, va_assistant_now_s());
    if (status < 0)
        tell_failure(job, &result);
    else
        tell_result(job, &result, ended->run_ms * 1e-3);
    va_record_transcription(assistant, source_of(job), job->privacy_changes, &result);
    va_latest_store(assistant, job, &result);
    if (job->job.done != NULL)
        job->job.done(job->job.user, &result);
    va_understanding_free(understanding);
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

static void format_id(const va_assistant *assistant, uint64_t sequence, char ret_id[VA_ID_SIZE])
{
    snprintf(ret_id, VA_ID_SIZE, "%08" PRIx64 "-%" PRIu64, assistant->run_id & 0xffffffff, sequence % 10000000000u);
}

void va_job_next_id(va_assistant *assistant, char ret_id[VA_ID_SIZE])
{
    pthread_mutex_lock(&assistant->lock);
    format_id(assistant, ++assistant->next_sequence, ret_id);
    pthread_mutex_unlock(&assistant->lock);
}

/* With the lock held. The job is the workers' as soon as this succeeds. */
static int submit_task(va_assistant *assistant, struct va_running_job *running, const struct va_job *job, size_t n_samples, va_error *error)
{
    const struct va_settings *settings = running->settings;
    const int is_live = job->priority == VA_PRIORITY_LIVE, is_file = job->fd >= 0;
    va_transcribe_options options;

    va_transcribe_options_init(&options);
    options.language = job->language != NULL ? job->language : settings->config->model_language;
    options.beam_size = (int)settings->config->model_beam;
    options.timestamps = job->timestamps;
    options.prompt = job->prompt;
    options.translate = job->translate;
    if (job->text != NULL) {
        options.on_text = tell_text;
        options.on_text_user = running;
    }
    if (job->commands || (is_live && job->prompt == NULL && settings->config->commands_steering)) {
        options.steering = settings->steering;
        running->is_steered = 1;
        if (options.prompt == NULL)
            options.prompt = va_steering_prompt(settings->steering);
        options.timestamps = VA_TIMESTAMPS_NONE;
        options.temperature_fallback = 0; /* the search among the commands is the second try */
    }
    options.progress = is_gone;
    options.progress_user = running;
    const va_task task = {
        .id = is_live ? VA_LIVE_TASKS : running->sequence,
        .priority = (int)job->priority,
        .pcm = is_file ? NULL : job->pcm,
        .n_samples = n_samples,
        .read = is_file ? read_file : NULL,
        .options = &options,
        .done = on_done,
        .release = free_job,
        .user = running,
    };
    int r = va_workers_submit(assistant->workers, &task, error);
    va_power_nudge(assistant);
    return r;
}

/* With the lock held. Before it there was nothing that could go on. */
static void note_first(va_assistant *assistant, double now_s)
{
    va_workers_status status;

    va_workers_get_status(assistant->workers, &status);
    if (status.waiting + status.running == 0)
        atomic_store(&assistant->progress_s, now_s);
}

int va_assistant_submit(va_assistant *assistant, const struct va_job *job, char ret_id[VA_ID_SIZE], va_error *error)
{
    char id[VA_ID_SIZE];
    int r = va_assistant_check_storage(assistant, error);
    if (r < 0)
        return r;
    struct va_running_job *running = va_calloc(1, sizeof *running);
    if (running == NULL)
        return va_fail_memory(error);
    running->job = *job;
    running->job.language = running->job.prompt = NULL;
    running->assistant = assistant;
    running->settings = va_settings_hold(assistant);
    /* A second descriptor: the caller keeps its own when this fails. */
    if (job->fd >= 0 && (running->job.fd = fcntl(job->fd, F_DUPFD_CLOEXEC, 0)) < 0) {
        r = va_fail_errno(error, "cannot keep the audio");
        free_job(running);
        return r;
    }
    size_t n_samples = job->fd >= 0 ? look_into_file(running) : job->n_samples;

    /* Held until live_in_flight is right: the job may end at once. */
    pthread_mutex_lock(&assistant->lock);
    if (assistant->stopping) {
        r = va_fail(error, VA_ESTATE, "the assistant is stopping");
    } else if (job->priority == VA_PRIORITY_LIVE && va_assistant_is_private(assistant)) {
        r = va_fail(error, VA_EDENIED, "privacy mode is on");
    } else {
        running->privacy_changes = atomic_load(&assistant->privacy_changes);
        running->sequence = assistant->next_sequence + 1;
        format_id(assistant, running->sequence, id);
        memcpy(running->id, id, sizeof id);
        running->submitted_s = va_assistant_now_s();
        note_first(assistant, running->submitted_s);
        r = submit_task(assistant, running, job, n_samples, error);
    }
    if (r == 0) {
        assistant->next_sequence++;
        assistant->live_in_flight += job->priority == VA_PRIORITY_LIVE;
    }
    pthread_mutex_unlock(&assistant->lock);
    if (r == VA_EBUSY)
        va_metrics_add(assistant->metrics, VA_METRIC_QUEUE_REFUSED, 0, 1);
    if (r < 0) {
        running->job.pcm = NULL;
        free_job(running);
        return r;
    }
    if (job->fd >= 0)
        close(job->fd);
    memcpy(ret_id, id, sizeof id);
    return 0;
}

int va_assistant_cancel(va_assistant *assistant, const char *id)
{
    const char *sequence = strchr(id, '-');
    uint64_t number = sequence != NULL ? strtoull(sequence + 1, NULL, 10) : VA_LIVE_TASKS;

    return number == VA_LIVE_TASKS ? VA_ENOTFOUND : va_workers_cancel(assistant->workers, number);
}

/* About when those that wait now will have been served. */
int va_assistant_retry_after_s(va_assistant *assistant)
{
    va_workers_status status;

    va_workers_get_status(assistant->workers, &status);
    double seconds = status.mean_run_ms * 1e-3 * (double)(status.waiting + status.running) / (double)status.workers;
    return seconds > 59 ? 60 : (int)seconds + 1;
}

static int start_remote(va_assistant *assistant, const char *folder, va_error *error)
{
    const va_config *config = assistant->settings->config;
    const struct va_bus_options bus = {config->remote_url, config->remote_token_file, config->remote_ca_file};
    va_error why;

    if (config->remote_url[0] == '\0')
        return 0;
    int r = va_remote_start(&bus, assistant->model_name, folder != NULL ? folder : "/tmp", assistant->workers, &assistant->remote, &why);
    if (r == 0)
        return 0;
    if (r == VA_EINVAL || r == VA_ENOMEM || r == VA_ENOTFOUND)
        return va_fail(error, r, "%s", why.text);
    /* The NATS server does not let us in, now: no reason to do nothing here. */
    va_log(VA_LOG_ERROR, "assistant", "uploads are transcribed here only until the next start: %s", why.text);
    return 0;
}

int va_jobs_start(va_assistant *assistant, const char *folder, va_error *error)
{
    const va_config *config = assistant->settings->config;
    va_workers_options options;

    va_workers_options_init(&options);
    options.workers = (int)config->model_workers;
    options.threads = (int)config->model_threads;
    options.max_waiting = (size_t)config->model_queue;
    options.max_waiting_live = VA_MAX_LIVE_JOBS;
    options.max_waiting_commands = VA_MAX_COMMAND_JOBS;
    options.nice = NICE;
    int r = va_workers_new(assistant->model, &options, &assistant->workers, error);
    return r == 0 ? start_remote(assistant, folder, error) : r;
}

void va_jobs_stop(va_assistant *assistant)
{
    if (assistant->workers != NULL)
        va_workers_shutdown(assistant->workers, 0);
    pthread_mutex_lock(&assistant->lock);
    va_remote *remote = assistant->remote;
    assistant->remote = NULL;
    pthread_mutex_unlock(&assistant->lock);
    va_remote_stop(remote);
}

int va_assistant_get_remote(va_assistant *assistant, struct va_remote_status *ret_status)
{
    pthread_mutex_lock(&assistant->lock);
    int r = assistant->remote != NULL ? 0 : VA_ENOTFOUND;
    if (r == 0)
        va_remote_get_status(assistant->remote, ret_status);
    pthread_mutex_unlock(&assistant->lock);
    return r;
}
