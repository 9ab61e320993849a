#include "remote/remote.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "remote/bus.h"
#include "remote/message.h"
#include "remote/peers.h"
#include "remote/spool.h"

#define MAX_LANES 32
#define JOB_SEEN_MS 4000 /* since a worker last said that it is at the job */
#define OFFER_MS 1500
#define OFFERS 24 /* to workers that are busy just now */
#define OFFER_PAUSE_MS 40
#define TAKE_MS 250
#define WAIT_MS 100
#define ATTEMPTS 3

/* One task at a time. What the callbacks touch is under the lock. */
struct lane {
    va_remote *remote;
    va_lane *lane;
    unsigned index;
    pthread_t thread;
    int has_thread;

    int is_offered; /* the job below is out */
    char job[VA_REMOTE_NAME_BYTES];
    struct va_spool spool;
    double seen_ms;
    int has_result;
    struct va_remote_result result;
};

struct va_remote {
    va_bus *bus;
    char name[VA_REMOTE_NAME_BYTES]; /* of this front */
    char *folder;
    char jobs_subject[VA_BUS_SUBJECT_BYTES];
    struct va_bus_subscription audio, results, pulses;
    struct lane lanes[MAX_LANES];

    pthread_mutex_t lock;
    pthread_cond_t changed; /* places, a result, or the end */
    int is_ending;
    struct va_remote_peers peers;
    uint64_t n_jobs;
    uint64_t finished, lost, returned;
};

/* ---- the workers that are there ---- */

/* With the lock held. */
static struct lane *lane_of(va_remote *remote, const char *job)
{
    for (size_t i = 0; i < MAX_LANES; i++)
        if (remote->lanes[i].is_offered && strcmp(remote->lanes[i].job, job) == 0)
            return &remote->lanes[i];
    return NULL;
}

static void on_pulse(natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *user)
{
    va_remote *remote = user;
    struct va_remote_pulse pulse;
    (void)connection;
    (void)subscription;

    if (va_remote_read_pulse(natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message), &pulse) == 0) {
        double now_ms = va_clock_ms();
        pthread_mutex_lock(&remote->lock);
        va_remote_peers_note(&remote->peers, &pulse, now_ms);
        for (size_t i = 0; i < pulse.n_jobs; i++) {
            struct lane *lane = lane_of(remote, pulse.jobs[i]);
            if (lane != NULL)
                lane->seen_ms = now_ms;
        }
        pthread_cond_broadcast(&remote->changed);
        pthread_mutex_unlock(&remote->lock);
    }
    natsMsg_Destroy(message);
}

/* ---- what workers ask for and bring ---- */

static void answer(natsConnection *connection, const natsMsg *message, const void *data, size_t n)
{
    if (natsMsg_GetReply(message) != NULL)
        (void)natsConnection_Publish(connection, natsMsg_GetReply(message), data, (int)n);
}

static void on_audio(natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *user)
{
    va_remote *remote = user;
    struct va_remote_piece piece;
    size_t n = 0;
    char *data = va_alloc(VA_REMOTE_PIECE_BYTES, 1);
    (void)subscription;

    if (data != NULL && va_remote_read_piece(natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message), &piece) == 0) {
        pthread_mutex_lock(&remote->lock);
        struct lane *lane = lane_of(remote, piece.job);
        if (lane != NULL) {
            lane->seen_ms = va_clock_ms();
            n = va_spool_piece(&lane->spool, piece.offset, data, VA_REMOTE_PIECE_BYTES);
        }
        pthread_mutex_unlock(&remote->lock);
    }
    answer(connection, message, data != NULL ? data : "", n);
    va_free(data);
    natsMsg_Destroy(message);
}

/* The first result counts. A job that is not out any more has one, or is for nobody: the worker need not send it again. */
static void on_result(natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *user)
{
    va_remote *remote = user;
    struct va_remote_result result = {.status = 0};
    (void)subscription;
    int r = va_remote_read_result(natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message), &result);

    if (r == 0) {
        pthread_mutex_lock(&remote->lock);
        struct lane *lane = lane_of(remote, result.job);
        if (lane != NULL && !lane->has_result) {
            lane->result = result;
            lane->has_result = 1;
            result.transcript = NULL;
            pthread_cond_broadcast(&remote->changed);
        }
        pthread_mutex_unlock(&remote->lock);
        va_transcript_free(result.transcript);
    }
    if (r != VA_ENOMEM) /* it comes again */
        answer(connection, message, "ok", 2);
    natsMsg_Destroy(message);
}

