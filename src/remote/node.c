#include "remote/node.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audio/decode.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "remote/bus.h"
#include "remote/message.h"

#define QUEUE "workers"
#define PULSE_MS 500
#define PIECE_TIMEOUT_MS 3000
#define PIECE_TRIES 3
#define RESULT_TIMEOUT_MS 2000
#define RESULT_TRIES 5

/* The user of its task. */
struct job {
    va_node *node;
    char name[VA_REMOTE_NAME_BYTES], front[VA_REMOTE_NAME_BYTES];
    uint64_t id, bytes;
    va_audio_decoder *decoder; /* once the audio is here */
    va_error error;            /* why it is not */
    struct job *next;
};

struct va_node {
    va_bus *bus;
    va_workers *workers;
    char name[VA_REMOTE_NAME_BYTES];
    char *folder;
    char pulse_subject[VA_BUS_SUBJECT_BYTES];
    unsigned n_places;
    uint64_t max_audio_bytes;
    double max_audio_s;
    struct va_bus_subscription offers, cancels;
    pthread_t thread;
    int has_thread;

    pthread_mutex_t lock;
    pthread_cond_t ending;
    int is_ending; /* no more jobs */
    int is_over;   /* no more pulses */
    struct job *jobs;
    unsigned n_jobs;
    uint64_t next_id;
};

/* ---- the audio of a job: fetched by the worker that does it ---- */

/* VA_ECANCELLED: the front does not know the job any more. */
static int fetch_piece(struct job *job, const char *subject, uint64_t offset, int fd, size_t *ret_n)
{
    struct va_remote_piece piece = {.offset = offset};
    struct va_buffer message;
    natsMsg *got = NULL;

    memcpy(piece.job, job->name, sizeof piece.job);
    va_buffer_init(&message, VA_REMOTE_MAX_MESSAGE);
    int r = va_remote_write_piece(&piece, &message);
    for (int i = 0; r == 0 && got == NULL && i < PIECE_TRIES; i++) {
        int asked = va_bus_request(job->node->bus, subject, message.data, message.size, PIECE_TIMEOUT_MS, &got);
        if (asked < 0 && i == PIECE_TRIES - 1)
            r = va_fail(&job->error, asked, "the audio does not come: %s", va_status_text(asked));
    }
    va_buffer_free(&message);
    if (r < 0)
        return r;
    size_t n = (size_t)natsMsg_GetDataLength(got);
    if (n == 0 || n > job->bytes - offset)
        r = va_fail(&job->error, VA_ECANCELLED, "nobody waits for it any more");
    else if (va_file_write_all(fd, natsMsg_GetData(got), n) < 0)
        r = va_fail_errno(&job->error, "cannot keep the audio");
    natsMsg_Destroy(got);
    *ret_n = n;
    return r;
}

static int fetch(struct job *job)
{
    const struct va_decode_options options = {.max_seconds = job->node->max_audio_s};
    char subject[VA_BUS_SUBJECT_BYTES];
    int fd;
    int r = va_file_open_unnamed(job->node->folder, &fd, &job->error);

    if (r < 0)
        return r;
    va_bus_subject("audio", job->front, subject);
    for (uint64_t offset = 0; r == 0 && offset < job->bytes;) {
        size_t n = 0;
        r = fetch_piece(job, subject, offset, fd, &n);
        offset += n;
    }
    if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
        r = va_fail_errno(&job->error, "cannot read the audio");
    if (r < 0) {
        close(fd);
        return r;
    }
    return va_audio_decoder_open_fd(fd, "the audio", &options, &job->decoder, &job->error);
}

/* A va_read_fn. */
static int64_t read_audio(void *user, float *pcm, size_t capacity)
{
    struct job *job = user;

    if (job->decoder == NULL) {
        int r = fetch(job);
        if (r < 0)
            return r;
    }
    int64_t n = va_audio_decoder_read(job->decoder, pcm, capacity);
    if (n < 0)
        job->error = *va_audio_decoder_error(job->decoder);
    return n;
}

/* ---- the result ---- */

