/* api_internal.h - what the files of the API share. */
#ifndef VA_SERVER_API_INTERNAL_H
#define VA_SERVER_API_INTERNAL_H

#include "server/api.h"
#include "base/json.h"
#include "server/system.h"

#define VA_API_MAX_REPLY_BYTES ((size_t)64 << 20)

struct va_api {
    va_assistant *assistant;
    va_system *system; /* server thread */
};

/* Handlers: server thread; user is the api. */
void va_api_get_index(void *user, va_request *request);
void va_api_get_status(void *user, va_request *request);
void va_api_get_health(void *user, va_request *request);
void va_api_get_metrics(void *user, va_request *request);
void va_api_post_audio_start(void *user, va_request *request);
void va_api_post_audio_stop(void *user, va_request *request);
void va_api_get_latest(void *user, va_request *request);
void va_api_post_transcribe(void *user, va_request *request);
void va_api_post_execute(void *user, va_request *request);
void va_api_post_command(void *user, va_request *request);

/* Replies with what a failed call of the assistant means over HTTP. api may be NULL where only the request is at hand. */
void va_api_fail(va_api *api, va_request *request, int code, const va_error *error);

/* Runs call on an errand thread, because it may block; replies itself when that is not possible. */
void va_api_run(va_api *api, va_request *request, void (*call)(va_api *api, va_request *request));

/* A reply: begin, members, end. */
struct va_reply {
    struct va_buffer buffer;
    struct va_json json;
};
void va_reply_begin(struct va_reply *reply);
void va_reply_end(struct va_reply *reply, va_request *request, int status);

#endif
