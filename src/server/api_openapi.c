/* The OpenAPI document: openapi.json, put in by the build. A test compares it with the table of routes. */
#include "server/api_internal.h"

extern const unsigned char va_openapi[];
extern const size_t va_openapi_size;

void va_api_get_openapi(void *user, va_request *request)
{
    (void)user;
    va_request_reply_static(request, "application/json", va_openapi, va_openapi_size, NULL);
}