/* The front answers that it has come; without that it is sent again. */
static int deliver(struct job *job, const struct va_remote_result *result)
{
    struct va_buffer message;
    char subject[VA_BUS_SUBJECT_BYTES];

    va_bus_subject("result", job->front, subject);
    va_buffer_init(&message, VA_REMOTE_MAX_MESSAGE);
    int r = va_remote_write_result(result, &message);
    for (int i = 0; r == 0 && i < RESULT_TRIES; i++) {
        natsMsg *got = NULL;
        int sent = va_bus_request(job->node->bus, subject, message.data, message.size, RESULT_TIMEOUT_MS, &got);
        natsMsg_Destroy(got);
        if (sent == 0 || sent == VA_ENOTFOUND) /* it has come, or the front is gone */
            break;
        if (i == RESULT_TRIES - 1)
            r = sent;
    }
    va_buffer_free(&message);
    return r;
}

static void on_done(void *user, const va_task_result *ended)
{
    struct job *job = user;
    struct va_remote_result result = {.status = ended->status, .run_ms = ended->run_ms, .transcript = ended->transcript};

    memcpy(result.job, job->name, sizeof result.job);
    if (ended->status < 0) {
        result.error = job->error.code < 0 ? job->error : ended->error;
        result.status = result.error.code < 0 ? result.error.code : ended->status;
    }
    int r = deliver(job, &result);
    if (r == VA_ELIMIT) { /* too long for a message: the front does it itself */
        result = (struct va_remote_result){.status = va_fail(&result.error, VA_ELIMIT, "the result is too long")};
        memcpy(result.job, job->name, sizeof result.job);
        r = deliver(job, &result);
    }
    if (r < 0)
        va_log(VA_LOG_WARNING, "remote", "the result of %s could not be delivered: %s", job->name, va_status_text(r));
    else
        va_log(VA_LOG_DEBUG, "remote", "%s: %s", job->name, va_status_text(result.status));
    va_transcript_free(ended->transcript);
}

static void release_job(void *user)
{
    struct job *job = user;
    va_node *node = job->node;

    pthread_mutex_lock(&node->lock);
    struct job **place = &node->jobs;
    while (*place != job)
        place = &(*place)->next;
    *place = job->next;
    node->n_jobs--;
    pthread_mutex_unlock(&node->lock);
    va_audio_decoder_free(job->decoder);
    va_free(job);
}

/* ---- offers ---- */

/* Puts the job among those that it has, if there is a place. */
static struct job *take_job(va_node *node, const struct va_remote_offer *offer)
{
    struct job *job = va_calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    job->node = node;
    memcpy(job->name, offer->job, sizeof job->name);
    memcpy(job->front, offer->front, sizeof job->front);
    job->bytes = offer->bytes;
    pthread_mutex_lock(&node->lock);
    int is_taken = !node->is_ending && node->n_jobs < node->n_places && offer->bytes <= node->max_audio_bytes;
    if (is_taken) {
        job->id = ++node->next_id;
        job->next = node->jobs;
        node->jobs = job;
        node->n_jobs++;
    }
    pthread_mutex_unlock(&node->lock);
    if (is_taken)
        return job;
    va_free(job);
    return NULL;
}

static int submit(va_node *node, const struct va_remote_offer *offer)
{
    struct job *job = take_job(node, offer);
    if (job == NULL)
        return VA_EBUSY;
    const va_task task = {
        .id = job->id,
        .priority = VA_PRIORITY_UPLOAD,
        .read = read_audio,
        .options = &offer->options,
        .done = on_done,
        .release = release_job,
        .user = job,
    };
    int r = va_workers_submit(node->workers, &task, NULL);
    if (r < 0)
        release_job(job);
    return r;
}

static void on_offer(natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *user)
{
    va_node *node = user;
    struct va_remote_offer offer;
    struct va_buffer answer;
    (void)subscription;

    if (natsMsg_GetReply(message) != NULL &&
        va_remote_read_offer(natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message), &offer) == 0) {
        int r = submit(node, &offer);
        if (r == 0)
            va_log(VA_LOG_DEBUG, "remote", "%s: taken", offer.job);
        va_buffer_init(&answer, VA_REMOTE_MAX_MESSAGE);
        if (va_remote_write_answer(r == 0 ? node->name : NULL, &answer) == 0)
            (void)natsConnection_Publish(connection, natsMsg_GetReply(message), answer.data, (int)answer.size);
        va_buffer_free(&answer);
        va_remote_offer_clear(&offer);
    }
    natsMsg_Destroy(message);
}