/* ---- one task ---- */

static void wait_a_moment(va_remote *remote, int64_t ms)
{
    va_thread_wait_until(&remote->changed, &remote->lock, va_clock_after((double)ms / 1000));
}

static int must_stop(void *user)
{
    struct lane *lane = user;
    return va_lane_must_stop(lane->lane);
}

/* A new name for the job, under which workers may ask for it. */
static void put_out(struct lane *lane)
{
    va_remote *remote = lane->remote;

    pthread_mutex_lock(&remote->lock);
    snprintf(lane->job, sizeof lane->job, "%.16s-%llu", remote->name, (unsigned long long)++remote->n_jobs);
    lane->is_offered = 1;
    lane->has_result = 0;
    lane->seen_ms = va_clock_ms();
    pthread_mutex_unlock(&remote->lock);
}

/* From here on nothing comes for it. Returns whether a result has. */
static int take_back(struct lane *lane)
{
    pthread_mutex_lock(&lane->remote->lock);
    lane->is_offered = 0;
    int has_result = lane->has_result;
    lane->has_result = 0;
    pthread_mutex_unlock(&lane->remote->lock);
    return has_result;
}

/* Until a worker takes it. VA_ENOTFOUND: there is none, or none has a place; VA_ECANCELLED. */
static int offer(struct lane *lane, const va_task *task, char ret_worker[VA_REMOTE_NAME_BYTES])
{
    va_remote *remote = lane->remote;
    struct va_remote_offer made = {.bytes = lane->spool.bytes, .options = *task->options};
    struct va_buffer message;
    int r;

    memcpy(made.job, lane->job, sizeof made.job);
    memcpy(made.front, remote->name, sizeof made.front);
    va_buffer_init(&message, VA_REMOTE_MAX_MESSAGE);
    r = va_remote_write_offer(&made, &message);
    ret_worker[0] = '\0';
    for (int i = 0; r == 0 && ret_worker[0] == '\0' && i < OFFERS; i++) {
        natsMsg *got = NULL;
        if (va_lane_must_stop(lane->lane)) {
            r = VA_ECANCELLED;
            break;
        }
        r = va_bus_request(remote->bus, remote->jobs_subject, message.data, message.size, OFFER_MS, &got);
        if (r == 0)
            r = va_remote_read_answer(natsMsg_GetData(got), (size_t)natsMsg_GetDataLength(got), ret_worker);
        natsMsg_Destroy(got);
        if (r == 0 && ret_worker[0] == '\0') {
            pthread_mutex_lock(&remote->lock);
            wait_a_moment(remote, OFFER_PAUSE_MS);
            pthread_mutex_unlock(&remote->lock);
        }
    }
    va_buffer_free(&message);
    return r == 0 && ret_worker[0] == '\0' ? VA_ENOTFOUND : r;
}

static void cancel(struct lane *lane, const char *worker)
{
    struct va_remote_piece job = {.offset = 0};
    char subject[VA_BUS_SUBJECT_BYTES];
    struct va_buffer message;

    memcpy(job.job, lane->job, sizeof job.job);
    va_bus_subject("cancel", worker, subject);
    va_buffer_init(&message, VA_REMOTE_MAX_MESSAGE);
    if (va_remote_write_piece(&job, &message) == 0)
        (void)natsConnection_Publish(va_bus_connection(lane->remote->bus), subject, message.data, (int)message.size);
    va_buffer_free(&message);
}

/* VA_ETIMEOUT: its worker is gone. VA_ECANCELLED. */
static int await_result(struct lane *lane, const char *worker)
{
    va_remote *remote = lane->remote;
    int r = 0;

    pthread_mutex_lock(&remote->lock);
    lane->seen_ms = va_clock_ms();
    while (!lane->has_result && r == 0) {
        if (va_clock_ms() - lane->seen_ms > JOB_SEEN_MS)
            r = VA_ETIMEOUT;
        else if (va_lane_must_stop(lane->lane))
            r = VA_ECANCELLED;
        else
            wait_a_moment(remote, WAIT_MS);
    }
    pthread_mutex_unlock(&remote->lock);
    if (r == VA_ECANCELLED)
        cancel(lane, worker);
    return r;
}

