/* api.h - the HTTP API over the assistant: requests to calls, results to JSON. */
#ifndef VA_SERVER_API_H
#define VA_SERVER_API_H

#include "assistant/assistant.h"
#include "config/settings.h"
#include "server/server.h"

typedef struct va_api va_api;

/* assistant must outlive the api. folder: on the disk whose space /health watches. */
VA_MUST_CHECK int va_api_new(va_assistant *assistant, const char *folder, va_api **ret_api, va_error *error);
void va_api_free(va_api *api);

/* What the routes of tokens and pairing need to know. */
#define VA_API_MAX_HOST_BYTES 256
struct va_api_site {
    va_access *access;
    const char *folder;               /* of data; it stays the caller's */
    char host[VA_API_MAX_HOST_BYTES]; /* under which other devices reach this machine */
    int is_local;                     /* the port with TLS is for this machine only */
};

/* Before the server starts; until then those routes answer 503. */
void va_api_set_site(va_api *api, const struct va_api_site *site);

/* Who knows the options and can change them. Any thread. */
struct va_api_settings {
    int (*show)(void *user, struct va_buffer *out, va_error *error); /* as va_config_describe */
    /* All or none; blocks until it is known what became of them. VA_EINVAL, VA_EDENIED: va_settings_check. VA_EFAILED: what is there
     * besides does not let them be taken over. VA_ESTATE: the program ends. */
    int (*change)(void *user, struct va_setting *settings, size_t n, va_error *error);
    void *user;
};

/* Before the server starts; until then those routes answer 503. */
void va_api_set_settings(va_api *api, const struct va_api_settings *settings);

/* The port with TLS, once it is known: for links. Without one no code for pairing is made. */
void va_api_set_tls_port(va_api *api, int port);

/* What the program has taken from itself: layers [n], at most VA_API_MAX_LAYERS, constants. Before there are requests. */
#define VA_API_MAX_LAYERS 4
void va_api_set_confined(va_api *api, const char *const *layers, size_t n);

struct va_health;
struct va_health *va_api_health(va_api *api); /* the api's */

/* The table for struct va_server_options, whose user is the api. */
const struct va_route *va_api_routes(size_t *ret_n);

#endif
