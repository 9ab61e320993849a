/* Tokens, pairing, and the CA that devices are to trust. */
#include "server/api_internal.h"

#include <stdio.h>
#include <string.h>

#include "access/certificate.h"
#include "access/qr.h"
#include "access/token_json.h"
#include "base/log.h"
#include "base/memory.h"
#include "server/access_request.h"

#define MAX_QR_BYTES (1 << 18)

static void log_token(const char *event, const va_request *request, const struct va_token *token)
{
    const struct va_field fields[] = {VA_STRING("id", token->id), VA_STRING("name", token->name),
                                      VA_STRING("by", va_request_identity(request)->name),
                                      VA_STRING("address", va_request_peer(request)->address)};

    va_log_event(VA_LOG_INFO, "server", event, fields, sizeof fields / sizeof fields[0]);
}

/* A name that is taken is the request's fault, as it is said here. */
static void fail(va_api *api, va_request *request, int code, const va_error *error)
{
    if (code == VA_ESTATE)
        va_request_fail(request, 409, "exists", "%s", error->text);
    else if (code == VA_ELIMIT)
        va_request_fail(request, 409, "too_many", "%s", error->text);
    else
        va_api_fail(api, request, code, error);
}

static void reply_token(va_request *request, int status, const struct va_token *token, const char *text)
{
    struct va_reply reply;

    va_reply_begin(&reply);
    va_json_bool(&reply.json, "success", 1);
    va_token_json(&reply.json, token);
    if (text != NULL)
        va_json_text(&reply.json, "token", text);
    va_reply_end(&reply, request, status);
}

/* ---- tokens ---- */

static void list_tokens(va_api *api, va_request *request)
{
    struct va_tokens *tokens = NULL;
    struct va_reply reply;
    va_error error;
    int r = va_tokens_load(api->site.folder, &tokens, &error);

    if (r < 0) {
        va_api_fail(api, request, r, &error);
        return;
    }
    va_reply_begin(&reply);
    va_json_bool(&reply.json, "success", 1);
    va_json_open(&reply.json, "tokens", '[');
    for (size_t i = 0; i < tokens->n; i++) {
        va_json_open(&reply.json, NULL, '{');
        va_token_json(&reply.json, &tokens->token[i]);
        va_json_close(&reply.json, '}');
    }
    va_json_close(&reply.json, ']');
    va_free(tokens);
    va_reply_end(&reply, request, 200);
}

static void add_token(va_api *api, va_request *request)
{
    char text[VA_TOKEN_TEXT_BYTES];
    struct va_token_request wanted;
    struct va_token token;
    va_error error;
    size_t n;
    const char *body = va_request_body(request, &n);
    int r = va_token_request_read(body, n, &wanted, &error);

    if (r < 0) {
        va_api_fail_body(request, r, &error);
        return;
    }
    if ((r = va_tokens_add(api->site.folder, wanted.name, wanted.scopes, wanted.days, &token, text, &error)) < 0) {
        fail(api, request, r, &error);
        return;
    }
    log_token("token_added", request, &token);
    reply_token(request, 201, &token, text);
    explicit_bzero(text, sizeof text);
}

static void revoke_token(va_api *api, va_request *request)
{
    struct va_token token;
    va_error error;
    int r = va_tokens_revoke(api->site.folder, va_request_segment(request), &token, &error);

    if (r < 0) {
        va_api_fail(api, request, r, &error);
        return;
    }
    log_token("token_revoked", request, &token);
    reply_token(request, 200, &token, NULL);
}

/* ---- pairing ---- */

static void make_code(va_api *api, va_request *request)
{
    char code[VA_PAIRING_CODE_BYTES], link[VA_API_MAX_HOST_BYTES + 64];
    struct va_certificate_info ca;
    struct va_buffer image;
    struct va_reply reply;
    va_error error;
    int port = atomic_load(&api->tls_port);

    if (port == 0) {
        va_request_fail(request, 503, "unavailable", "other devices come over TLS, which is off (server.tls)");
        return;
    }
    int r = va_certificate_describe(api->site.folder, VA_CERTIFICATE_CA, &ca, &error);

    va_buffer_init(&image, MAX_QR_BYTES);
    if (r == 0)
        r = va_pairing_make(api->site.folder, code, &error);
    if (r == 0) {
        snprintf(link, sizeof link, "https://%s:%d/pair#%s", api->site.host, port, code);
        r = va_qr_svg(link, &image, &error);
    }
    if (r < 0) {
        va_buffer_free(&image);
        va_api_fail(api, request, r, &error);
        return;
    }
    va_reply_begin(&reply);
    va_json_bool(&reply.json, "success", 1);
    va_json_text(&reply.json, "code", code);
    va_json_text(&reply.json, "link", link);
    va_json_text(&reply.json, "qr_svg", image.data);
    va_json_text(&reply.json, "ca_sha256", ca.sha256);
    va_json_integer(&reply.json, "seconds", VA_PAIRING_S);
    va_json_text(&reply.json, "hint", api->site.is_local ? VA_ACCESS_LOCAL_HINT : NULL);
    va_buffer_free(&image);
    explicit_bzero(code, sizeof code);
    explicit_bzero(link, sizeof link);
    va_reply_end(&reply, request, 201);
}

