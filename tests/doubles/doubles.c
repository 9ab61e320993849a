#include "doubles/doubles.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "action/action.h"
#include "audio/buffer_pool.h"
#include "audio/decode.h"
#include "audio/recorder.h"
#include "base/memory.h"

struct va_doubles doubles;

void doubles_reset(void)
{
    memset(&doubles, 0, sizeof doubles);
}

int doubles_wait(_Atomic int *value, int n)
{
    for (int i = 0; i < 5000 && atomic_load(value) < n; i++)
        usleep(1000);
    return atomic_load(value) >= n;
}

/* ---- engine ---- */

struct va_model {
    int unused;
};
struct va_context {
    int unused;
};

int va_model_open(const char *path, const va_model_options *options, va_model **ret_model, va_error *error)
{
    (void)path;
    (void)options;
    *ret_model = va_calloc(1, sizeof **ret_model);
    return *ret_model != NULL ? 0 : va_fail_memory(error);
}

void va_model_free(va_model *model)
{
    va_free(model);
}

int va_model_is_multilingual(const va_model *model)
{
    (void)model;
    return 1;
}

const char *va_model_kernels(const va_model *model)
{
    (void)model;
    return "double";
}

int va_context_new(const va_model *model, int threads, va_context **ret_context, va_error *error)
{
    (void)model;
    (void)threads;
    if (doubles.fail_contexts)
        return va_fail(error, VA_ENOMEM, "no context");
    va_context *context = va_calloc(1, sizeof *context);
    if (context == NULL)
        return va_fail_memory(error);
    doubles.contexts++;
    *ret_context = context;
    return 0;
}

void va_context_free(va_context *context)
{
    if (context != NULL)
        doubles.contexts--;
    va_free(context);
}

void va_transcribe_options_init(va_transcribe_options *options)
{
    memset(options, 0, sizeof *options);
    options->beam_size = 1;
    options->timestamps = VA_TIMESTAMPS_SEGMENT;
}

struct transcript {
    va_transcript transcript;
    va_segment segment;
    char text[64];
};

static int make_transcript(uint64_t n_samples, const va_transcribe_options *options, va_transcript **ret_transcript, va_error *error)
{
    struct transcript *t = va_calloc(1, sizeof *t);
    if (t == NULL)
        return va_fail_memory(error);
    double duration_s = (double)n_samples / VA_SAMPLE_RATE_HZ;
    snprintf(t->text, sizeof t->text, "heard %llu", (unsigned long long)n_samples);
    t->segment = (va_segment){.end_s = duration_s, .text = t->text, .confidence = 0.5f};
    t->transcript = (va_transcript){.text = t->text,
                                    .confidence = 0.5f,
                                    .duration_s = duration_s,
                                    .segments = &t->segment,
                                    .n_segments = 1,
                                    .n_windows = 2,
                                    .n_retried = 1};
    snprintf(t->transcript.language, sizeof t->transcript.language, "%s", options->language != NULL ? options->language : "en");
    *ret_transcript = &t->transcript;
    return 0;
}

/* Runs as long as the gate is closed. */
static int pass_gate(const va_transcribe_options *options, va_error *error)
{
    int r = 0;

    doubles.begun++;
    doubles.running++;
    do {
        if (options->progress != NULL && options->progress(options->progress_user, 0, 1) != 0) {
            doubles.cancelled++;
            r = va_fail(error, VA_ECANCELLED, "cancelled");
        } else if (doubles.gate_closed) {
            usleep(1000);
        }
    } while (r == 0 && doubles.gate_closed);
    doubles.running--;
    return r;
}

static void remember(const va_transcribe_options *options)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* two may begin at once */

    pthread_mutex_lock(&lock);
    snprintf(doubles.last_prompt, sizeof doubles.last_prompt, "%s", options->prompt != NULL ? options->prompt : "");
    snprintf(doubles.last_language, sizeof doubles.last_language, "%s", options->language != NULL ? options->language : "");
    pthread_mutex_unlock(&lock);
}

int va_transcribe(va_context *context, const float *pcm, size_t n_samples, const va_transcribe_options *options,
                  va_transcript **ret_transcript, va_error *error)
{
    (void)context;
    (void)pcm;
    doubles.last_was_live = 1;
    remember(options);
    int r = pass_gate(options, error);
    return r < 0 ? r : make_transcript(n_samples, options, ret_transcript, error);
}

int va_transcribe_stream(va_context *context, va_read_fn read, void *read_user, uint64_t total_samples,
                         const va_transcribe_options *options, va_transcript **ret_transcript, va_error *error)
{
    float pcm[256];
    uint64_t n = 0;
    int64_t got;

    (void)context;
    (void)total_samples;
    doubles.last_was_live = 0;
    remember(options);
    int r = pass_gate(options, error);
    if (r < 0)
        return r;
    while ((got = read(read_user, pcm, 256)) > 0)
        n += (uint64_t)got;
    return got < 0 ? va_fail(error, (int)got, "reading failed") : make_transcript(n, options, ret_transcript, error);
}

void va_transcript_free(va_transcript *transcript)
{
    va_free(transcript);
}

/* ---- audio: "U..." is an unknown format, "B..." is damaged, "D..." breaks off, else a sample a byte ---- */

