/* Recording and transcription. */
#include "server/api_internal.h"

#include <string.h>
#include <unistd.h>

#include "assistant/transcript_json.h"
#include "base/clock.h"

/* How long GET /transcription/latest waits for a recording in flight. */
#define LATEST_TIMEOUT_S 30.0
#define MAX_LANGUAGE_BYTES 16
#define MAX_PROMPT_BYTES 4096

/* ---- recording ---- */

static void start(va_api *api, va_request *request)
{
    struct va_reply reply;
    va_error error;
    int r = va_assistant_start_recording(api->assistant, &error);

    if (r == VA_ESTATE) {
        va_request_fail(request, 409, "already_recording", "a recording is under way; POST /audio/stop ends it");
    } else if (r == VA_EDENIED && va_assistant_is_private(api->assistant)) {
        va_request_fail(request, 403, "privacy_mode", "privacy mode is on; POST /privacy/disable ends it");
    } else if (r == VA_EDENIED && va_assistant_check_storage(api->assistant, &error) < 0) {
        va_request_fail(request, 403, "unencrypted", "%s", error.text);
    } else if (r == VA_ENOMEM) {
        va_api_fail(api, request, r, &error);
    } else if (r < 0) { /* whatever the reason: nothing is wrong with the request */
        va_request_refuse(request, 10, "no_device", error.text);
    } else {
        va_reply_begin(&reply);
        va_json_bool(&reply.json, "success", 1);
        va_json_bool(&reply.json, "recording", 1);
        va_json_integer(&reply.json, "sample_rate", VA_SAMPLE_RATE_HZ);
        va_reply_end(&reply, request, 200);
    }
}

static void stop(va_api *api, va_request *request)
{
    struct va_reply reply;
    char id[VA_ID_SIZE];
    double duration_s;
    va_error error;
    int r = va_assistant_stop_recording(api->assistant, id, &duration_s, &error);

    if (r == VA_ESTATE || r == VA_EDENIED) { /* privacy mode, which is being switched on, has ended it and drops it */
        va_request_fail(request, 409, "not_recording", "%s", error.text);
    } else if (r < 0) {
        va_api_fail(api, request, r, &error);
    } else {
        va_reply_begin(&reply);
        va_json_bool(&reply.json, "success", 1);
        va_json_bool(&reply.json, "recording", 0);
        va_json_number(&reply.json, "duration", duration_s, 3);
        va_json_text(&reply.json, "transcription_id", id);
        va_reply_end(&reply, request, 200);
    }
}

void va_api_post_audio_start(void *user, va_request *request)
{
    va_api_run(user, request, start);
}

void va_api_post_audio_stop(void *user, va_request *request)
{
    va_api_run(user, request, stop);
}

/* ---- push to talk ---- */

static void talk(va_api *api, va_request *request, int pressed)
{
    struct va_reply reply;
    va_error error;

    if (va_assistant_is_private(api->assistant)) {
        va_request_fail(request, 403, "privacy_mode", "privacy mode is on; POST /privacy/disable ends it");
    } else if (va_assistant_talk(api->assistant, pressed, &error) < 0) {
        va_request_fail(request, 409, "not_listening", "%s", error.text);
    } else {
        va_reply_begin(&reply);
        va_json_bool(&reply.json, "success", 1);
        va_json_bool(&reply.json, "listening", pressed);
        va_reply_end(&reply, request, 200);
    }
}

void va_api_post_listen_start(void *user, va_request *request)
{
    talk(user, request, 1);
}

void va_api_post_listen_stop(void *user, va_request *request)
{
    talk(user, request, 0);
}

/* ---- the latest transcription ---- */

static void reply_latest(void *user, int status, const struct va_latest *latest)
{
    va_request *request = user;
    char timestamp[VA_CLOCK_TEXT_SIZE];
    struct va_reply reply;

    if (status == VA_ENOTFOUND) {
        va_request_fail(request, 404, "no_transcription", "nothing has been transcribed yet");
    } else if (status == VA_ETIMEOUT) {
        va_request_refuse(request, 2, "in_progress", "the recording is still being transcribed");
    } else if (status == VA_ESTATE) {
        va_request_refuse(request, 5, "stopping", "the assistant is stopping");
    } else if (status < 0) {
        va_request_fail(request, 500, "internal", "%s", va_status_text(status));
    } else if (latest->status < 0) {
        va_request_fail(request, 500, "transcription_failed", "%s: %s", latest->id, latest->error.text);
    } else {
        va_clock_text(latest->unix_s, timestamp);
        va_reply_begin(&reply);
        va_json_text(&reply.json, "id", latest->id);
        va_json_text(&reply.json, "text", latest->text);
        va_json_number(&reply.json, "confidence", latest->confidence, 4);
        va_json_text(&reply.json, "language", latest->language);
        va_json_number(&reply.json, "duration", latest->duration_s, 3);
        va_json_text(&reply.json, "timestamp", timestamp);
        va_reply_end(&reply, request, 200);
    }
}

