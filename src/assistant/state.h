/* state.h - the inside of the assistant, shared by the files of this folder.
 *
 * lock is of everything that is quick. Some are held for longer: privacy_lock while privacy mode changes, recording_lock and
 * microphone_lock while a device opens or closes, history_lock while something is added.
 * They are taken in this order: privacy_lock, recording_lock, microphone_lock, event_lock, lock. Of listening_lock, history_lock and
 * live_lock only one is held, taken after privacy_lock and before event_lock; the lock of a va_live follows live_lock. While echo_lock is
 * held, no other is taken. */
#ifndef VA_ASSISTANT_STATE_H
#define VA_ASSISTANT_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "action/action.h"
#include "assistant/assistant.h"
#include "assistant/phase.h"
#include "audio/capture.h"
#include "audio/decode.h"
#include "audio/recorder.h"
#include "base/log.h"
#include "base/metrics.h"
#include "config/config.h"
#include "controls/button.h"
#include "controls/light.h"
#include "dsp/echo.h"
#include "dsp/own_voice.h"
#include "intent/commands.h"
#include "listen/listener.h"
#include "power/power.h"
#include "privacy/privacy.h"
#include "speech/speech.h"

/* Actions that wait for others are at most VA_ACTIONS_MAX_SLOW, synthesisers VA_ASSISTANT_MAX_RENDERS: threads are left for the quick ones,
 * and for devices. */
#define VA_ERRAND_THREADS (VA_ACTIONS_MAX_SLOW + VA_ASSISTANT_MAX_RENDERS + 4)
#define VA_ACTIONS_GRACE_S 5.0
#define VA_MAX_ERRANDS 128
#define VA_MAX_WAITERS 64
#define VA_MAX_SUBSCRIBERS 8
#define VA_MAX_LIVE_JOBS 8     /* recordings that may wait beside the queue of uploads */
#define VA_MAX_COMMAND_JOBS 16 /* commands that were sent, too */
#define VA_LIVE_TASKS 0        /* the workers' id of all recordings: they are cancelled together */

/* What a reload replaces. Immutable; held by whoever uses it. */
struct va_settings {
    _Atomic int holds;
    int is_lent; /* config and commands are the caller's of a va_assistant_new that has failed */
    va_config *config;
    va_commands *commands;
    va_steering *steering; /* recognition led to the commands */
};

/* A job on its way through the workers: the user of its va_task. */
struct va_running_job {
    struct va_job job; /* without its strings: the workers have copies */
    va_assistant *assistant;
    struct va_settings *settings;
    char id[VA_ID_SIZE];
    uint64_t sequence;
    uint64_t privacy_changes;  /* when it was submitted */
    double submitted_s;        /* monotonic */
    int is_steered;            /* to the commands */
    va_audio_decoder *decoder; /* opened by the first read */
    va_error decode_error;
};

struct va_errand {
    void (*task)(void *user);
    void *user;
};

/* A risky command that was asked about. One block of memory. */
struct va_pending {
    double deadline_s; /* monotonic */
    const char *command, *response;
    size_t n_slots;
    va_slot slots[]; /* [n_slots] */
};

struct va_waiter {
    va_latest_fn call;
    void *user;
    double deadline_s; /* monotonic */
};

struct va_subscriber {
    va_assistant_event_fn call; /* NULL: none */
    void *user;
};

struct va_listening;
struct va_power_watch;

struct va_assistant {
    const va_model *model;
    const va_vad_model *vad_model; /* or NULL */
    struct va_listen_word *words;  /* [n_words] */
    size_t n_words;
    char *model_name;
    va_actions *actions;
    va_launcher *launcher;         /* or NULL: programs are started by this process */
    va_metrics *metrics;           /* or NULL */
    struct va_power_options power; /* its texts are ours */
    struct va_power_watch *power_watch;
    double started_s;

    pthread_mutex_t lock;
    struct va_settings *settings;
    int stopping;       /* nothing new is accepted */
    int errands_ending; /* errand threads end when idle */

    va_workers *workers;
    va_remote *remote; /* or NULL: nobody else transcribes */
    size_t live_in_flight;
    uint64_t next_sequence;
    uint64_t run_id; /* of this run of the program, first half of the ids */
    uint64_t transcriptions, failures, windows, retried;
    _Atomic double progress_s; /* monotonic: when a transcription last went on, or the first of them came */

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

