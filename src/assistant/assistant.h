/* assistant.h - joins microphone, transcription, commands and actions. Callers need no other folder.
 *
 * Transcriptions go through a bounded queue to a fixed number of workers that share one model; recordings of the microphone come before
 * uploads. What may block (devices, actions) runs on errand threads. All functions are safe from any thread. */
#ifndef VA_ASSISTANT_H
#define VA_ASSISTANT_H

#include "action/action.h"
#include "base/buffer.h"
#include "base/error.h"
#include "privacy/cameras.h"
#include "store/history.h"
#include "remote/remote.h"

struct va_config;
struct va_speaker_options;
struct va_field;
struct va_launcher;
struct va_listen_word;
struct va_metrics;
typedef struct va_assistant va_assistant;

#define VA_ID_SIZE 24

/* What the assistant uses for its whole life, and does not own. */
struct va_assistant_parts {
    const va_model *model;
    const char *model_name;             /* copied */
    struct va_launcher *launcher;       /* starts programs; NULL: this process does */
    const char *folder;                 /* of data: timers and the privacy switch are kept there. NULL: nowhere */
    const va_vad_model *vad_model;      /* NULL: it does not listen by itself */
    const struct va_listen_word *words; /* [n_words], copied; what they point to is not */
    size_t n_words;
    va_history *history; /* what was transcribed and carried out is kept there before anybody hears of it; NULL: nowhere */
    void (*on_event)(void *user, const char *name, const struct va_field *fields, size_t n_fields); /* a va_assistant_event_fn, or NULL */
    void *event_user;
    struct va_metrics *metrics; /* what happens is counted there; NULL: nowhere */
};

/* Takes config and commands over on success.
 * Nothing is opened here but the workers' contexts: a machine without a sound card is fine until a recording starts. */
VA_MUST_CHECK int va_assistant_new(const struct va_assistant_parts *parts, struct va_config *config, va_commands *commands,
                                   va_assistant **ret_assistant, va_error *error);

/* Accepts nothing more (VA_ESTATE), finishes all accepted work and ends the threads. A recording under way is dropped. */
void va_assistant_stop(va_assistant *assistant);
void va_assistant_free(va_assistant *assistant); /* stops */

/* Takes config and commands over on success; work that has been accepted ends with the old ones. That they do not let it listen is
 * logged, and no failure. */
VA_MUST_CHECK int va_assistant_reload(va_assistant *assistant, struct va_config *config, va_commands *commands, va_error *error);

/* The one of the parts, or NULL. */
va_history *va_assistant_history(const va_assistant *assistant);

/* ---- transcription ---- */

struct va_job_result {
    const char *id;
    int status;                      /* 0 or VA_E* */
    const va_transcript *transcript; /* with status 0; only during the call */
    const va_error *error;           /* otherwise */
    /* With commands, where one was looked for: the most likely; its confidence says whether it counts. NULL for others. */
    const va_understanding *command;
    int is_command; /* 1: it counts, by the option commands.confidence */
};

struct va_job {
    enum va_priority priority; /* VA_PRIORITY_LIVE: a recording of the microphone */
    int fd;                    /* a seekable audio file, or -1; taken over when submit succeeds */
    float *pcm;                /* or 16 kHz mono samples [n_samples] from va_alloc; taken over when submit succeeds */
    size_t n_samples;
    const char *language;                       /* NULL: the option model.language */
    const char *prompt;                         /* NULL: none for uploads, the words of the commands for recordings */
    int timestamps;                             /* enum va_timestamps */
    int translate;                              /* 1: to English */
    int commands;                               /* 1: led to the sentences of the commands, as recordings are; without timestamps then */
    const char *source;                         /* for the history; NULL: "microphone" or "upload", by the priority. Lives for ever */
    int (*is_gone)(const void *user);           /* non-zero: nobody waits any more. NULL: never */
    void (*text)(void *user, const char *text); /* from a worker: each segment's text as soon as it is known. May be NULL */
    void (*done)(void *user, const struct va_job_result *result); /* from a worker, exactly once; may be NULL */
    void *user;
};

