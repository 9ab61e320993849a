/* api.h - the HTTP API over the assistant: requests to calls, results to JSON. */
#ifndef VA_SERVER_API_H
#define VA_SERVER_API_H

#include "assistant/assistant.h"
#include "server/server.h"

typedef struct va_api va_api;

/* assistant must outlive the api. folder: on the disk whose space /health watches. */
VA_MUST_CHECK int va_api_new(va_assistant *assistant, const char *folder, va_api **ret_api, va_error *error);
void va_api_free(va_api *api);

/* The table for struct va_server_options, whose user is the api. */
const struct va_route *va_api_routes(size_t *ret_n);

#endif