/* Does it lie with the worker and not with the job? Then another may do it. */
static int is_of_worker(int status)
{
    return status == VA_ENOMEM || status == VA_ESTATE || status == VA_EIO || status == VA_EBUSY || status == VA_ECANCELLED ||
           status == VA_ELIMIT;
}

static void note_lost(struct lane *lane)
{
    va_log(VA_LOG_WARNING, "remote", "the worker of %s is gone or gave it up; the job is offered again", lane->job);
    pthread_mutex_lock(&lane->remote->lock);
    lane->remote->lost++;
    pthread_mutex_unlock(&lane->remote->lock);
}

/* 0: there is a result. VA_ETIMEOUT: lost on the way; VA_ECANCELLED; others: nobody takes it. */
static int try_once(struct lane *lane, const va_task *task)
{
    char worker[VA_REMOTE_NAME_BYTES];

    put_out(lane);
    int r = offer(lane, task, worker);
    int is_taken = r == 0;
    if (is_taken)
        r = await_result(lane, worker);
    int has_result = take_back(lane);
    if (has_result && r == VA_ECANCELLED)
        va_transcript_free(lane->result.transcript);
    else if (has_result)
        r = is_of_worker(lane->result.status) ? VA_ETIMEOUT : 0;
    if (is_taken && r == VA_ETIMEOUT)
        note_lost(lane);
    return r;
}

static void release_spool(void *user)
{
    va_spool_clear(user);
    va_free(user);
}

/* The workers here do it, from what has been read. */
static void give_back(struct lane *lane)
{
    va_remote *remote = lane->remote;
    struct va_spool *spool = va_alloc(1, sizeof *spool);
    va_error error;

    pthread_mutex_lock(&remote->lock);
    remote->returned++;
    pthread_mutex_unlock(&remote->lock);
    if (spool == NULL) {
        va_spool_clear(&lane->spool);
        va_lane_end(lane->lane, va_fail_memory(&error), NULL, &error, 0);
        return;
    }
    *spool = lane->spool;
    lane->spool = (struct va_spool){.fd = -1};
    va_lane_give_back(lane->lane, &(struct va_lane_source){va_spool_read, spool, release_spool});
}

static void end_with_result(struct lane *lane, double started_ms)
{
    va_remote *remote = lane->remote;
    const struct va_remote_result *result = &lane->result;

    pthread_mutex_lock(&remote->lock);
    remote->finished++;
    pthread_mutex_unlock(&remote->lock);
    va_spool_clear(&lane->spool);
    va_lane_end(lane->lane, result->status, result->transcript, &result->error, va_clock_ms() - started_ms);
}

static void carry(struct lane *lane, const va_task *task)
{
    va_remote *remote = lane->remote;
    double started_ms = va_clock_ms();
    va_error error = {.code = 0};
    int r = va_spool_fill(&lane->spool, remote->folder, task, must_stop, lane, &error);

    if (r < 0) {
        va_lane_end(lane->lane, r, NULL, error.code < 0 ? &error : NULL, 0);
        return;
    }
    r = VA_ETIMEOUT;
    for (int attempt = 0; attempt < ATTEMPTS && r == VA_ETIMEOUT; attempt++)
        r = try_once(lane, task);
    if (r == 0) {
        end_with_result(lane, started_ms);
    } else if (r == VA_ECANCELLED) {
        va_spool_clear(&lane->spool);
        va_lane_end(lane->lane, r, NULL, NULL, 0);
    } else {
        give_back(lane);
    }
}

