/* voice_assistant.h - speech to text and command understanding on the device.
 *
 * The only public header of libvoice_assistant. C17 and C++.
 *
 *     va_model *model = NULL;
 *     va_context *context = NULL;
 *     va_transcript *transcript = NULL;
 *     va_error error;
 *
 *     if (va_model_open("base.vam", NULL, &model, &error) == 0 &&
 *         va_context_new(model, 2, &context, &error) == 0 &&
 *         va_transcribe(context, pcm, n_samples, NULL, &transcript, &error) == 0)
 *         puts(transcript->text);
 *     else
 *         fprintf(stderr, "%s\n", error.text);
 *     va_transcript_free(transcript);
 *     va_context_free(context);
 *     va_model_free(model);
 *
 * Errors. Every function that can fail returns 0 or a negative VA_E* code. Outputs come last, are named ret_*, and are
 * left untouched on failure; `error`, where it is taken, may be NULL. Free functions accept NULL.
 *
 * Threads. A va_model is immutable: any number of contexts and threads may share one. A va_context does one thing at a time.
 * va_workers hold several contexts and a queue before them.
 */
#ifndef VOICE_ASSISTANT_H
#define VOICE_ASSISTANT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VA_API __attribute__((visibility("default")))
#define VA_MUST_CHECK __attribute__((warn_unused_result))

#define VA_SAMPLE_RATE_HZ 16000

enum va_status {
    VA_OK = 0,
    VA_EINVAL = -1,       /* the caller's arguments make no sense */
    VA_ENOMEM = -2,       /* out of memory */
    VA_EIO = -3,          /* reading or writing failed */
    VA_EFORMAT = -4,      /* input is damaged or not what it claims to be */
    VA_EUNSUPPORTED = -5, /* input is sound but of a kind not handled */
    VA_ENOTFOUND = -6,    /* no such file, model, device, command */
    VA_ELIMIT = -7,       /* a stated bound was exceeded */
    VA_EBUSY = -8,        /* queue full or device in use: try again later */
    VA_ECANCELLED = -9,   /* the caller asked to stop */
    VA_ETIMEOUT = -10,    /* the deadline passed */
    VA_EDENIED = -11,     /* not permitted */
    VA_ESTATE = -12,      /* not possible in the present state */
    VA_EFAILED = -13      /* a child process or peer reported failure */
};

typedef struct va_error {
    int code;       /* the VA_E* returned */
    char text[256]; /* one line for a person: what happened and, where known, what to do */
} va_error;

/* A short name for a status ("out of memory"). Never NULL. */
VA_API const char *va_status_text(int status);

/* "1.2.3" */
VA_API const char *va_version(void);

/* ---- model ---- */

typedef struct va_model va_model;

typedef struct va_model_options {
    const char *kernels; /* name of an instruction set ("c", "avx2", "avx512vnni", "neon", ...), NULL for the best this processor has */
} va_model_options;

/* Maps a prepared model file (made by `voice-assistant model import`) read-only. options may be NULL.
 * VA_ENOTFOUND, VA_EFORMAT (damaged, or made by another version), VA_EUNSUPPORTED (kernels), VA_ENOMEM, VA_EIO. */
VA_API VA_MUST_CHECK int va_model_open(const char *path, const va_model_options *options, va_model **ret_model, va_error *error);

/* Contexts made from the model must be freed before it. */
VA_API void va_model_free(va_model *model);

/* 1 when the model knows many languages, 0 for an English-only (.en) one. */
VA_API int va_model_is_multilingual(const va_model *model);

/* The instruction set in use. Lives as long as the model. */
VA_API const char *va_model_kernels(const va_model *model);

/* The bytes [*ret_n] of a token: text that may begin or end within a UTF-8 character, without a NUL behind it. Of what is no text token,
 * 0 bytes. Lives as long as the model. */
VA_API const char *va_model_token(const va_model *model, int32_t token, size_t *ret_n);

/* ---- transcription ---- */

typedef struct va_context va_context;

/* Leads recognition to the sentences of commands: see va_steering_new, below. */
typedef struct va_steering va_steering;