/* VA_EBUSY: the queue is full. VA_ESTATE: stopping. VA_EDENIED: a recording in privacy mode; uploads are taken. */
VA_MUST_CHECK int va_assistant_submit(va_assistant *assistant, const struct va_job *job, char ret_id[VA_ID_SIZE], va_error *error);

/* An upload that nobody waits for any more ends with VA_ECANCELLED: at once when it waits, else soon. VA_ENOTFOUND: it has ended. */
int va_assistant_cancel(va_assistant *assistant, const char *id);

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

/* VA_ESTATE: already recording. VA_ENOTFOUND: no device. VA_EDENIED: privacy mode is on, or the device is not for this user. */
VA_MUST_CHECK int va_assistant_start_recording(va_assistant *assistant, va_error *error);

/* Stops and submits what was heard. VA_ESTATE: not recording. VA_EDENIED: privacy mode has just been switched on, and it is dropped. */
VA_MUST_CHECK int va_assistant_stop_recording(va_assistant *assistant, char ret_id[VA_ID_SIZE], double *ret_duration_s, va_error *error);

/* ---- listening: as the options of the section listen say, from the start on ---- */

/* A button that is held while one talks, or pressed once before: as if a wake word had been said; when it is let go, the utterance
 * ends with what was captured until then. VA_ESTATE: nothing is listened to. */
VA_MUST_CHECK int va_assistant_talk(va_assistant *assistant, int pressed, va_error *error);

struct va_microphone_status {
    const char *state; /* "closed", "open", "lost" (tried again), "ended" (a file); lives for ever, as those below */
    char device[128];
    char format[16]; /* "" before it was open; then also: */
    uint32_t rate_hz, channels;
    float rms_db, peak_db;                                             /* of the last 100 ms; -120 .. 0 */
    uint64_t overruns, lost, recovered, lost_samples, clipped_samples; /* since the start of the program */
    double silent_s;                                                   /* for how long it has given nothing but zeros */
    double lost_s;                                                     /* for how long it has been wanted and not there */
    char error[256];                                                   /* why it is lost, or "" */
};

void va_assistant_get_microphone(va_assistant *assistant, struct va_microphone_status *ret_status);

/* What happens, as it happens: its name ("state", "wake", "partial", "heard", "acting", "result", "microphone", ...) and its fields, valid
 * during the call. docs/listening.md lists them. From any thread, one at a time; it must be quick, and call nothing of the assistant. */
typedef void (*va_assistant_event_fn)(void *user, const char *name, const struct va_field *fields, size_t n_fields);

/* VA_ELIMIT: 8 are told already. */
VA_MUST_CHECK int va_assistant_subscribe(va_assistant *assistant, va_assistant_event_fn call, void *user, va_error *error);
void va_assistant_unsubscribe(va_assistant *assistant, va_assistant_event_fn call, void *user);

/* ---- commands; these may block ---- */

struct va_settings;

struct va_execution {
    const char *command;
    const char *language; /* of the command */
    float score;          /* 1 when run by name */
    const va_slot *slots; /* [n_slots] */
    size_t n_slots;
    const char *response; /* text for the user, also when it failed */
    const char *output;   /* of a process, or NULL */
    int success;
    int confirm;    /* it was not run: response asks whether it shall be */
    int dry_run;    /* nothing was done: response says what would be */
    int status;     /* 0, or why it failed, as va_actions_run says it */
    va_error error; /* then */

    va_intent *intent; /* inside */
    uint64_t privacy_changes;
    struct va_settings *settings;
    struct va_pending *pending;
    char *response_memory, *output_memory;
};

enum va_execute_flag {
    VA_EXECUTE_DRY_RUN = 1,  /* as the option actions.dry_run */
    VA_EXECUTE_CONFIRMED = 2 /* a risky command is run without asking */
};

