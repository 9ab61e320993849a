/* A client's bytes through a whole connection: HTTP, routes, forms, JSON bodies, answers. First byte: the size of the pieces. */
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
    {"GET", "/", VA_BODY_NONE, 0, NULL, reply},
    {"POST", "/", VA_BODY_NONE, 0, NULL, reply},
    {"POST", "/json", VA_BODY_JSON, 100, NULL, reply},
    {"POST", "/form", VA_BODY_FORM, 0, "audio", reply},
};

static void turn(va_connection *connection)
{
    size_t n;

    while (replies != NULL) {
        va_request *request = replies;
        replies = request->next;
        if (request->connection != NULL)
            va_connection_answer(connection, request, 0);
        va_request_release(request);
    }
    const char *output = va_connection_output(connection, &n);
    if (n > 0) {
        FUZZ_CHECK(n >= 12 && memcmp(output, "HTTP/1.1 ", 9) == 0);
        va_connection_sent(connection, n, 0);
    }
    va_connection_flushed(connection, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct va_site site = {
        .routes = routes, .n_routes = sizeof routes / sizeof routes[0], .folder = "/tmp", .sink = {deliver, NULL}};

    site.max_upload_bytes = 1000;
    site.timeout_s = 1;
    va_connection *connection = va_connection_new(&site, 0);
    if (connection == NULL || size == 0) {
        va_connection_free(connection);
        return 0;
    }
    size_t step = 1 + bytes[0];
    for (size_t i = 1; i < size && !(va_connection_wishes(connection) & VA_CONNECTION_CLOSE); i += step) {
        va_connection_receive(connection, (const char *)bytes + i, size - i < step ? size - i : step, 0);
        turn(connection);
    }
    turn(connection);
    va_connection_expire(connection, 100);
    turn(connection);
    va_connection_free(connection);
    /* A request whose client has gone is still answered by its handler. */
    while (replies != NULL) {
        va_request *request = replies;
        replies = request->next;
        FUZZ_CHECK(va_request_is_gone(request));
        va_request_release(request);
    }
    FUZZ_CHECK(site.upload_bytes == 0);
    return 0;
}