static void claim(va_api *api, va_request *request)
{
    char text[VA_TOKEN_TEXT_BYTES];
    struct va_claim_request wanted;
    struct va_token token;
    va_error error;
    size_t n;
    const char *body = va_request_body(request, &n);
    int r = va_claim_request_read(body, n, &wanted, &error);

    if (r < 0) {
        va_api_fail_body(request, r, &error);
        return;
    }
    r = va_pairing_claim(api->site.folder, wanted.code, wanted.name, &token, text, &error);
    explicit_bzero(wanted.code, sizeof wanted.code);
    if (r == VA_EDENIED) {
        va_request_fail(request, 403, "wrong_code", "%s", error.text);
    } else if (r < 0) {
        fail(api, request, r, &error);
    } else {
        log_token("device_paired", request, &token);
        reply_token(request, 201, &token, text);
        explicit_bzero(text, sizeof text);
    }
}

/* ---- the CA ---- */

static void send_ca(va_api *api, va_request *request)
{
    static const struct {
        const char *format, *type, *disposition;
        int (*write)(const char *folder, struct va_buffer *out, va_error *error);
    } formats[] = {
        {"der", "application/x-x509-ca-cert", "attachment; filename=\"voice-assistant-ca.crt\"", va_certificate_ca_der},
        {"pem", "application/x-pem-file", "attachment; filename=\"voice-assistant-ca.pem\"", va_certificate_ca_pem},
        {"mobileconfig", "application/x-apple-aspen-config", "attachment; filename=\"voice-assistant-ca.mobileconfig\"",
         va_certificate_ca_profile},
    };
    char format[16] = "der";
    struct va_buffer body;
    va_error error;
    size_t i = 0;
    int r = va_request_query(request, "format", format, sizeof format);

    while (i < 3 && strcmp(formats[i].format, format) != 0)
        i++;
    if ((r < 0 && r != VA_ENOTFOUND) || i == 3) {
        va_request_fail(request, 400, "invalid", "'format' must be der, pem or mobileconfig, or be absent");
        return;
    }
    va_buffer_init(&body, VA_CERTIFICATE_MAX_BYTES);
    if ((r = formats[i].write(api->site.folder, &body, &error)) == 0)
        r = va_request_add_header(request, "Content-Disposition", formats[i].disposition);
    if (r < 0) {
        va_buffer_free(&body);
        va_request_fail(request, r == VA_ENOTFOUND ? 404 : 500, r == VA_ENOTFOUND ? "not_found" : "internal", "there is no CA to send");
        return;
    }
    va_request_reply_as(request, 200, formats[i].type, &body);
}

/* ---- the handlers: all of it is on the disk, so it may block ---- */

static void run(va_api *api, va_request *request, void (*call)(va_api *api, va_request *request))
{
    if (api->site.access == NULL)
        va_request_fail(request, 503, "unavailable", "this program was started without tokens");
    else
        va_api_run(api, request, call);
}

void va_api_get_tokens(void *user, va_request *request)
{
    run(user, request, list_tokens);
}

void va_api_post_tokens(void *user, va_request *request)
{
    run(user, request, add_token);
}

void va_api_delete_token(void *user, va_request *request)
{
    run(user, request, revoke_token);
}

void va_api_post_pairing(void *user, va_request *request)
{
    run(user, request, make_code);
}

/* Each try counts before it is known to be wrong, so that many at once are no way around the limit. */
void va_api_post_pairing_claim(void *user, va_request *request)
{
    va_api *api = user;
    char seconds[16];
    int retry_after_s = 0;

    if (api->site.access != NULL && va_access_try(api->site.access, va_request_peer(request), &retry_after_s) == VA_EBUSY) {
        snprintf(seconds, sizeof seconds, "%d", retry_after_s);
        int r = va_request_add_header(request, "Retry-After", seconds);
        va_request_fail(request, r < 0 ? 500 : 429, r < 0 ? "internal" : "too_many_attempts", "too many codes came from this address");
        return;
    }
    run(api, request, claim);
}

void va_api_get_ca(void *user, va_request *request)
{
    run(user, request, send_ca);
}
