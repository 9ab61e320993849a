/* A client's bytes through a whole connection: HTTP, routes, forms, JSON bodies, answers. First byte: the size of the pieces. */
#include "fuzz_server.h"

static void turn(va_connection *connection)
{
    size_t n;

    wake_all();
    const char *output = va_connection_output(connection, &n);
    if (n > 0) {
        FUZZ_CHECK(n >= 12 && memcmp(output, "HTTP/1.1 ", 9) == 0);
        va_connection_sent(connection, n, 0);
    }
    va_connection_flushed(connection, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct va_site site = {.folder = "/tmp", .sink = {deliver, NULL}};
    static struct va_gate gate = {.site = &site, .routes = routes, .n_routes = sizeof routes / sizeof routes[0]};
    static const struct va_peer local = {.address = "127.0.0.1", .is_loopback = 1};

    site.max_upload_bytes = 1000;
    site.timeout_s = 1;
    va_connection *connection = va_connection_new(&gate, VA_PROTOCOL_HTTP1, &local, NULL, 0);
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
