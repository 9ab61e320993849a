#include "doubles/doubles.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "action/action.h"
#include "audio/buffer_pool.h"
#include "audio/decode.h"
#include "audio/encode.h"
#include "audio/recorder.h"
#include "base/memory.h"
#include "speech/speech.h"
#include "understand/outlook.h"

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

const char *va_model_token(const va_model *model, int32_t token, size_t *ret_n)
{
    (void)model;
    (void)token;
    *ret_n = 0;
    return "";
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
    const char *text = atomic_load(&doubles.text);
    if (text != NULL)
        snprintf(t->text, sizeof t->text, "%s", text);
    else
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
    if (options->on_text != NULL)
        options->on_text(options->on_text_user, t->text);
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

/* ---- steering: the prompt, and what doubles.h says ---- */

struct va_steering {
    int unused;
};

int va_steering_new(const va_model *model, const va_commands *commands, const char *language, va_steering **ret_steering, va_error *error)
{
    (void)model;
    (void)commands;
    (void)language;
    *ret_steering = va_calloc(1, sizeof **ret_steering);
    return *ret_steering != NULL ? 0 : va_fail_memory(error);
}

void va_steering_free(va_steering *steering)
{
    va_free(steering);
}

const char *va_steering_prompt(const va_steering *steering)
{
    (void)steering;
    return "kitchen bath";
}

struct understanding {
    va_understanding understanding;
    va_intent intent;
    char text[64];
};

int va_understand(const va_steering *steering, const va_transcript *transcript, va_understanding **ret_understanding, va_error *error)
{
    (void)steering;
    if (strncmp(transcript->text, "do", 2) != 0)
        return va_fail(error, VA_ENOTFOUND, "nothing is understood");
    struct understanding *u = va_calloc(1, sizeof *u);
    if (u == NULL)
        return va_fail_memory(error);
    const char *end = strstr(transcript->text, " and");
    snprintf(u->text, sizeof u->text, "%.*s", end != NULL ? (int)(end - transcript->text) : (int)sizeof u->text - 1, transcript->text);
    u->intent.name = "do";
    u->understanding = (va_understanding){.intent = &u->intent, .confidence = 0.75f, .text = u->text};
    *ret_understanding = &u->understanding;
    return 0;
}

void va_understanding_free(va_understanding *understanding)
{
    va_free(understanding);
}

enum va_outlook va_steering_outlook(const va_steering *steering, const char *text)
{
    size_t n = strlen(text);

    (void)steering;
    return n > 0 && text[n - 1] == '!' ? VA_OUTLOOK_CLOSED : n > 0 && text[n - 1] == ',' ? VA_OUTLOOK_UNLIKELY : VA_OUTLOOK_OPEN;
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
    size_t n_buffers;
};

int va_buffer_pool_new(size_t buffer_samples, size_t n_buffers, va_buffer_pool **ret_pool, va_error *error)
{
    (void)buffer_samples;
    va_buffer_pool *pool = va_calloc(1, sizeof *pool);
    if (pool == NULL)
        return va_fail_memory(error);
    pool->n_buffers = n_buffers;
    *ret_pool = pool;
    return 0;
}

void va_buffer_pool_free(va_buffer_pool *pool)
{
    va_free(pool);
}

size_t va_buffer_pool_size(const va_buffer_pool *pool)
{
    return pool->n_buffers;
}

size_t va_buffer_pool_available(const va_buffer_pool *pool)
{
    return pool->n_buffers;
}

uint64_t va_buffer_pool_fallbacks(const va_buffer_pool *pool)
{
    (void)pool;
    return 0;
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

void va_recorder_share(va_recorder *recorder, va_capture *capture)
{
    (void)recorder;
    (void)capture;
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

/* ---- speech ---- */

struct va_speaker {
    va_speech_fn on_event;
    void *user;
    _Atomic int is_talking;
};

const char *va_speech_language(const char *heard)
{
    return heard;
}

static va_speaker *the_speaker; /* the last one */

int va_speaker_new(const struct va_speaker_options *options, va_speaker **ret_speaker, va_error *error)
{
    if (doubles.no_speaker)
        return va_fail(error, VA_ENOTFOUND, "there is no synthesiser");
    va_speaker *speaker = va_calloc(1, sizeof *speaker);
    if (speaker == NULL)
        return va_fail_memory(error);
    *speaker = (struct va_speaker){.on_event = options->on_event, .user = options->user};
    *ret_speaker = the_speaker = speaker;
    return 0;
}

void va_speaker_free(va_speaker *speaker)
{
    va_free(speaker);
}

/* "mute" is a text that cannot be said. */
int va_speaker_say(va_speaker *speaker, const struct va_utterance *utterance, va_error *error)
{
    const va_error why = {.code = VA_EIO, .text = "no sound card"};

    if (doubles.no_queue)
        return va_fail(error, VA_EBUSY, "too much is to be said");
    snprintf(doubles.last_said, sizeof doubles.last_said, "%s", utterance->text);
    snprintf(doubles.last_said_language, sizeof doubles.last_said_language, "%s", utterance->language != NULL ? utterance->language : "");
    doubles.last_said_fixed = utterance->fixed;
    doubles.said++;
    speaker->on_event(speaker->user, VA_SPEECH_STARTED, NULL);
    if (doubles.talks_long)
        speaker->is_talking = 1;
    else if (strcmp(utterance->text, "mute") == 0)
        speaker->on_event(speaker->user, VA_SPEECH_FAILED, &why);
    else
        speaker->on_event(speaker->user, VA_SPEECH_ENDED, NULL);
    return 0;
}

/* As many samples as the text has bytes. */
int va_speaker_render(va_speaker *speaker, const struct va_utterance *utterance, int stop_fd, int16_t **ret_pcm, size_t *ret_n,
                      va_error *error)
{
    size_t n = strlen(utterance->text);
    int16_t *pcm = va_calloc(n, sizeof *pcm);
    if (pcm == NULL)
        return va_fail_memory(error);
    *ret_pcm = pcm;
    *ret_n = n;
    return 0;
}

int va_audio_encoding_parse(const char *name, enum va_audio_encoding *ret_encoding)
{
    *ret_encoding = VA_ENCODE_WAV;
    return strcmp(name, "wav") == 0 || strcmp(name, "mp3") == 0 ? 0 : VA_EINVAL;
}

const char *va_audio_encoding_type(enum va_audio_encoding encoding)
{
    (void)encoding;
    return "audio/wav";
}

int va_audio_encode(const int16_t *pcm, size_t n, enum va_audio_encoding encoding, struct va_buffer *out, va_error *error)
{
    (void)pcm;
    (void)encoding;
    (void)error;
    return va_buffer_printf(out, "%zu samples", n);
}

int va_speaker_chime(va_speaker *speaker, enum va_chime chime, va_error *error)
{
    return 0;
}

void doubles_end_talk(void)
{
    if (atomic_exchange(&the_speaker->is_talking, 0))
        the_speaker->on_event(the_speaker->user, VA_SPEECH_ENDED, NULL);
}

void va_speaker_stop(va_speaker *speaker)
{
    doubles.silenced++;
    if (atomic_exchange(&speaker->is_talking, 0))
        speaker->on_event(speaker->user, VA_SPEECH_ENDED, NULL);
}
