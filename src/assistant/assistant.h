/* assistant.h - joins microphone, transcription, commands and actions. Callers need no other folder.
 *
 * Transcriptions go through a bounded queue to a fixed number of workers that share one model; recordings of the microphone come before
 * uploads. What may block (devices, actions) runs on errand threads. All functions are safe from any thread. */
#ifndef VA_ASSISTANT_H
#define VA_ASSISTANT_H

#include "base/error.h"

struct va_config;
typedef struct va_assistant va_assistant;

#define VA_ID_SIZE 24

/* Takes config and commands over on success. model, and model_name (copied), are for the whole life.
 * Nothing is opened here but the workers' contexts: a machine without a sound card is fine until a recording starts. */
VA_MUST_CHECK int va_assistant_new(const va_model *model, const char *model_name, struct va_config *config, va_commands *commands,
                                   va_assistant **ret_assistant, va_error *error);

/* Accepts nothing more (VA_ESTATE), finishes all accepted work and ends the threads. A recording under way is dropped. */
void va_assistant_stop(va_assistant *assistant);
void va_assistant_free(va_assistant *assistant); /* stops */

/* Takes config and commands over on success; work that has been accepted ends with the old ones. */
VA_MUST_CHECK int va_assistant_reload(va_assistant *assistant, struct va_config *config, va_commands *commands, va_error *error);

/* ---- transcription ---- */

struct va_job_result {
    const char *id;
    int status;                      /* 0 or VA_E* */
    const va_transcript *transcript; /* with status 0; only during the call */
    const va_error *error;           /* otherwise */
};

struct va_job {
    enum va_priority priority;
    int fd;     /* a seekable audio file, or -1; taken over when submit succeeds */
    float *pcm; /* or 16 kHz mono samples [n_samples] from va_alloc; taken over when submit succeeds */
    size_t n_samples;
    const char *language;                                         /* NULL: the option model.language */
    const char *prompt;                                           /* NULL: none for uploads, the words of the commands for recordings */
    int timestamps;                                               /* enum va_timestamps */
    int (*is_gone)(const void *user);                             /* non-zero: nobody waits any more. NULL: never */
    void (*done)(void *user, const struct va_job_result *result); /* from a worker, exactly once; may be NULL */
    void *user;
};

/* VA_EBUSY: the queue is full. VA_ESTATE: stopping. */
VA_MUST_CHECK int va_assistant_submit(va_assistant *assistant, const struct va_job *job, char ret_id[VA_ID_SIZE], va_error *error);

/* After VA_EBUSY: in how many seconds it is worth another try, 1..60. */
int va_assistant_retry_after_s(va_assistant *assistant);

/* The transcription submitted last among those that are finished. */
struct va_latest {
    char id[VA_ID_SIZE];
    char *text;
    float confidence;
    char language[8];
    double duration_s;
    double unix_s; /* when it was finished */
    int status;    /* 0, or why there is no text */
    va_error error;
};

/* status 0: latest; VA_ENOTFOUND: there is none yet; VA_ETIMEOUT: one is still in flight; VA_ESTATE: stopping. */
typedef void (*va_latest_fn)(void *user, int status, const struct va_latest *latest);

/* Calls back exactly once: at once, or when the recordings in flight are transcribed, at the latest after timeout_s. */
void va_assistant_latest(va_assistant *assistant, double timeout_s, va_latest_fn call, void *user);

/* ---- the microphone; these may block, see va_assistant_run ---- */

/* VA_ESTATE: already recording. VA_ENOTFOUND: no device. */
VA_MUST_CHECK int va_assistant_start_recording(va_assistant *assistant, va_error *error);

/* Stops and submits what was heard. VA_ESTATE: not recording. */
VA_MUST_CHECK int va_assistant_stop_recording(va_assistant *assistant, char ret_id[VA_ID_SIZE], double *ret_duration_s, va_error *error);

/* ---- commands; these may block ---- */

struct va_settings;

struct va_execution {
    const char *command;
    float score;          /* 1 when run by name */
    const va_slot *slots; /* [n_slots] */
    size_t n_slots;
    const char *response; /* text for the user */
    const char *output;   /* of a process, or NULL */
    int success;

    va_intent *intent; /* inside */
    struct va_settings *settings;
    char *response_memory, *output_memory;
};

/* VA_ENOTFOUND: no command fits. Otherwise as va_actions_run. Clear the result. */
VA_MUST_CHECK int va_assistant_execute_text(va_assistant *assistant, const char *text, struct va_execution *ret_execution, va_error *error);

/* Runs a command by name. slots [n_slots] must live as long as the result. VA_ENOTFOUND: no such command. */
VA_MUST_CHECK int va_assistant_execute_command(va_assistant *assistant, const char *command, const va_slot *slots, size_t n_slots,
                                               struct va_execution *ret_execution, va_error *error);
void va_execution_clear(struct va_execution *execution);

/* ---- the rest ---- */

/* Runs task on an errand thread. VA_EBUSY: too many are waiting. VA_ESTATE: stopping. */
VA_MUST_CHECK int va_assistant_run(va_assistant *assistant, void (*task)(void *user), void *user, va_error *error);

struct va_assistant_status {
    int recording;
    size_t queued, running;
    size_t capacity, workers;
    uint64_t transcriptions, failures, commands; /* since the start */
    uint64_t windows, retried;                   /* of the transcriptions, as va_transcript counts them */
    double uptime_s;
    const char *model, *kernels; /* live as long as the assistant */
    int multilingual;
};

void va_assistant_get_status(va_assistant *assistant, struct va_assistant_status *ret_status);

#endif
