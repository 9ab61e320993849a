/* Pages, replies in pieces and WebSockets of the server with real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "server/server.h"

#include "server_client.h"

static pthread_t late_threads[64];
static _Atomic int n_late, stream_end, n_closed;

static void get_now(void *user, va_request *request)
{
    struct va_buffer json;
    va_buffer_init(&json, 1 << 20);
    assert_int_equal(va_buffer_append_string(&json, user), 0);
    va_request_reply(request, 200, &json);
}

static void get_page(void *user, va_request *request)
{
    static const char page[] = "<p>hello";
    va_request_reply_static(request, "text/html; charset=utf-8", page, sizeof page - 1, "default-src 'self'");
}

static void get_sound(void *user, va_request *request)
{
    struct va_buffer body;
    va_buffer_init(&body, 100000);
    for (int i = 0; i < 30000; i++)
        assert_int_equal(va_buffer_append(&body, "abc", 3), 0);
    assert_int_equal(va_request_add_header(request, "X-Segment", va_request_segment(request)), 0);
    va_request_reply_as(request, 201, "audio/wav", &body);
}

static va_stream_reply *stream;

static void *stream_late(void *arg)
{
    char line[32];
    for (int i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "data: %d\n\n", i);
        assert_int_equal(va_stream_reply_write(stream, line, strlen(line)), 0);
        usleep(2000);
    }
    va_stream_reply_end(stream);
    return NULL;
}

static void get_stream(void *user, va_request *request)
{
    assert_int_equal(va_request_stream(request, 200, "text/event-stream", &stream), 0);
    assert_int_equal(pthread_create(&late_threads[n_late++], NULL, stream_late, NULL), 0);
}

static void get_cut(void *user, va_request *request)
{
    assert_int_equal(va_request_stream(request, 200, "text/csv", &stream), 0);
    assert_int_equal(va_stream_reply_write(stream, "id,time\r\n", 9), 0);
    va_stream_reply_cut(stream);
}

/* Writes until the client is gone or too slow. */
static void *stream_much(void *arg)
{
    static const char data[65536];
    int r;
    while ((r = va_stream_reply_write(stream, data, sizeof data)) == 0 || r == VA_ELIMIT)
        if (r == VA_ELIMIT) {
            stream_end = r;
            usleep(1000);
        }
    va_stream_reply_end(stream);
    return NULL;
}

static void get_flood(void *user, va_request *request)
{
    assert_int_equal(va_request_stream(request, 200, "text/event-stream", &stream), 0);
    assert_int_equal(pthread_create(&late_threads[n_late++], NULL, stream_much, NULL), 0);
}

static void heard(void *user, va_socket *socket, int is_text, const char *data, size_t n)
{
    if (n == 4 && memcmp(data, "stop", 4) == 0)
        va_socket_close(socket, 4000, "as you wish");
    else
        assert_int_equal(va_socket_send(socket, is_text, data, n), 0);
}

static void closed(void *user, va_socket *socket)
{
    n_closed++;
    va_socket_release(socket);
}

static void get_socket(void *user, va_request *request)
{
    static const struct va_socket_events events = {heard, closed};
    va_socket *socket;
    assert_int_equal(va_request_upgrade(request, &events, NULL, 1000, &socket), 0);
}

static const struct va_route routes[] = {
    {"GET", "/now", VA_BODY_NONE, 0, NULL, 0, get_now},
    {"GET", "/page", VA_BODY_NONE, 0, NULL, 0, get_page},
    {"GET", "/sounds/{id}", VA_BODY_NONE, 0, NULL, 0, get_sound},
    {"GET", "/stream", VA_BODY_NONE, 0, NULL, 0, get_stream},
    {"GET", "/cut", VA_BODY_NONE, 0, NULL, 0, get_cut},
    {"GET", "/flood", VA_BODY_NONE, 0, NULL, 0, get_flood},
    {"GET", "/socket", VA_BODY_SOCKET, 0, NULL, VA_SCOPE_CONTROL, get_socket},
};

static int start(void **state)
{
    static char text[] = "{\"now\":true}";
    const struct va_endpoint endpoint = {
        .listen = "127.0.0.1", .routes = routes, .n_routes = sizeof routes / sizeof routes[0], .user = text};
    const struct va_server_options options = {
        .endpoints = &endpoint,
        .n_endpoints = 1,
        .max_connections = 4,
        .timeout_s = 0.3,
        .max_upload_bytes = 100000,
        .folder = "/tmp",
    };
    va_error error = {0};
    n_late = n_closed = stream_end = 0;
    if (va_server_start(&options, &server, &error) < 0)
        fail_msg("%s", error.text);
    return 0;
}

static int stop(void **state)
{
    for (int i = 0; i < n_late; i++)
        pthread_join(late_threads[i], NULL);
    va_server_free(server, 1);
    return 0;
}

/* Throws away what comes until the server closes. */
static void hear_end(int fd)
{
    char text[4096];
    while (recv(fd, text, sizeof text, 0) > 0) {
    }
    close(fd);
}

static void pages_that_do_not_change(void **state)
{
    char request[256];
    const char *answer = ask("GET /page" HEAD "\r\n");
    const char *tag = strstr(answer, "ETag: ");
    assert_non_null(tag);
    assert_non_null(strstr(answer, "Content-Type: text/html; charset=utf-8\r\n"));
    assert_non_null(strstr(answer, "Content-Security-Policy: default-src 'self'\r\n"));
    assert_non_null(strstr(answer, "Cache-Control: no-cache\r\n"));
    assert_non_null(strstr(answer, "\r\n\r\n<p>hello"));
    snprintf(request, sizeof request, "GET /page" HEAD "If-None-Match: %.18s\r\n\r\n", tag + 6);
    answer = ask(request);
    assert_non_null(strstr(answer, "HTTP/1.1 304 Not Modified\r\n"));
    assert_null(strstr(answer, "hello"));
}