/* Finds the command that fits and runs it: 0 when there is one, whatever became of it. A risky one is kept until a command of the
 * type confirm runs it, within actions.confirm_s.
 * VA_ENOTFOUND: no command fits. VA_ENOMEM. Otherwise as va_commands_match. Clear the result. */
VA_MUST_CHECK int va_assistant_execute_text(va_assistant *assistant, const char *text, unsigned flags, struct va_execution *ret_execution,
                                            va_error *error);
/* The same for what did not come through the API: source is for the history, such as "wyoming" or "mqtt". */
VA_MUST_CHECK int va_assistant_execute_text_from(va_assistant *assistant, const char *source, const char *text, unsigned flags,
                                                 struct va_execution *ret_execution, va_error *error);

/* Runs a command by name. slots [n_slots] must live as long as the result. VA_ENOTFOUND: no such command. */
VA_MUST_CHECK int va_assistant_execute_command(va_assistant *assistant, const char *command, const va_slot *slots, size_t n_slots,
                                               unsigned flags, struct va_execution *ret_execution, va_error *error);
/* Only finds the command that fits: command, language, score and slots. VA_ENOTFOUND and others as va_assistant_execute_text. */
VA_MUST_CHECK int va_assistant_match_text(va_assistant *assistant, const char *text, struct va_execution *ret_execution, va_error *error);
void va_execution_clear(struct va_execution *execution);

/* The languages of the commands, each once. Returns how many. */
#define VA_ASSISTANT_MAX_LANGUAGES 32
#define VA_ASSISTANT_LANGUAGE_BYTES 16
size_t va_assistant_languages(va_assistant *assistant, char ret_codes[VA_ASSISTANT_MAX_LANGUAGES][VA_ASSISTANT_LANGUAGE_BYTES]);

/* What can be said. */
struct va_command_info {
    const char *name, *language;
    const char *example; /* a sentence; "" when there is none */
    const char *action;  /* "timer", "process", ...; "" for none */
    int confirm;         /* it is asked about before it is done */
};

/* Calls for each of the commands in a language (NULL: in all), at most VA_COMMANDS_LISTED. May block. */
#define VA_COMMANDS_LISTED 1000
void va_assistant_list_commands(va_assistant *assistant, const char *language,
                                void (*call)(void *user, const struct va_command_info *command), void *user);

/* ---- timers and alarms: see action/action.h ---- */

size_t va_assistant_timers(va_assistant *assistant, struct va_timer_info *ret_timers);
VA_MUST_CHECK int va_assistant_cancel_timer(va_assistant *assistant, uint64_t id, va_error *error);

/* ---- replies that are said; these return at once ---- */

/* The synthesiser, device and output of a configuration, whose strings they are; all else is left off. */
struct va_speaker_options va_assistant_speaker_options(const struct va_config *config);

enum va_speak {
    VA_SPEAK_AS_API, /* as the option speech.api has it */
    VA_SPEAK_NEVER,
    VA_SPEAK_ALWAYS /* what was spoken is answered so */
};

/* Says what a command has to tell, in its language. */
void va_assistant_reply(va_assistant *assistant, const struct va_execution *execution, enum va_speak speak);
/* language NULL: that of the speech. */
void va_assistant_say(va_assistant *assistant, const char *text, const char *language);
/* Ends what is being said and all that waits for it. */
void va_assistant_silence(va_assistant *assistant);

struct va_render {
    const char *text;     /* UTF-8, at most 4096 bytes */
    const char *language; /* NULL: that of the speech */
    const char *voice;    /* NULL: the language's */
    double speed;         /* 0 or 1: as the option speech.rate says */
};

/* The sound of a text for the caller, 16 kHz mono: ret_pcm [ret_n], va_free it. It works where replies are not said, too. Blocks while the
 * synthesiser runs, see va_assistant_run. VA_EBUSY: VA_ASSISTANT_MAX_RENDERS are under way. VA_ESTATE: there is no synthesiser. VA_EINVAL:
 * the text, or the voice. Otherwise as va_speaker_render. */