enum va_timestamps {
    VA_TIMESTAMPS_NONE = 0,    /* one segment a window: fastest, for commands */
    VA_TIMESTAMPS_SEGMENT = 1, /* needed for good results beyond 30 s */
    VA_TIMESTAMPS_WORD = 2
};

/* Called between the encoder's layers and between decoding steps, from the thread that transcribes. done_s and total_s in seconds of audio;
 * total_s is 0 when not known. Return non-zero to cancel: the transcription ends with VA_ECANCELLED. */
typedef int (*va_progress_fn)(void *user, double done_s, double total_s);

/* The text of one more segment, from the thread that transcribes, as soon as its window is decoded; valid during the call. */
typedef void (*va_text_fn)(void *user, const char *text);

typedef struct va_transcribe_options {
    const char *language;              /* "en", "de", ...; "auto" or NULL: detected from the first window (English for .en models) */
    int translate;                     /* 1: to English text */
    int beam_size;                     /* 1 = greedy, up to 8 */
    int timestamps;                    /* enum va_timestamps */
    const char *prompt;                /* text that came before, or words to expect; NULL for none */
    int condition_on_previous_text;    /* 1: each window's text is the next one's prompt */
    int temperature_fallback;          /* 1: decode again at temperatures 0.2 .. 1.0 when the result fails the two thresholds below */
    float compression_ratio_threshold; /* 2.4: above it the text repeats itself */
    float avg_logprob_threshold;       /* -1.0: below it the text is doubtful */
    float no_speech_threshold;         /* 0.6: above it, with a doubtful text, the window is silence */
    const int32_t *guess;              /* [n_guess] tokens that are probably said, such as those of an earlier result for a part of the */
    size_t n_guess;                    /* audio: makes it faster where right, and never changes the text */
    const va_steering *steering; /* or NULL. Of audio of up to 30 s, also the most likely command is looked for, without timestamps; it
                                    must outlive the transcription */
    uint64_t seed;               /* for sampling at temperatures above 0 */
    va_progress_fn progress;     /* or NULL */
    void *progress_user;
    va_text_fn on_text; /* or NULL */
    void *on_text_user;
} va_transcribe_options;

/* Defaults: language NULL, greedy, segment timestamps, no prompt, no conditioning, fallback on, thresholds as above. */
VA_API void va_transcribe_options_init(va_transcribe_options *options);

typedef struct va_word {
    double start_s, end_s;
    float probability; /* 0..1 */
    const char *text;  /* UTF-8, with its leading space where the language has one */
} va_word;

typedef struct va_segment {
    double start_s, end_s; /* from the start of the audio */
    const char *text;      /* UTF-8, trimmed */
    float confidence;      /* 0..1: exp of the mean token log-probability */
    float avg_logprob;
    float no_speech_prob;    /* 0..1 */
    float compression_ratio; /* UTF-8 bytes / zlib-compressed bytes */
    float temperature;
    const int32_t *tokens; /* [n_tokens] text tokens */
    const float *logprobs; /* [n_tokens] of each */
    size_t n_tokens;
    const va_word *words; /* [n_words], with VA_TIMESTAMPS_WORD */
    size_t n_words;
} va_segment;

typedef struct va_timing {
    double mel_ms, encode_ms, decode_ms, total_ms; /* wall time */
} va_timing;

typedef struct va_transcript {
    const char *text;           /* UTF-8; empty when nothing was said */
    float confidence;           /* 0..1, mean over tokens; 0 when there is no text */
    char language[8];           /* ISO 639 code */
    float language_probability; /* 1 when the language was given */
    float no_speech_prob;       /* of the first window */
    double duration_s;          /* of the audio */
    const char *command_text;   /* with steering: the most likely sentence of a command, as it would be written; NULL when it was not looked
                                   for, because the text is one and clear, or when none came near */
    float text_logprob;         /* with steering: mean over the text's tokens and its end */
    float command_logprob;      /* the same of command_text; 0 without */
    int command_n_tokens;       /* of command_text, without its end */
    float command_loss;         /* how much the whole of command_text is less likely than the text, as a difference of log-probabilities;
                                   below 0 when it is likelier */
    const va_segment *segments; /* [n_segments] */
    size_t n_segments;
    va_timing timing;
    int n_windows; /* that were decoded: one for audio of up to 30 s */
    int n_retried; /* of them, short clips that were decoded again with a full window, because the text repeated itself */
} va_transcript;