static void other_content_and_segments(void **state)
{
    const char *answer = ask("GET /api/v1/sounds/a%20b" HEAD "\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 201 Created\r\n"));
    assert_non_null(strstr(answer, "Content-Type: audio/wav\r\nContent-Length: 90000\r\nX-Segment: a b\r\n"));
    assert_int_equal(strlen(strstr(answer, "\r\n\r\nabc")), 4 + 90000);
    expect("GET /sounds/" HEAD "\r\n", "404", "");
    expect("GET /sounds/a/b" HEAD "\r\n", "404", "");
    expect("PUT /sounds/a" HEAD "\r\n", "405", "\r\nAllow: GET, HEAD\r\n");
}

static void replies_in_pieces(void **state)
{
    const char *answer = ask("GET /stream" HEAD "\r\n");
    assert_non_null(strstr(answer, "Transfer-Encoding: chunked\r\n"));
    assert_non_null(strstr(answer, "data: 0\n\n"));
    assert_non_null(strstr(answer, "data: 2\n\n"));
    assert_non_null(strstr(answer, "\r\n0\r\n\r\n"));
    answer = ask("GET /stream HTTP/1.0\r\n\r\n");
    assert_null(strstr(answer, "chunked"));
    assert_non_null(strstr(answer, "\r\n\r\ndata: 0\n\ndata: 1\n\ndata: 2\n\n"));
    answer = ask("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\nGET /now" HEAD "\r\n");
    assert_non_null(strstr(strstr(answer, "\r\n0\r\n\r\n"), "{\"now\":true}"));
}

/* It ends without its last chunk, and another request is not answered behind it. */
static void a_reply_that_is_cut(void **state)
{
    const char *answer = ask("GET /cut HTTP/1.1\r\nHost: localhost\r\n\r\nGET /now" HEAD "\r\n");
    const char *end = "\r\n9\r\nid,time\r\n\r\n";

    assert_non_null(strstr(answer, "Transfer-Encoding: chunked\r\n"));
    assert_string_equal(answer + strlen(answer) - strlen(end), end);
}

static void who_does_not_read_a_stream_holds_bounded_memory(void **state)
{
    int fd = dial();
    say(fd, "GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (int i = 0; i < 1000 && (stream_end == 0 || va_server_connections(server) > 0); i++)
        usleep(5000);
    assert_int_equal(stream_end, VA_ELIMIT);
    assert_int_equal(va_server_connections(server), 0);
    close(fd);
}

#define UPGRADE                                                                                            \
    "GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void sockets(void **state)
{
    /* Masked with zeros: "stop" as text. */
    static const char frames[] =
        "\x81\x83\0\0\0\0abc\x89\x81\0\0\0\0p\x01\x81\0\0\0\0x\x80\x81\0\0\0\0y\x81\x84\0\0\0\0stop\x88\x80\0\0\0\0";
    static const char answers[] = "\x81\x03"
                                  "abc\x8a\x01p\x81\x02xy\x88\x0d\x0f\xa0"
                                  "as you wish";
    int fd = dial();

    say(fd, UPGRADE "Sec-WebSocket-Protocol: other, va.v1\r\n\r\n");
    assert_int_equal(send(fd, frames, sizeof frames - 1, MSG_NOSIGNAL), sizeof frames - 1);
    const char *answer = hear(fd);
    assert_non_null(strstr(answer, "HTTP/1.1 101 Switching Protocols\r\n"));
    assert_non_null(strstr(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_non_null(strstr(answer, "Sec-WebSocket-Protocol: va.v1\r\n"));
    const char *data = strstr(answer, "\r\n\r\n") + 4;
    assert_memory_equal(data, answers, sizeof answers - 1);
    for (int i = 0; i < 1000 && n_closed == 0; i++)
        usleep(5000);
    assert_int_equal(n_closed, 1);
}

static void upgrades_that_are_none(void **state)
{
    expect("GET /socket" HEAD "\r\n", "426", "\r\nUpgrade: websocket\r\n");
    expect("GET /socket" HEAD "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n\r\n", "426",
           "\r\nSec-WebSocket-Version: 13\r\n");
    expect("GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: short\r\n\r\n",
           "400", "Sec-WebSocket-Key");
    expect(UPGRADE "Origin: http://localhost:1\r\nConnection: close\r\n\r\n", "403", "other web sites");
}

static void sockets_and_streams_end_with_the_server(void **state)
{
    int fd = dial(), flood = dial();
    say(fd, UPGRADE "\r\n");
    say(flood, "GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (int i = 0; i < 400 && stream_end == 0; i++)
        usleep(5000);
    va_server_free(server, 0.2);
    const char *answer = hear(fd);
    assert_memory_equal(strstr(answer, "\r\n\r\n") + 4, "\x88\x02\x03\xe9", 4);
    assert_int_equal(n_closed, 1);
    hear_end(flood);
    for (int i = 0; i < n_late; i++)
        pthread_join(late_threads[i], NULL);
    start(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_that_do_not_change, start, stop),
        cmocka_unit_test_setup_teardown(other_content_and_segments, start, stop),
        cmocka_unit_test_setup_teardown(replies_in_pieces, start, stop),
        cmocka_unit_test_setup_teardown(a_reply_that_is_cut, start, stop),
        cmocka_unit_test_setup_teardown(who_does_not_read_a_stream_holds_bounded_memory, start, stop),
        cmocka_unit_test_setup_teardown(sockets, start, stop),
        cmocka_unit_test_setup_teardown(upgrades_that_are_none, start, stop),
        cmocka_unit_test_setup_teardown(sockets_and_streams_end_with_the_server, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