void va_api_get_latest(void *user, va_request *request)
{
    va_api *api = user;
    va_assistant_latest(api->assistant, LATEST_TIMEOUT_S, reply_latest, request);
}

/* ---- uploads ---- */

/* The command that counts, or null. */
static void write_command(struct va_json *json, const struct va_job_result *result)
{
    const va_understanding *command = result->command;

    if (!result->is_command) {
        va_json_text(json, "command", NULL);
        return;
    }
    va_json_open(json, "command", '{');
    va_json_text(json, "intent", command->intent->name);
    va_json_text(json, "text", command->text);
    va_json_number(json, "confidence", command->confidence, 4);
    va_json_open(json, "slots", '{');
    for (size_t i = 0; i < command->intent->n_slots; i++)
        va_json_text(json, command->intent->slots[i].name, command->intent->slots[i].value);
    va_json_close(json, '}');
    va_json_close(json, '}');
}

static void reply_transcript(void *user, const struct va_job_result *result)
{
    va_request *request = user;
    struct va_reply reply;

    if (result->status < 0) {
        va_api_fail(NULL, request, result->status, result->error);
        return;
    }
    va_reply_begin(&reply);
    va_transcript_json(&reply.json, result->transcript);
    if (result->command != NULL)
        write_command(&reply.json, result);
    va_reply_end(&reply, request, 200);
}

static int is_gone(const void *user)
{
    return va_request_is_gone(user);
}

/* 0, or VA_EINVAL with the reason. */
static int read_fields(const va_request *request, struct va_job *job, va_error *error)
{
    static const char *const kinds[] = {"none", "segment", "word"};
    const char *timestamps = va_request_field(request, "timestamps"), *commands = va_request_field(request, "commands");

    job->language = va_request_field(request, "language");
    job->prompt = va_request_field(request, "prompt");
    job->timestamps = VA_TIMESTAMPS_SEGMENT;
    if (job->language != NULL && job->language[0] == '\0')
        job->language = NULL;
    if (job->language != NULL && strlen(job->language) > MAX_LANGUAGE_BYTES)
        return va_fail(error, VA_EINVAL, "language must be a code such as en, or auto");
    if (job->prompt != NULL && strlen(job->prompt) > MAX_PROMPT_BYTES)
        return va_fail(error, VA_EINVAL, "prompt must be at most %d bytes", MAX_PROMPT_BYTES);
    if (commands != NULL && strcmp(commands, "true") != 0 && strcmp(commands, "false") != 0)
        return va_fail(error, VA_EINVAL, "commands must be true or false");
    job->commands = commands != NULL && strcmp(commands, "true") == 0;
    job->priority = job->commands ? VA_PRIORITY_COMMAND : VA_PRIORITY_UPLOAD;
    if (timestamps == NULL)
        return 0;
    for (int i = 0; i < 3; i++) {
        if (strcmp(timestamps, kinds[i]) == 0) {
            job->timestamps = i;
            return 0;
        }
    }
    return va_fail(error, VA_EINVAL, "timestamps must be none, segment or word");
}

void va_api_post_transcribe(void *user, va_request *request)
{
    va_api *api = user;
    struct va_job job = {.fd = -1, .is_gone = is_gone, .done = reply_transcript, .user = request};
    char id[VA_ID_SIZE];
    va_error error;
    int r = read_fields(request, &job, &error);

    if (r == 0 && (job.fd = va_request_take_file(request)) < 0)
        r = va_fail(&error, VA_EINVAL, "the form has no field 'audio' with a recording");
    if (r == 0)
        r = va_assistant_submit(api->assistant, &job, id, &error);
    if (r == 0) {
        va_api_cancel_when_gone(api, request, id);
        return;
    }
    if (job.fd >= 0)
        close(job.fd);
    va_api_fail(api, request, r, &error);
}