/* threads: 1..64, used inside one transcription. The text never depends on their number. */
VA_API VA_MUST_CHECK int va_context_new(const va_model *model, int threads, va_context **ret_context, va_error *error);
VA_API void va_context_free(va_context *context);

/* pcm [n_samples]: 16 kHz mono, -1..1. Any length; no audio gives an empty transcript. options may be NULL for the defaults.
 * The transcript belongs to the caller. VA_EINVAL (options), VA_ENOMEM, VA_ECANCELLED. */
VA_API VA_MUST_CHECK int va_transcribe(va_context *context, const float *pcm, size_t n_samples, const va_transcribe_options *options,
                                       va_transcript **ret_transcript, va_error *error);

/* Fills pcm [capacity] with the next samples. Returns how many (0 at the end) or a negative VA_E*. */
typedef int64_t (*va_read_fn)(void *user, float *pcm, size_t capacity);

/* As va_transcribe for audio of any length in bounded memory: read is called as the windows advance.
 * total_samples is for progress only; 0 when not known. */
VA_API VA_MUST_CHECK int va_transcribe_stream(va_context *context, va_read_fn read, void *read_user, uint64_t total_samples,
                                              const va_transcribe_options *options, va_transcript **ret_transcript, va_error *error);

VA_API void va_transcript_free(va_transcript *transcript);

/* ---- workers ---- */

/* A bounded queue of transcriptions and the threads that do them. The workers share one model; each has a context of its own. All of
 * these functions but va_workers_free may be called from any thread, at the same time; `done` below must not call va_workers_shutdown. */
typedef struct va_workers va_workers;

typedef struct va_workers_options {
    int workers;                 /* 1..16 */
    int threads;                 /* of each worker's context, 1..64; 0: the processor's cores divided by the workers */
    size_t max_waiting;          /* 0..65536 uploads that may wait, beside those that idle workers take at once */
    size_t max_waiting_live;     /* the same for live tasks */
    size_t max_waiting_commands; /* and for commands */
    int keep_context_s; /* 0..31536000: how long an idle worker keeps its context; -1: always. Then its memory goes back to the system */
    int nice;           /* 0..19: so much less of the processor for the workers than for the caller's thread, when both want it */
} va_workers_options;

/* Defaults: 2 workers, cores / workers threads, 16 uploads, 8 live tasks, 16 commands, 15 s, nice 0. */
VA_API void va_workers_options_init(va_workers_options *options);

/* Makes the contexts and starts the threads. options may be NULL. The model must outlive the workers. VA_EINVAL, VA_ENOMEM. */
VA_API VA_MUST_CHECK int va_workers_new(const va_model *model, const va_workers_options *options, va_workers **ret_workers,
                                        va_error *error);

typedef struct va_task_result {
    uint64_t id;
    int status;                /* 0 or VA_E*; VA_ECANCELLED: by va_workers_cancel, a shutdown or the task's progress function */
    va_transcript *transcript; /* with status 0, else NULL; belongs to who receives the result: va_transcript_free */
    va_error error;            /* with another status */
    double run_ms;             /* how long a worker had it; 0 when none ever did */
} va_task_result;

enum va_priority {
    VA_PRIORITY_LIVE = 0,    /* somebody has spoken and waits for the answer: before all others */
    VA_PRIORITY_COMMAND = 1, /* a command that was sent */
    VA_PRIORITY_UPLOAD = 2
};

#define VA_SHORT_TASK_SAMPLES (30 * VA_SAMPLE_RATE_HZ)