static void on_cancel(natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *user)
{
    va_node *node = user;
    struct va_remote_piece piece;
    uint64_t id = 0;
    (void)connection;
    (void)subscription;

    if (va_remote_read_piece(natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message), &piece) == 0) {
        pthread_mutex_lock(&node->lock);
        for (const struct job *job = node->jobs; job != NULL; job = job->next)
            if (strcmp(job->name, piece.job) == 0)
                id = job->id;
        pthread_mutex_unlock(&node->lock);
    }
    if (id != 0)
        (void)va_workers_cancel(node->workers, id);
    natsMsg_Destroy(message);
}

/* ---- pulse ---- */

static void send_pulse(va_node *node)
{
    struct va_remote_pulse pulse = {.n_jobs = 0};
    struct va_buffer message;

    memcpy(pulse.worker, node->name, sizeof pulse.worker);
    pulse.places = node->is_ending ? 0 : node->n_places;
    for (const struct job *job = node->jobs; job != NULL && pulse.n_jobs < VA_REMOTE_MAX_JOBS; job = job->next)
        memcpy(pulse.jobs[pulse.n_jobs++], job->name, sizeof job->name);
    va_buffer_init(&message, VA_REMOTE_MAX_MESSAGE);
    if (va_remote_write_pulse(&pulse, &message) == 0)
        (void)natsConnection_Publish(va_bus_connection(node->bus), node->pulse_subject, message.data, (int)message.size);
    va_buffer_free(&message);
}

static void *beat(void *user)
{
    va_node *node = user;
    uint64_t due_ns = va_clock_ns();

    pthread_mutex_lock(&node->lock);
    while (!node->is_over) {
        send_pulse(node);
        due_ns += PULSE_MS * 1000000u;
        while (!node->is_over && va_thread_wait_until(&node->ending, &node->lock, due_ns) == 0)
            ;
    }
    pthread_mutex_unlock(&node->lock);
    return NULL;
}

/* ---- starting and ending ---- */

static void init_locks(va_node *node)
{
    pthread_mutex_init(&node->lock, NULL);
    pthread_cond_init(&node->ending, NULL);
}

static int subscribe(va_node *node, const char *model, va_error *error)
{
    char subject[VA_BUS_SUBJECT_BYTES];
    int r;

    va_bus_model_subject("workers", model, node->pulse_subject);
    va_bus_subject("cancel", node->name, subject);
    if ((r = va_bus_subscribe(node->bus, subject, NULL, on_cancel, node, &node->cancels, error)) < 0)
        return r;
    va_bus_model_subject("jobs", model, subject);
    return va_bus_subscribe(node->bus, subject, QUEUE, on_offer, node, &node->offers, error);
}

int va_node_start(const struct va_node_options *options, va_workers *workers, va_node **ret_node, va_error *error)
{
    int r;
    va_node *node = va_calloc(1, sizeof *node);
    if (node == NULL)
        return va_fail_memory(error);
    init_locks(node);
    va_bus_make_id(node->name);
    node->workers = workers;
    node->n_places = options->n_workers + 1;
    node->max_audio_bytes = options->max_audio_bytes;
    node->max_audio_s = options->max_audio_s;
    node->folder = va_strdup(options->folder);
    if (node->folder == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    if ((r = va_bus_connect(options->bus, &node->bus, error)) < 0 || (r = subscribe(node, options->model, error)) < 0)
        goto fail;
    if ((r = va_thread_start(&node->thread, beat, node)) < 0) {
        va_fail(error, r, "cannot start the pulse's thread");
        goto fail;
    }
    node->has_thread = 1;
    *ret_node = node;
    return 0;

fail:
    va_node_free(node);
    return r;
}

void va_node_close(va_node *node)
{
    pthread_mutex_lock(&node->lock);
    node->is_ending = 1;
    pthread_mutex_unlock(&node->lock);
    va_bus_unsubscribe(&node->offers);
}

void va_node_free(va_node *node)
{
    if (node == NULL)
        return;
    va_bus_let_go(node->bus);
    va_node_close(node);
    va_bus_unsubscribe(&node->cancels);
    pthread_mutex_lock(&node->lock);
    node->is_over = 1;
    pthread_cond_broadcast(&node->ending);
    pthread_mutex_unlock(&node->lock);
    if (node->has_thread)
        pthread_join(node->thread, NULL);
    va_bus_close(node->bus);
    va_free(node->folder);
    pthread_cond_destroy(&node->ending);
    pthread_mutex_destroy(&node->lock);
    va_free(node);
}
