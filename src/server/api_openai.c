/* What OpenAI's clients ask for: transcriptions, translations, models. */
#include "server/api_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assistant/transcript_openai.h"
#include "assistant/transcript_text.h"
#include "base/memory.h"

#define MAX_LANGUAGE_BYTES 16
#define MAX_PROMPT_BYTES 4096
#define MAX_EVENT_BYTES ((size_t)64 << 20)

enum format { JSON, TEXT, SRT, VERBOSE_JSON, VTT };
static const char *const formats[] = {"json", "text", "srt", "verbose_json", "vtt"};
#define N_FORMATS (sizeof formats / sizeof formats[0])

/* ---- models ---- */

static const char *const speech_models[] = {"tts-1", "tts-1-hd", "gpt-4o-mini-tts"};

/* The name of the model without the folder and the ending of a file. */
static void model_name(const va_assistant *assistant, char *ret_name, size_t capacity)
{
    struct va_assistant_status status;

    va_assistant_get_status((va_assistant *)assistant, &status);
    const char *slash = strrchr(status.model, '/'), *name = slash != NULL ? slash + 1 : status.model;
    size_t n = strlen(name), n_ending = sizeof ".vam" - 1;
    if (n > n_ending && strcmp(name + n - n_ending, ".vam") == 0)
        n -= n_ending;
    if (n >= capacity)
        n = capacity - 1;
    memcpy(ret_name, name, n);
    ret_name[n] = '\0';
}

int va_openai_is_transcriber(va_api *api, const char *name)
{
    char own[64];

    model_name(api->assistant, own, sizeof own);
    return strcmp(name, "whisper-1") == 0 || strcmp(name, own) == 0;
}

int va_openai_is_speaker(va_api *api, const char *name)
{
    for (size_t i = 0; va_assistant_can_render(api->assistant) && i < sizeof speech_models / sizeof speech_models[0]; i++)
        if (strcmp(name, speech_models[i]) == 0)
            return 1;
    return 0;
}

void va_openai_no_model(va_request *request, const char *name)
{
    va_request_blame(request, 404, "model_not_found", "model", "The model '%.100s' does not exist here; GET /v1/models lists those that do",
                     name);
}

static void write_model(struct va_json *json, const char *name)
{
    va_json_text(json, "id", name);
    va_json_text(json, "object", "model");
    va_json_integer(json, "created", 0);
    va_json_text(json, "owned_by", "voice-assistant");
}

static void list_model(struct va_json *json, const char *name)
{
    va_json_open(json, NULL, '{');
    write_model(json, name);
    va_json_close(json, '}');
}

void va_api_get_openai_models(void *user, va_request *request)
{
    va_api *api = user;
    struct va_reply reply;
    char own[64];

    model_name(api->assistant, own, sizeof own);
    va_reply_begin(&reply);
    va_json_text(&reply.json, "object", "list");
    va_json_open(&reply.json, "data", '[');
    list_model(&reply.json, own);
    if (strcmp(own, "whisper-1") != 0)
        list_model(&reply.json, "whisper-1");
    for (size_t i = 0; va_assistant_can_render(api->assistant) && i < sizeof speech_models / sizeof speech_models[0]; i++)
        list_model(&reply.json, speech_models[i]);
    va_json_close(&reply.json, ']');
    va_reply_end(&reply, request, 200);
}

void va_api_get_openai_model(void *user, va_request *request)
{
    const char *name = va_request_segment(request);
    struct va_reply reply;

    if (!va_openai_is_transcriber(user, name) && !va_openai_is_speaker(user, name)) {
        va_openai_no_model(request, name);
        return;
    }
    va_reply_begin(&reply);
    write_model(&reply.json, name);
    va_reply_end(&reply, request, 200);
}

/* ---- one transcription ---- */

struct transcription {
    va_request *request;
    enum format format;
    struct va_openai_detail detail;
    int is_streamed;
    va_stream_reply *stream; /* once there is something to send */
    int has_text;
};

static int is_gone(const void *user)
{
    const struct transcription *transcription = user;

    return transcription->stream != NULL ? va_stream_reply_is_gone(transcription->stream) : va_request_is_gone(transcription->request);
}

/* {"type": ..., NAME: text}, as a server-sent event; with the log-probabilities of the transcript, where that is not NULL. What cannot be
 * sent any more is the client's loss: it will be gone. */
static void send_event(struct transcription *transcription, const char *type, const char *name, const char *blank, const char *text,
                       const va_transcript *transcript)
{
    struct va_buffer event, whole;
    struct va_json json = {.out = &event};
    int r = 0;

    va_buffer_init(&event, MAX_EVENT_BYTES);
    va_buffer_init(&whole, MAX_EVENT_BYTES);
    if (transcription->stream == NULL)
        r = va_request_stream(transcription->request, 200, "text/event-stream", &transcription->stream);
    if (r == 0 && (r = va_buffer_append_string(&whole, blank)) == 0)
        r = va_buffer_append_string(&whole, text);
    if (r == 0 && (r = va_buffer_append_string(&event, "data: ")) == 0) {
        va_json_open(&json, NULL, '{');
        va_json_text(&json, "type", type);
        va_json_text(&json, name, whole.data);
        if (transcript != NULL)
            va_transcript_openai_logprobs(&json, transcript, &transcription->detail);
        va_json_close(&json, '}');
        r = json.error < 0 ? json.error : va_buffer_append(&event, "\n\n", 2);
    }
    if (r == 0)
        r = va_stream_reply_write(transcription->stream, event.data, event.size);
    (void)r;
    va_buffer_free(&event);
    va_buffer_free(&whole);
}

