/* api_internal.h - what the files of the API share. */
#ifndef VA_SERVER_API_INTERNAL_H
#define VA_SERVER_API_INTERNAL_H

#include <stdatomic.h>

#include "server/api.h"
#include "base/json.h"
#include "server/event_hub.h"
#include "server/health.h"

#define VA_API_MAX_REPLY_BYTES ((size_t)64 << 20)

struct va_api {
    va_assistant *assistant;
    va_health *health;
    struct va_api_site site;
    struct va_api_settings settings;
    _Atomic int tls_port;                    /* 0: none */
    const char *confined[VA_API_MAX_LAYERS]; /* [n_confined] */
    size_t n_confined;
    va_event_hub *hub;
    _Atomic int exporting; /* the history */
};

/* Handlers: server thread; user is the api. */
void va_api_get_index(void *user, va_request *request);
void va_api_get_panel(void *user, va_request *request);
void va_api_get_panel_page(void *user, va_request *request);
void va_api_get_panel_moved(void *user, va_request *request);
void va_api_get_status(void *user, va_request *request);
void va_api_get_health(void *user, va_request *request);
void va_api_get_metrics(void *user, va_request *request);
void va_api_post_audio_start(void *user, va_request *request);
void va_api_post_audio_stop(void *user, va_request *request);
void va_api_post_listen_start(void *user, va_request *request);
void va_api_post_listen_stop(void *user, va_request *request);
void va_api_get_latest(void *user, va_request *request);
void va_api_post_transcribe(void *user, va_request *request);
void va_api_post_execute(void *user, va_request *request);
void va_api_post_command(void *user, va_request *request);
void va_api_get_events(void *user, va_request *request);
void va_api_get_timers(void *user, va_request *request);
void va_api_delete_timer(void *user, va_request *request);
void va_api_get_commands(void *user, va_request *request);
void va_api_get_live(void *user, va_request *request);
void va_api_post_privacy_enable(void *user, va_request *request);
void va_api_post_privacy_disable(void *user, va_request *request);
void va_api_get_openapi(void *user, va_request *request);
void va_api_get_openai_models(void *user, va_request *request);
void va_api_get_openai_model(void *user, va_request *request);
void va_api_post_openai_transcriptions(void *user, va_request *request);
void va_api_post_openai_translations(void *user, va_request *request);
void va_api_post_openai_speech(void *user, va_request *request);
void va_api_get_privacy(void *user, va_request *request);
void va_api_get_power(void *user, va_request *request);
void va_api_post_power_mode(void *user, va_request *request);
void va_api_post_power_sleep(void *user, va_request *request);
void va_api_get_battery(void *user, va_request *request);
void va_api_get_settings(void *user, va_request *request);
void va_api_patch_settings(void *user, va_request *request);
void va_api_get_tokens(void *user, va_request *request);
void va_api_post_tokens(void *user, va_request *request);
void va_api_delete_token(void *user, va_request *request);
void va_api_post_pairing(void *user, va_request *request);
void va_api_post_pairing_claim(void *user, va_request *request);
void va_api_get_audit(void *user, va_request *request);
void va_api_get_ca(void *user, va_request *request);
void va_api_get_history(void *user, va_request *request);
void va_api_get_history_export(void *user, va_request *request);
void va_api_delete_history(void *user, va_request *request);
void va_api_delete_history_entry(void *user, va_request *request);

/* The HTTP status of a VA_E* other than VA_EBUSY, VA_ESTATE and VA_ECANCELLED, and its name in the reply. */
int va_api_status(int code, const char **ret_name);

/* Replies with what a failed call of the assistant means over HTTP. api may be NULL where only the request is at hand. */
void va_api_fail(va_api *api, va_request *request, int code, const va_error *error);

/* The same for what is wrong with a JSON body: members.h. */
void va_api_fail_body(va_request *request, int code, const va_error *error);

/* The upload that request waits for is given up when its client has gone. From the handler that has submitted it. */
void va_api_cancel_when_gone(va_api *api, va_request *request, const char *id);

/* api_openai.c: which models there are, and errors as OpenAI's clients know them. */
int va_openai_is_transcriber(va_api *api, const char *name);
int va_openai_is_speaker(va_api *api, const char *name);
void va_openai_no_model(va_request *request, const char *name);
void va_openai_fail(va_request *request, int code, const va_error *error);
int va_openai_blame(va_request *request, const char *parameter, const char *message); /* replies, and returns -1 */

/* Runs call on an errand thread, because it may block. When that is not possible it replies itself and returns a VA_E*. */
int va_api_run(va_api *api, va_request *request, void (*call)(va_api *api, va_request *request));

/* A reply: begin, members, end. */
struct va_reply {
    struct va_buffer buffer;
    struct va_json json;
};
void va_reply_begin(struct va_reply *reply);
void va_reply_end(struct va_reply *reply, va_request *request, int status);

/* 1 when a browser asks for a page. */
int va_api_wants_page(const va_request *request);

#endif
