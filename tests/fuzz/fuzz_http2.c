/* A client's frames through a whole connection of HTTP/2: heads, bodies, forms, answers, flow control. First byte: the size of the pieces.
 * The preface is put before them, so that it need not be found. */
#include "fuzz_server.h"

static void turn(va_connection *connection)
{
    size_t n;

    wake_all();
    (void)va_connection_output(connection, &n);
    if (n > 0)
        va_connection_sent(connection, n, 0);
    va_connection_flushed(connection, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static struct va_site site = {.folder = "/tmp", .sink = {deliver, NULL}};
    static struct va_gate gate = {.site = &site, .routes = routes, .n_routes = sizeof routes / sizeof routes[0]};
    static const struct va_peer local = {.address = "127.0.0.1", .is_loopback = 1};

    site.max_upload_bytes = 1000;
    site.timeout_s = 1;
    va_connection *connection = va_connection_new(&gate, VA_PROTOCOL_HTTP2, &local, NULL, 0);
    if (connection == NULL || size == 0) {
        va_connection_free(connection);
        return 0;
    }
    va_connection_receive(connection, preface, sizeof preface - 1, 0);
    size_t step = 1 + bytes[0];
    for (size_t i = 1; i < size && !(va_connection_wishes(connection) & VA_CONNECTION_CLOSE); i += step) {
        va_connection_receive(connection, (const char *)bytes + i, size - i < step ? size - i : step, 0);
        turn(connection);
    }
    for (double now_s = 1; now_s < 200 && !(va_connection_wishes(connection) & VA_CONNECTION_CLOSE); now_s += 33) {
        va_connection_expire(connection, now_s);
        turn(connection);
    }
    va_connection_free(connection);
    while (replies != NULL) {
        va_request *request = replies;
        replies = request->next;
        FUZZ_CHECK(va_request_is_gone(request));
        va_request_release(request);
    }
    FUZZ_CHECK(site.upload_bytes == 0);
    return 0;
}