/* Set what is not used to zero. */
typedef struct va_task {
    uint64_t id;      /* the caller's; need not be unique */
    int priority;     /* enum va_priority; in order of submission within one, but see below */
    const float *pcm; /* [n_samples] as for va_transcribe: copied when `release` is NULL, else used where it is */
    size_t n_samples; /* with read: about how many, 0 when not known */
    va_read_fn read;  /* instead of pcm: called with user from a worker as the transcription advances; it may open its source first */
    const va_transcribe_options *options; /* copied with its strings; NULL for the defaults. Wrong options are the result's VA_EINVAL. Its
                                             progress function is also asked before the work begins: what nobody waits for never does */
    void (*done)(void *user, const va_task_result *result); /* takes the result, exactly once. NULL: it waits for va_workers_get_result */
    void (*release)(void *user); /* pcm and user are needed no longer: once, after done or before the result can be got. May be NULL */
    void *user;                  /* of read, done and release */
} va_task;

/* Nobody waits behind what takes long: when all workers are at work, a task interrupts one of lower priority between two of its steps, and
 * a short upload (n_samples known, up to VA_SHORT_TASK_SAMPLES) a longer one, which gets at least half of the time. Meanwhile the worker
 * has a second context.
 *
 * `done` runs without any lock, on the thread that ends the task: a worker, or the caller of va_workers_cancel or va_workers_shutdown for
 * one that was waiting. It may run before this returns. On failure the task is still wholly the caller's.
 * VA_EBUSY: no place in the queue. A task keeps its place until a worker begins it; one without `done` takes a place again when it ends,
 * until its result is fetched, so what is kept never exceeds max_waiting (_live, _commands) + workers of each priority.
 * VA_ESTATE: shut down. VA_EINVAL, VA_ENOMEM. */
VA_API VA_MUST_CHECK int va_workers_submit(va_workers *workers, const va_task *task, va_error *error);

/* The next result of a task without `done`, in the order they ended. Waits timeout_ms for one (0: not at all, negative: as long as it
 * takes). VA_ETIMEOUT. VA_ESTATE: shut down, and all results have been fetched. */
VA_API VA_MUST_CHECK int va_workers_get_result(va_workers *workers, int timeout_ms, va_task_result *ret_result);

/* Cancels all tasks with this id: those that wait end at once, those at work before their next decoding step (one that has taken its last
 * ends well). VA_ENOTFOUND: there is none. */
VA_API int va_workers_cancel(va_workers *workers, uint64_t id);

/* What the workers' contexts remember of audio and text is wiped and freed: of idle workers now, of those at work when their task has
 * ended. Returns when no worker is left to do so but those at work; tasks that are cancelled it waits for.
 * VA_ETIMEOUT: that took longer than timeout_ms. */
VA_API VA_MUST_CHECK int va_workers_forget(va_workers *workers, int timeout_ms);

typedef struct va_workers_status {
    size_t workers, max_waiting; /* of the options */
    size_t running;              /* tasks that a worker has */
    size_t waiting;              /* tasks of all priorities that wait for a worker */
    size_t finished;             /* results that wait to be fetched */
    double mean_run_ms;          /* moving mean over the last tasks that were done, without interruptions */
} va_workers_status;

VA_API void va_workers_get_status(va_workers *workers, va_workers_status *ret_status);

/* Accepts nothing more, ends what was accepted and returns when the threads are gone. cancel 0: all of it is transcribed; 1: as if every
 * task were cancelled. Results can still be fetched. Again: waits for the same, and may cancel what an earlier call would finish. */
VA_API void va_workers_shutdown(va_workers *workers, int cancel);

/* Shuts down, cancelling, and drops results that nobody has fetched. */
VA_API void va_workers_free(va_workers *workers);

/* ---- streaming ---- */

/* The speech detector's prepared file (made by `voice-assistant model fetch vad`), mapped. Immutable: any number of streams and threads may
 * share one. VA_ENOTFOUND, VA_EFORMAT, VA_ENOMEM, VA_EIO. */
typedef struct va_vad_model va_vad_model;
VA_API VA_MUST_CHECK int va_vad_model_open(const char *path, va_vad_model **ret_model, va_error *error);
VA_API void va_vad_model_free(va_vad_model *model);