    struct va_pending *pending; /* or NULL */
    char *last_reply;           /* or NULL */
    size_t next_example;        /* the command with which the next help begins */

    pthread_mutex_t recording_lock;
    va_buffer_pool *pool;
    va_recorder *recorder;
    char *recorder_source; /* it was made with */
    double recorder_max_s;
    _Atomic int recording;
    _Atomic uint64_t commands_run;

    pthread_mutex_t microphone_lock;   /* taken before event_lock */
    int microphone_holds;              /* of microphone_lock */
    va_capture *capture;               /* or NULL: it is closed; changes with lock, too */
    struct va_capture_status captured; /* of lock: the numbers of those that were closed */

    pthread_mutex_t listening_lock;
    struct va_listening *listening; /* or NULL */
    pthread_mutex_t echo_lock;      /* of the pointer, for the speaker's thread; a listening begins and ends while it does not change */
    va_echo *echo;                  /* or NULL */

    va_button *button;  /* or NULL */
    int is_button_held; /* to talk; otherwise it is pressed once more to end */
    va_light *light;    /* or NULL */

    pthread_mutex_t event_lock; /* taken before lock */
    struct va_phase_facts facts;
    _Atomic int phase; /* enum va_phase */
    struct va_subscriber subscribers[VA_MAX_SUBSCRIBERS];
    pthread_mutex_t privacy_lock;
    pthread_rwlock_t history_lock; /* held to read while something is added */
    va_history *history;           /* or NULL */
    _Atomic int history_failing;
    _Atomic uint64_t privacy_changes; /* odd: privacy mode is on */
    char *folder;                     /* of data, or NULL */
    int switch_on;                    /* what the switch on the disk was last seen to say */
    va_privacy_watch *privacy_watch;

    pthread_mutex_t live_lock;   /* of those below; taken before the locks of a va_live, and before lock */
    pthread_cond_t live_changed; /* one has gone silent, or is gone */
    struct va_live *lives;       /* a list of n_lives, whose threads run */
    size_t n_lives;
    int lives_ending; /* there are no new ones */

    va_speaker *synthesiser; /* NULL: there is none */
    _Atomic int renders;
    va_speaker *speaker;   /* the same, or NULL: replies are not said */
    va_error speech_error; /* the last one, for the speaker's thread */
    _Atomic int sounding;
    _Atomic uint64_t sounded_ns; /* va_clock_ns when the last reply ended; 0: none has */
    _Atomic int answer_ms;       /* how long an answer to what is being said is awaited; 0: none is */
};

double va_assistant_now_s(void);

/* events.c: the last n_private of the fields are what was said: for the log only where the options allow it. */
void va_event_tell(va_assistant *assistant, enum va_log_level level, const char *name, const struct va_field *fields, size_t n,
                   size_t n_private);
void va_phase_change(va_assistant *assistant, enum va_fact fact, int value);

/* microphone.c: the capture, opened by the first who holds it. */
VA_MUST_CHECK int va_microphone_hold(va_assistant *assistant, int fail_at_once, va_capture **ret_capture, va_error *error);
void va_microphone_release(va_assistant *assistant);

/* recording.c: gives up a recording under way, and closes the microphone unless somebody else holds it. */
void va_recording_drop(va_assistant *assistant);

/* controls.c: what is not there is waited for. VA_EINVAL: an option cannot be understood. */
VA_MUST_CHECK int va_controls_start(va_assistant *assistant, va_error *error);
void va_controls_stop(va_assistant *assistant);
void va_controls_show(va_assistant *assistant, enum va_phase phase);

/* listening.c: start does nothing, and is no failure, when the options or the models do without. */
VA_MUST_CHECK int va_listening_start(va_assistant *assistant, va_error *error);
void va_listening_stop(va_assistant *assistant);
/* What is said within wait_s is for the assistant, without a wake word. */
void va_listening_await(va_assistant *assistant, double wait_s);

/* settings.c */
VA_MUST_CHECK int va_settings_new(const va_model *model, va_config *config, va_commands *commands, struct va_settings **ret_settings,
                                  va_error *error);
struct va_settings *va_settings_hold(va_assistant *assistant);
void va_settings_release(struct va_settings *settings);

/* live.c: they end with this status, and their audio is gone when it returns. VA_ETIMEOUT: some are slow to. */
int va_lives_end(va_assistant *assistant, int status, const char *why, double timeout_s);
/* No new ones; those without an end of their audio end, the others are finished. Commands may still be carried out until va_lives_join. */
void va_lives_stop(va_assistant *assistant);
void va_lives_join(va_assistant *assistant);