static void *run_lane(void *user)
{
    struct lane *lane = user;
    va_remote *remote = lane->remote;
    const va_task *task;
    unsigned n_workers;

    for (;;) {
        pthread_mutex_lock(&remote->lock);
        while (!remote->is_ending && va_remote_peers_places(&remote->peers, va_clock_ms(), &n_workers) <= lane->index)
            wait_a_moment(remote, WAIT_MS * 5);
        int is_ending = remote->is_ending;
        pthread_mutex_unlock(&remote->lock);
        if (is_ending)
            return NULL;
        int r = va_lane_take(lane->lane, TAKE_MS, &task);
        if (r == VA_ESTATE)
            return NULL;
        if (r == 0)
            carry(lane, task);
    }
}

/* ---- starting and ending ---- */

static int subscribe(va_remote *remote, const char *model, va_error *error)
{
    char subject[VA_BUS_SUBJECT_BYTES];
    int r;

    va_bus_model_subject("jobs", model, remote->jobs_subject);
    va_bus_subject("audio", remote->name, subject);
    if ((r = va_bus_subscribe(remote->bus, subject, NULL, on_audio, remote, &remote->audio, error)) < 0)
        return r;
    va_bus_subject("result", remote->name, subject);
    if ((r = va_bus_subscribe(remote->bus, subject, NULL, on_result, remote, &remote->results, error)) < 0)
        return r;
    va_bus_model_subject("workers", model, subject);
    return va_bus_subscribe(remote->bus, subject, NULL, on_pulse, remote, &remote->pulses, error);
}

static int start_lanes(va_remote *remote, va_workers *workers, va_error *error)
{
    for (unsigned i = 0; i < MAX_LANES; i++) {
        struct lane *lane = &remote->lanes[i];
        int r = va_lane_open(workers, &lane->lane, error);
        if (r == 0)
            r = va_thread_start(&lane->thread, run_lane, lane);
        if (r < 0)
            return va_fail(error, r, "cannot start a lane for remote work");
        lane->has_thread = 1;
    }
    return 0;
}

int va_remote_start(const struct va_bus_options *bus, const char *model, const char *folder, va_workers *workers, va_remote **ret_remote,
                    va_error *error)
{
    int r;
    va_remote *remote = va_calloc(1, sizeof *remote);
    if (remote == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&remote->lock, NULL);
    pthread_cond_init(&remote->changed, NULL);
    for (unsigned i = 0; i < MAX_LANES; i++) /* before messages come */
        remote->lanes[i] = (struct lane){.remote = remote, .index = i, .spool = {.fd = -1}};
    va_bus_make_id(remote->name);
    remote->folder = va_strdup(folder);
    if (remote->folder == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    if ((r = va_bus_connect(bus, &remote->bus, error)) < 0 || (r = subscribe(remote, model, error)) < 0 ||
        (r = start_lanes(remote, workers, error)) < 0)
        goto fail;
    *ret_remote = remote;
    return 0;

fail:
    va_remote_stop(remote);
    return r;
}

void va_remote_stop(va_remote *remote)
{
    if (remote == NULL)
        return;
    pthread_mutex_lock(&remote->lock);
    remote->is_ending = 1;
    pthread_cond_broadcast(&remote->changed);
    pthread_mutex_unlock(&remote->lock);
    for (size_t i = 0; i < MAX_LANES; i++) {
        if (remote->lanes[i].has_thread)
            pthread_join(remote->lanes[i].thread, NULL);
        va_lane_close(remote->lanes[i].lane);
    }
    va_bus_let_go(remote->bus);
    va_bus_unsubscribe(&remote->audio);
    va_bus_unsubscribe(&remote->results);
    va_bus_unsubscribe(&remote->pulses);
    va_bus_close(remote->bus);
    va_free(remote->folder);
    pthread_cond_destroy(&remote->changed);
    pthread_mutex_destroy(&remote->lock);
    va_free(remote);
}

void va_remote_get_status(va_remote *remote, struct va_remote_status *ret_status)
{
    pthread_mutex_lock(&remote->lock);
    *ret_status = (struct va_remote_status){
        .connected = va_bus_is_connected(remote->bus),
        .finished = remote->finished,
        .lost = remote->lost,
        .returned = remote->returned,
    };
    ret_status->places = va_remote_peers_places(&remote->peers, va_clock_ms(), &ret_status->workers);
    for (size_t i = 0; i < MAX_LANES; i++)
        ret_status->running += (unsigned)remote->lanes[i].is_offered;
    pthread_mutex_unlock(&remote->lock);
}
