/* state.h - the inside of the assistant, shared by the files of this folder.
 *
 * One lock for everything that is quick; recording_lock is held while a device opens or closes, and is taken before lock. */
#ifndef VA_ASSISTANT_STATE_H
#define VA_ASSISTANT_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "action/action.h"
#include "assistant/assistant.h"
#include "audio/decode.h"
#include "audio/recorder.h"
#include "config/config.h"
#include "intent/commands.h"

#define VA_ERRAND_THREADS 3
#define VA_MAX_ERRANDS 128
#define VA_MAX_WAITERS 64
#define VA_MAX_LIVE_JOBS 8 /* recordings that may wait beside the queue of uploads */
#define VA_PROMPT_BYTES 512

/* What a reload replaces. Immutable; held by whoever uses it. */
struct va_settings {
    _Atomic int holds;
    va_config *config;
    va_commands *commands;
    char prompt[VA_PROMPT_BYTES];
};

/* A job on its way through the workers: the user of its va_task. */
struct va_running_job {
    struct va_job job; /* without its strings: the workers have copies */
    va_assistant *assistant;
    struct va_settings *settings;
    char id[VA_ID_SIZE];
    uint64_t sequence;
    va_audio_decoder *decoder; /* opened by the first read */
    va_error decode_error;
};

struct va_errand {
    void (*task)(void *user);
    void *user;
};

struct va_waiter {
    va_latest_fn call;
    void *user;
    double deadline_s; /* monotonic */
};

struct va_assistant {
    const va_model *model;
    char *model_name;
    va_actions *actions;
    double started_s;

    pthread_mutex_t lock;
    struct va_settings *settings;
    int stopping;       /* nothing new is accepted */
    int errands_ending; /* errand threads end when idle */

    va_workers *workers;
    size_t live_in_flight;
    uint64_t next_sequence;
    uint64_t run_id; /* of this run of the program, first half of the ids */
    uint64_t transcriptions, failures, windows, retried;

    pthread_cond_t errand_ready;
    struct va_errand errands[VA_MAX_ERRANDS]; /* a ring */
    size_t first_errand, n_errands;
    pthread_t errand_threads[VA_ERRAND_THREADS];
    int n_errand_threads;

    struct va_latest latest; /* sequence 0: none yet */
    uint64_t latest_sequence;
    struct va_waiter waiters[VA_MAX_WAITERS];
    size_t n_waiters;
    uint64_t waiter_events; /* counts what may make a waiter ready */

    pthread_mutex_t recording_lock;
    va_buffer_pool *pool;
    va_recorder *recorder;
    char *recorder_source; /* it was made with */
    double recorder_max_s;
    _Atomic int recording;
    _Atomic uint64_t commands_run;
};

double va_assistant_now_s(void);

/* settings.c */
VA_MUST_CHECK int va_settings_new(va_config *config, va_commands *commands, struct va_settings **ret_settings, va_error *error);
struct va_settings *va_settings_hold(va_assistant *assistant);
void va_settings_release(struct va_settings *settings);

/* job.c */
VA_MUST_CHECK int va_jobs_start(va_assistant *assistant, va_error *error);

/* errand.c */
VA_MUST_CHECK int va_errands_start(va_assistant *assistant, va_error *error);
void va_errands_finish(va_assistant *assistant);

/* latest.c: one transcription has ended. */
void va_latest_store(va_assistant *assistant, const struct va_running_job *job, const struct va_job_result *result);
/* Calls those whose time is up, or all when nothing is in flight any more or the assistant stops. Returns the next deadline, 0 for none,
 * and the count of waiter_events it has seen. */
double va_latest_call_waiters(va_assistant *assistant, uint64_t *ret_events);

#endif