static void on_text(void *user, const char *text)
{
    struct transcription *transcription = user;

    send_event(transcription, "transcript.text.delta", "delta", transcription->has_text ? " " : "", text, NULL);
    transcription->has_text = 1;
}

static void end_stream(struct transcription *transcription, const struct va_job_result *result)
{
    if (result->status == 0)
        send_event(transcription, "transcript.text.done", "text", "", result->transcript->text, result->transcript);
    else if (transcription->stream != NULL)
        send_event(transcription, "error", "message", "", result->error->text, NULL);
    if (transcription->stream != NULL)
        va_stream_reply_end(transcription->stream);
    else if (result->status < 0)
        va_openai_fail(transcription->request, result->status, result->error);
    else
        va_request_fail(transcription->request, 500, "internal", "out of memory");
}

static void reply_text(struct transcription *transcription, const va_transcript *transcript)
{
    static const char *const types[N_FORMATS] = {
        [TEXT] = "text/plain; charset=utf-8", [SRT] = "application/x-subrip; charset=utf-8", [VTT] = "text/vtt; charset=utf-8"};
    struct va_buffer text;

    va_buffer_init(&text, VA_API_MAX_REPLY_BYTES);
    int r = transcription->format == TEXT  ? va_transcript_text(&text, transcript)
            : transcription->format == SRT ? va_transcript_srt(&text, transcript)
                                           : va_transcript_vtt(&text, transcript);
    if (r == 0 && text.size == 0) /* nothing was said: no subtitles */
        r = va_buffer_append(&text, "\n", 1);
    if (r == 0) {
        va_request_reply_as(transcription->request, 200, types[transcription->format], &text);
        return;
    }
    va_buffer_free(&text);
    va_request_fail(transcription->request, 500, "internal", "%s", va_status_text(r));
}

static void reply_json(struct transcription *transcription, const va_transcript *transcript)
{
    struct va_reply reply;

    va_reply_begin(&reply);
    if (transcription->format == JSON)
        va_transcript_openai(&reply.json, transcript, &transcription->detail);
    else
        va_transcript_openai_verbose(&reply.json, transcript, &transcription->detail);
    va_reply_end(&reply, transcription->request, 200);
}

static void on_done(void *user, const struct va_job_result *result)
{
    struct transcription *transcription = user;

    if (transcription->is_streamed)
        end_stream(transcription, result);
    else if (result->status < 0)
        va_openai_fail(transcription->request, result->status, result->error);
    else if (transcription->format == JSON || transcription->format == VERBOSE_JSON)
        reply_json(transcription, result->transcript);
    else
        reply_text(transcription, result->transcript);
    va_free(transcription);
}

/* ---- what is asked for; each replies itself and returns -1 when it is wrong ---- */

int va_openai_blame(va_request *request, const char *parameter, const char *message)
{
    va_request_blame(request, 400, "invalid_value", parameter, "%s", message);
    return -1;
}

static int read_format(va_request *request, struct transcription *transcription)
{
    const char *name = va_request_field(request, "response_format");
    size_t i = 0;

    while (name != NULL && i < N_FORMATS && strcmp(name, formats[i]) != 0)
        i++;
    if (i == N_FORMATS)
        return va_openai_blame(request, "response_format", "response_format must be json, text, srt, verbose_json or vtt");
    transcription->format = (enum format)i;
    return 0;
}

/* The next value of a field that clients name with and without brackets; NULL: the first, or no more. *at, 0 at first: the name it has. */
static const char *next_value(const va_request *request, const char *const names[2], int *at, const char *value)
{
    value = value == NULL ? va_request_field(request, names[0]) : va_request_next_field(request, names[*at], value);
    return value != NULL || *at == 1 ? value : va_request_field(request, names[*at = 1]);
}

/* The times of the client's choice. */
static int read_granularities(va_request *request, struct transcription *transcription, struct va_job *job)
{
    static const char *const names[] = {"timestamp_granularities[]", "timestamp_granularities"};
    struct va_openai_detail *detail = &transcription->detail;
    const char *value = NULL;

    for (int at = 0; (value = next_value(request, names, &at, value)) != NULL;) {
        if (strcmp(value, "word") != 0 && strcmp(value, "segment") != 0)
            return va_openai_blame(request, names[at], "timestamp_granularities must be word or segment");
        detail->words |= strcmp(value, "word") == 0;
        detail->segments |= strcmp(value, "segment") == 0;
    }
    if ((detail->words || detail->segments) && transcription->format != VERBOSE_JSON)
        return va_openai_blame(request, names[0], "timestamp_granularities need the response_format verbose_json");
    detail->segments |= !detail->words;
    job->timestamps = detail->words ? VA_TIMESTAMPS_WORD : VA_TIMESTAMPS_SEGMENT;
    return 0;
}