#define VA_ASSISTANT_MAX_RENDERS 4
VA_MUST_CHECK int va_assistant_render(va_assistant *assistant, const struct va_render *render, int16_t **ret_pcm, size_t *ret_n,
                                      va_error *error);
int va_assistant_can_render(const va_assistant *assistant); /* there is a synthesiser */

/* The same as a file, appended to out. format: "wav", "flac", "opus", "mp3" or "pcm" (headerless, 24 kHz), else VA_EINVAL. *ret_type
 * lives for ever: "audio/wav" ... VA_EUNSUPPORTED: the machine's libraries cannot write it. */
VA_MUST_CHECK int va_assistant_render_file(va_assistant *assistant, const struct va_render *render, const char *format,
                                           struct va_buffer *out, const char **ret_type, va_error *error);

/* ---- privacy mode ---- */

enum va_privacy_by { VA_PRIVACY_BY_API, VA_PRIVACY_BY_COMMAND, VA_PRIVACY_BY_CLI, VA_PRIVACY_BY_BUTTON, VA_PRIVACY_BY_MQTT };

struct va_privacy_state {
    int on;
    struct va_cameras cameras; /* of the option privacy.cameras */
};

/* On: the microphone is closed and refused until privacy mode is off again; what has been heard and is not a finished command is deleted:
 * a recording under way, those being transcribed (they end with VA_ECANCELLED), the latest transcription, an open question, the last reply
 * and what waits to be said. The switch is on the disk, and the cameras are released. Uploads go on and leave nothing behind.
 * Off: the switch is on the disk, the microphone can be used, the cameras are bound again.
 * ret_state says what holds now, also on failure; error says what could not be done. On is never undone: it may hold although it could not
 * be stored (VA_EIO, VA_EDENIED ...) or a camera not be released (VA_EFAILED). Off that cannot be stored is not done.
 * May block for some seconds; not from a task of the workers. */
VA_MUST_CHECK int va_assistant_privacy_set(va_assistant *assistant, int on, enum va_privacy_by by, struct va_privacy_state *ret_state,
                                           va_error *error);
void va_assistant_privacy_get(va_assistant *assistant, struct va_privacy_state *ret_state);
int va_assistant_is_private(const va_assistant *assistant);

/* VA_EDENIED: the option privacy.require_encryption is on, and the data folder is not known to be on an encrypted disk. Then nothing that
 * is said is taken, which recordings, listening, transcriptions, live audio and the history ask here, and nothing is kept. */
VA_MUST_CHECK int va_assistant_check_storage(va_assistant *assistant, va_error *error);
int va_assistant_is_storage_encrypted(const va_assistant *assistant); /* whatever the option says */

/* ---- the rest ---- */

/* Runs task on an errand thread. VA_EBUSY: too many are waiting. VA_ESTATE: stopping. */
VA_MUST_CHECK int va_assistant_run(va_assistant *assistant, void (*task)(void *user), void *user, va_error *error);

struct va_assistant_status {
    const char *state; /* as in phase.h */
    int recording;
    int privacy;
    int sounding; /* a reply is heard, which the microphone hears too */
    size_t queued, running;
    size_t capacity, workers;
    uint64_t transcriptions, failures, commands; /* since the start */
    uint64_t windows, retried;                   /* of the transcriptions, as va_transcript counts them */
    double stalled_s; /* for how long there has been work without any progress; 0: there is progress, or no work */
    double uptime_s;
    const char *model, *kernels; /* live as long as the assistant */
    int multilingual;
};

void va_assistant_get_status(va_assistant *assistant, struct va_assistant_status *ret_status);

/* That of the parts. */
const va_model *va_assistant_model(const va_assistant *assistant);

/* VA_ENOTFOUND: uploads are transcribed here only. */
VA_MUST_CHECK int va_assistant_get_remote(va_assistant *assistant, struct va_remote_status *ret_status);

/* The options of the start. */
const struct va_power_options *va_assistant_power(const va_assistant *assistant);

/* Sets the metrics that say how it is now. */
void va_assistant_measure(va_assistant *assistant);

#endif