/* Audio goes in as it is recorded; utterances and their texts come out while somebody speaks.
 *
 *     if (va_stream_new(model, vad_model, NULL, on_event, user, &stream, &error) == 0) {
 *         while (status == 0 && (n = read_microphone(pcm, 1600)) > 0)
 *             status = va_stream_push(stream, pcm, n, &error);
 *         if (status == 0)
 *             status = va_stream_finish(stream, &error);
 *     }
 *     va_stream_free(stream);
 *
 * Pushing only listens for speech and pauses; a thread of the stream's own decodes and calls on_event. When the speaker pauses, what was
 * said is decoded at once, so that its text is there before it is certain that nothing follows; if speech goes on, that text is thrown
 * away. The texts of VA_STREAM_FINAL depend on the audio only: not on how it is cut into pushes, how fast it comes, or the threads. */
typedef struct va_stream va_stream;

enum va_stream_event_kind {
    VA_STREAM_START = 1, /* somebody speaks */
    VA_STREAM_PARTIAL,   /* what has been said so far; its last words are guesses */
    VA_STREAM_READY,     /* the speaker pauses: this is the final text, unless VA_STREAM_RESUMED follows */
    VA_STREAM_RESUMED,   /* the speaker goes on */
    VA_STREAM_FINAL      /* the utterance is over. Comes once after each START; the text is empty when no word was heard */
};

typedef struct va_stream_event {
    int kind;                        /* enum va_stream_event_kind */
    uint64_t utterance;              /* 1, 2, ... */
    double start_s, end_s;           /* of the stream: what there is of the utterance, or what the text covers, with some silence around */
    double speech_end_s;             /* where speech ended or paused, as far as known */
    double heard_s;                  /* how much of the stream has been pushed by now */
    double wait_ms;                  /* wall time from the push that brought the event about until now */
    const char *text;                /* "" where there is none. Valid during the call, as the transcript is */
    size_t n_stable;                 /* the first bytes of text, whole words, which the decoding before found too: they seldom change */
    const va_transcript *transcript; /* of the text, NULL where there is none; its times count from start_s */
} va_stream_event;

/* Runs on the stream's thread, in the order of the stream, without any lock. Decoding waits until it returns. It must not push to, finish
 * or free the stream. */
typedef void (*va_stream_event_fn)(void *user, const va_stream_event *event);

typedef struct va_stream_options {
    const va_transcribe_options *transcribe; /* copied with its strings; progress and guess are not looked at. NULL: the defaults, without
                                                timestamps. Partial texts are decoded greedily and without fallback */
    int threads;                             /* of decoding, 1..64; 0: one per core */
    int step_ms;  /* a partial text after so much more audio, if decoding then takes no more than half of the time: 100..10000; 0: none */
    int pause_ms; /* of pause, after which the text is decoded (READY): 64..2000 */
    int end_ms;   /* of pause, after which the utterance is over: pause_ms..10000 */
    int max_ms;   /* of an utterance: 2000..29000. A longer one is cut in the last short pause of its second half, if there is one */
} va_stream_options;

VA_API void va_stream_options_init(va_stream_options *options);

/* options may be NULL for the defaults: one thread per core, a partial text every 300 ms, READY after 160 ms of pause, the end after 600
 * ms, at most 28 s. Both models must outlive the stream. VA_EINVAL (options, those of transcribing too), VA_EUNSUPPORTED, VA_ENOMEM. */
VA_API VA_MUST_CHECK int va_stream_new(const va_model *model, const va_vad_model *vad_model, const va_stream_options *options,
                                       va_stream_event_fn on_event, void *user, va_stream **ret_stream, va_error *error);

/* pcm [n_samples]: 16 kHz mono, -1..1; pieces of any size. What is not finite counts as 0. Takes well below a millisecond for 100 ms of
 * audio, and waits only when decoding is some 10 s behind: of a file that is pushed faster than it can be decoded nothing is lost.
 * A failure of decoding (VA_ENOMEM) is returned by the next calls; no event comes after it. VA_ESTATE: after va_stream_finish.
 * va_stream_push, _finish and _free: one thread at a time. */
VA_API VA_MUST_CHECK int va_stream_push(va_stream *stream, const float *pcm, size_t n_samples, va_error *error);

/* The audio is interrupted: ends an utterance that is under way, whose VA_STREAM_FINAL comes as always. What is pushed next has nothing to
 * do with what came before; positions go on. By the pusher. VA_ESTATE, or as va_stream_push. */