struct va_decoder {
    int fd;
    int breaks;
    va_error error;
};

int va_audio_decoder_open_fd(int fd, const char *name, const struct va_decode_options *options, va_audio_decoder **ret_decoder,
                             va_error *error)
{
    char first = 0;
    ssize_t n = read(fd, &first, 1);
    int r = n <= 0 || first == 'B' ? va_fail(error, VA_EFORMAT, "%s: damaged", name)
            : first == 'U'         ? va_fail(error, VA_EUNSUPPORTED, "%s: not a format I know", name)
            : first == 'L'         ? va_fail(error, VA_ELIMIT, "%s: longer than %.0f s", name, options->max_seconds)
                                   : 0;
    va_audio_decoder *decoder = r == 0 ? va_calloc(1, sizeof *decoder) : NULL;
    if (decoder == NULL) {
        close(fd);
        return r < 0 ? r : va_fail_memory(error);
    }
    lseek(fd, 0, SEEK_SET);
    decoder->fd = fd;
    decoder->breaks = first == 'D';
    *ret_decoder = decoder;
    return 0;
}

void va_audio_decoder_free(va_audio_decoder *decoder)
{
    if (decoder != NULL)
        close(decoder->fd);
    va_free(decoder);
}

int64_t va_audio_decoder_read(void *user, float *pcm, size_t capacity)
{
    va_audio_decoder *decoder = user;
    char bytes[256];

    if (decoder->breaks)
        return va_fail(&decoder->error, VA_EFORMAT, "the audio: damaged in the middle");
    ssize_t n = read(decoder->fd, bytes, capacity < sizeof bytes ? capacity : sizeof bytes);
    for (ssize_t i = 0; i < n; i++)
        pcm[i] = 0;
    return n;
}

const va_error *va_audio_decoder_error(const va_audio_decoder *decoder)
{
    return &decoder->error;
}

uint64_t va_audio_decoder_total(const va_audio_decoder *decoder)
{
    (void)decoder;
    return 0;
}

struct va_buffer_pool {
    int unused;
};

int va_buffer_pool_new(size_t buffer_samples, size_t n_buffers, va_buffer_pool **ret_pool, va_error *error)
{
    (void)buffer_samples;
    (void)n_buffers;
    *ret_pool = va_calloc(1, sizeof **ret_pool);
    return *ret_pool != NULL ? 0 : va_fail_memory(error);
}

void va_buffer_pool_free(va_buffer_pool *pool)
{
    va_free(pool);
}

struct va_recorder {
    int recording;
};

int va_recorder_new(const char *source_name, va_buffer_pool *pool, double max_seconds, va_recorder **ret_recorder, va_error *error)
{
    (void)source_name;
    (void)pool;
    (void)max_seconds;
    *ret_recorder = va_calloc(1, sizeof **ret_recorder);
    return *ret_recorder != NULL ? 0 : va_fail_memory(error);
}

void va_recorder_free(va_recorder *recorder)
{
    va_free(recorder);
}

int va_recorder_start(va_recorder *recorder, va_error *error)
{
    if (doubles.no_device)
        return va_fail(error, VA_ENOTFOUND, "there is no microphone");
    recorder->recording = 1;
    return 0;
}

int va_recorder_stop(va_recorder *recorder, float **ret_pcm, size_t *ret_n, va_error *error)
{
    float *pcm = va_calloc(48000, sizeof *pcm);
    if (pcm == NULL)
        return va_fail_memory(error);
    recorder->recording = 0;
    *ret_pcm = pcm;
    *ret_n = 48000;
    return 0;
}

/* ---- actions ---- */

struct va_actions {
    int unused;
};

int va_actions_new(va_timer_fn on_timer, void *user, va_actions **ret_actions, va_error *error)
{
    doubles.on_timer = on_timer;
    doubles.timer_user = user;
    *ret_actions = va_calloc(1, sizeof **ret_actions);
    return *ret_actions != NULL ? 0 : va_fail_memory(error);
}

void va_actions_free(va_actions *actions)
{
    va_free(actions);
}

int va_actions_run(va_actions *actions, const struct va_action_request *request, struct va_action_result *ret_result, va_error *error)
{
    (void)actions;
    usleep((useconds_t)doubles.action_waits_ms * 1000);
    if (strcmp(request->type, "set_temperature") == 0 && request->n_slots == 0)
        return va_fail(error, VA_EINVAL, "set_temperature needs a value");
    if (strcmp(request->type, "time") == 0)
        return va_fail(error, VA_EFAILED, "no clock");
    char *response = va_asprintf("did %s %zu", request->command, request->n_slots);
    if (response == NULL)
        return va_fail_memory(error);
    *ret_result = (struct va_action_result){.success = 1, .response = response};
    return 0;
}

void va_action_result_clear(struct va_action_result *result)
{
    va_free(result->response);
    va_free(result->output);
    *result = (struct va_action_result){0};
}

int va_actions_check(const char *type, const va_slot *settings, size_t n_settings, const char *const *arguments, size_t n_arguments,
                     va_error *error)
{
    (void)settings;
    (void)n_settings;
    (void)arguments;
    (void)n_arguments;
    return strcmp(type, "nonsense") == 0 ? va_fail(error, VA_ENOTFOUND, "there is no action 'nonsense'") : 0;
}