/* job.c: folder holds the audio on its way to other machines. */
void va_job_next_id(va_assistant *assistant, char ret_id[VA_ID_SIZE]);
VA_MUST_CHECK int va_jobs_start(va_assistant *assistant, const char *folder, va_error *error);
void va_jobs_stop(va_assistant *assistant); /* when all that was accepted has been done */

/* speak.c: a short tone, where the options want them. */
void va_chime(va_assistant *assistant, enum va_chime chime);
/* No speaker is no failure. */
VA_MUST_CHECK int va_speech_start(va_assistant *assistant, va_error *error);
/* Ends what is said, and makes a new canceller, which has heard nothing. Nobody listens meanwhile. */
void va_speech_forget(va_assistant *assistant);

/* errand.c */
VA_MUST_CHECK int va_errands_start(va_assistant *assistant, va_error *error);
void va_errands_finish(va_assistant *assistant);

/* builtin.c: the actions that are about the assistant itself. */
VA_MUST_CHECK int va_builtins_register(va_assistant *assistant, va_error *error);
/* Unless privacy mode has been switched since privacy_changes was read. */
void va_reply_remember(va_assistant *assistant, uint64_t privacy_changes, const char *reply);
void va_reply_forget(va_assistant *assistant);

/* power.c: the watch begins when there are workers. Who free it comes last: nudging is allowed until then. */
VA_MUST_CHECK int va_power_start(va_assistant *assistant, va_error *error);
void va_power_stop(va_assistant *assistant);
void va_power_free(va_assistant *assistant);
void va_power_nudge(va_assistant *assistant);
int va_power_action(void *user, va_action_call *call);

/* privacy.c: reads the switch, before anything is opened. */
VA_MUST_CHECK int va_privacy_start(va_assistant *assistant, const char *folder, va_error *error);
void va_privacy_stop(va_assistant *assistant);
int va_privacy_action(void *user, va_action_call *call); /* the action of commands */

/* execute.c: as va_assistant_execute_text_from; of what is done nothing is kept when privacy mode has been switched since privacy_changes
 * was read. */
VA_MUST_CHECK int va_execute_said(va_assistant *assistant, const char *source, uint64_t privacy_changes, const char *text, unsigned flags,
                                  struct va_execution *ret_execution, va_error *error);

/* transcribed.c */
struct va_transcribed {
    int source; /* VA_SOURCE_ */
    const char *id, *audio_path;
    const va_transcript *transcript;
    const va_understanding *command; /* the one that counts: then the text is its sentence; or NULL */
    double duration_s, elapsed_s;    /* elapsed_s: not a number, when it is not known */
};
void va_transcribed_tell(va_assistant *assistant, const struct va_transcribed *transcribed);

/* record.c: to the history, unless privacy mode has been switched since privacy_changes was read (or the execution's). On the disk when
 * these return; that they could not is logged once. */
void va_record_transcription(va_assistant *assistant, const char *source, uint64_t privacy_changes, const struct va_job_result *result);
void va_record_execution(va_assistant *assistant, const char *source, const char *text, const struct va_execution *execution);
/* Waits for what is being added. */
void va_record_settle(va_assistant *assistant);

/* pending.c */
/* Keeps a copy, in place of the one before, unless privacy mode has been switched since privacy_changes was read. VA_ENOMEM. */
VA_MUST_CHECK int va_pending_put(va_assistant *assistant, uint64_t privacy_changes, const char *command, const char *response,
                                 const va_slot *slots, size_t n_slots, double deadline_s);
/* What is asked about, if there is still time; it is the caller's to va_free. */
struct va_pending *va_pending_take(va_assistant *assistant);
/* The same, which stays asked about: a copy, or NULL. VA_ENOMEM. */
VA_MUST_CHECK int va_pending_look(va_assistant *assistant, struct va_pending **ret_pending);

/* latest.c */
void va_latest_forget(va_assistant *assistant);
/* One transcription has ended. */
void va_latest_store(va_assistant *assistant, const struct va_running_job *job, const struct va_job_result *result);
/* Calls those whose time is up, or all when nothing is in flight any more or the assistant stops. Returns the next deadline, 0 for none,
 * and the count of waiter_events it has seen. */
double va_latest_call_waiters(va_assistant *assistant, uint64_t *ret_events);

#endif