VA_API VA_MUST_CHECK int va_stream_break(va_stream *stream, va_error *error);

/* Two for the receiver of events, from within its function.
 * At VA_STREAM_READY: this pause ends the utterance as soon as it has lasted for pause_ms, 1..10000, instead of end_ms: sooner when
 * nothing can follow, later when something must. Does nothing when speech has gone on meanwhile. */
VA_API void va_stream_end_after(va_stream *stream, int pause_ms);

/* The utterance under way ends at end_s of the stream: its VA_STREAM_FINAL is the text up to there; what is said behind it is another
 * utterance. For speech that others go on with. Does nothing when there is no utterance that holds that moment. */
VA_API void va_stream_end_at(va_stream *stream, double end_s);

/* The audio ends: ends an utterance that is under way, and returns when every event has been delivered. */
VA_API VA_MUST_CHECK int va_stream_finish(va_stream *stream, va_error *error);

/* Without va_stream_finish: cancels what is being decoded; no event comes after it. */
VA_API void va_stream_free(va_stream *stream);

/* ---- commands ---- */

typedef struct va_commands va_commands;

/* Loads command templates from a YAML file or every *.yaml in a folder. error says file:line and what is wrong. */
VA_API VA_MUST_CHECK int va_commands_open(const char *path, va_commands **ret_commands, va_error *error);
VA_API void va_commands_free(va_commands *commands);

typedef struct va_slot {
    const char *name, *value;
} va_slot;

typedef struct va_intent {
    const char *name;     /* of the command */
    float score;          /* 0..1: how well the text fits */
    const char *response; /* template of the reply, "" when none */
    const va_slot *slots; /* [n_slots] */
    size_t n_slots;
    size_t n_fixed, n_open; /* bytes of the text that stand in the command's sentence, and that a wildcard took */
} va_intent;

/* VA_ENOTFOUND when no command fits. The intent belongs to the caller. Safe from several threads at once. */
VA_API VA_MUST_CHECK int va_commands_match(const va_commands *commands, const char *text, va_intent **ret_intent, va_error *error);
VA_API void va_intent_free(va_intent *intent);

/* ---- understanding ---- */

/* Recognition led to the sentences of commands, which are not expanded. Give it to va_transcribe in the options, with its prompt:
 *
 *     va_steering_new(model, commands, NULL, &steering, &error);
 *     options.steering = steering;
 *     options.prompt = va_steering_prompt(steering);
 *     options.timestamps = VA_TIMESTAMPS_NONE;
 *     va_transcribe(context, pcm, n, &options, &transcript, &error);
 *     va_understand(steering, transcript, &understanding, &error);
 *
 * Any number of transcriptions may use one steering at once; model and commands must outlive it. */

/* language: of the commands that may be said, such as "en"; NULL for all. VA_ENOMEM, VA_ELIMIT. */
VA_API VA_MUST_CHECK int va_steering_new(const va_model *model, const va_commands *commands, const char *language,
                                         va_steering **ret_steering, va_error *error);
VA_API void va_steering_free(va_steering *steering);

/* The words of the commands that recognition should expect; "" when there is no memory for them. The first call finds them, which takes
 * some milliseconds. Never NULL; lives as long as the steering. Any thread. */
VA_API const char *va_steering_prompt(const va_steering *steering);

typedef struct va_understanding {
    va_intent *intent; /* the most likely command; NULL when the transcript holds none */
    float confidence;  /* 0..1: how sure it is that this command was said, and not something else. 0 without an intent */
    const char *text;  /* the sentence the intent was found in, as in the transcript: its text or its command_text */
} va_understanding;

#define VA_CONFIDENCE_DEFAULT 0.5f /* of a command that may be run: see docs/understanding.md for what other values bring */

/* What a transcript that was made with the steering means. The understanding is the caller's; the transcript must outlive it.
 * VA_ENOMEM. */
VA_API VA_MUST_CHECK int va_understand(const va_steering *steering, const va_transcript *transcript, va_understanding **ret_understanding,
                                       va_error *error);
VA_API void va_understanding_free(va_understanding *understanding);

#ifdef __cplusplus
}
#endif
#endif
