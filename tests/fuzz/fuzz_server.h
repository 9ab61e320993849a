/* fuzz_server.h - routes whose handlers read all there is of a request and answer at once; the answers wait in `replies`. */
#ifndef VA_TESTS_FUZZ_SERVER_H
#define VA_TESTS_FUZZ_SERVER_H

#include "fuzz.h"

#include <string.h>
#include <unistd.h>

#include "server/connection.h"

static va_request *replies;

static void deliver(void *user, va_request *request)
{
    (void)user;
    request->next = replies;
    replies = request;
}

static void reply(void *user, va_request *request)
{
    size_t n;
    char value[32];
    int fd = va_request_take_file(request);
    const char *body = va_request_body(request, &n);

    (void)user;
    FUZZ_CHECK(body[n] == '\0');
    if (fd >= 0)
        close(fd);
    (void)va_request_field(request, "language");
    if (va_request_query(request, "a", value, sizeof value) == 0)
        FUZZ_CHECK(strlen(value) < sizeof value);
    va_request_fail(request, 200, "ok", "%s", "");
}

static const struct va_route routes[] = {
    {"GET", "/", VA_BODY_NONE, 0, NULL, 0, reply},
    {"POST", "/", VA_BODY_NONE, 0, NULL, 0, reply},
    {"POST", "/json", VA_BODY_JSON, 100, NULL, 0, reply},
    {"POST", "/form", VA_BODY_FORM, 0, "audio", 0, reply},
};

/* Gives the answers to their connections. */
static void wake_all(void)
{
    while (replies != NULL) {
        va_request *request = replies;
        replies = request->next;
        va_connection_wake(request, 0);
        va_request_release(request);
    }
}

#endif