static int read_include(va_api *api, va_request *request, struct transcription *transcription)
{
    static const char *const names[] = {"include[]", "include"};
    const char *value = NULL;

    for (int at = 0; (value = next_value(request, names, &at, value)) != NULL;) {
        if (strcmp(value, "logprobs") != 0)
            return va_openai_blame(request, names[at], "include must be logprobs");
        transcription->detail.logprobs = va_assistant_model(api->assistant);
    }
    if (transcription->detail.logprobs != NULL && transcription->format != JSON)
        return va_openai_blame(request, names[0], "logprobs need the response_format json");
    return 0;
}

static int read_stream(va_request *request, struct transcription *transcription)
{
    const char *value = va_request_field(request, "stream");

    transcription->is_streamed = value != NULL && strcasecmp(value, "true") == 0;
    if (value != NULL && !transcription->is_streamed && strcasecmp(value, "false") != 0)
        return va_openai_blame(request, "stream", "stream must be true or false");
    if (transcription->is_streamed && transcription->format != JSON && transcription->format != TEXT)
        return va_openai_blame(request, "response_format", "what is streamed must be json or text");
    return 0;
}

/* The engine chooses the temperature by the certainty of the text, as OpenAI's does at 0; others are only checked. */
static int read_temperature(va_request *request)
{
    const char *value = va_request_field(request, "temperature");
    char *end;

    if (value == NULL)
        return 0;
    double temperature = strtod(value, &end);
    if (end == value || *end != '\0' || !(temperature >= 0.0 && temperature <= 1.0))
        return va_openai_blame(request, "temperature", "temperature must be a number from 0 to 1");
    return 0;
}

static int read_language(va_api *api, va_request *request, struct va_job *job)
{
    struct va_assistant_status status;

    va_assistant_get_status(api->assistant, &status);
    if (job->translate && !status.multilingual)
        return va_openai_blame(request, "model", "the model here knows English only, and cannot translate; see the option model.name");
    job->prompt = va_request_field(request, "prompt");
    if (job->prompt != NULL && strlen(job->prompt) > MAX_PROMPT_BYTES)
        return va_openai_blame(request, "prompt", "the prompt is too long");
    if (!job->translate)
        job->language = va_request_field(request, "language");
    if (job->translate)
        job->language = "auto";
    else if (job->language != NULL && job->language[0] == '\0')
        job->language = NULL;
    if (job->language != NULL && strlen(job->language) > MAX_LANGUAGE_BYTES)
        return va_openai_blame(request, "language", "language must be a code such as en");
    return 0;
}

static int read_request(va_api *api, va_request *request, struct transcription *transcription, struct va_job *job)
{
    const char *model = va_request_field(request, "model");

    if (model != NULL && !va_openai_is_transcriber(api, model)) {
        va_openai_no_model(request, model);
        return -1;
    }
    if (read_format(request, transcription) < 0 || read_granularities(request, transcription, job) < 0 ||
        read_include(api, request, transcription) < 0 || read_stream(request, transcription) < 0 || read_temperature(request) < 0 ||
        read_language(api, request, job) < 0)
        return -1;
    if ((job->fd = va_request_take_file(request)) < 0)
        return va_openai_blame(request, "file", "the form has no field 'file' with a recording");
    return 0;
}

static void transcribe(va_api *api, va_request *request, int translate)
{
    struct transcription *transcription = va_calloc(1, sizeof *transcription);
    struct va_job job = {.priority = VA_PRIORITY_UPLOAD, .fd = -1, .is_gone = is_gone, .done = on_done, .translate = translate};
    char id[VA_ID_SIZE];
    va_error error;

    if (transcription == NULL) {
        va_request_fail(request, 500, "internal", "out of memory");
        return;
    }
    transcription->request = request;
    transcription->detail.translate = translate;
    job.user = transcription;
    if (read_request(api, request, transcription, &job) < 0) {
        va_free(transcription);
        return;
    }
    if (transcription->is_streamed)
        job.text = on_text;
    int r = va_assistant_submit(api->assistant, &job, id, &error);
    if (r == 0) {
        va_api_cancel_when_gone(api, request, id);
        return;
    }
    close(job.fd);
    va_free(transcription);
    va_api_fail(api, request, r, &error);
}

void va_api_post_openai_transcriptions(void *user, va_request *request)
{
    transcribe(user, request, 0);
}

void va_api_post_openai_translations(void *user, va_request *request)
{
    transcribe(user, request, 1);
}

void va_openai_fail(va_request *request, int code, const va_error *error)
{
    /* A file that cannot be used is a bad request there. */
    if (code == VA_EUNSUPPORTED || code == VA_EFORMAT || code == VA_EINVAL)
        va_request_blame(request, 400, code == VA_EUNSUPPORTED ? "unsupported_format" : "invalid_value", code == VA_EINVAL ? NULL : "file",
                         "%s", error->text);
    else
        va_api_fail(NULL, request, code, error);
}
