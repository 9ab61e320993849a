/* A connection without a socket: what cannot be brought about from outside at will. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/metrics.h"
#include "server/connection.h"
#include "server/socket.h"
#include "server/upload.h"

static va_request *held; /* the handler keeps it */
static va_request *replies;

static void deliver(void *user, va_request *request)
{
    request->next = replies;
    replies = request;
}

static void keep(void *user, va_request *request)
{
    held = request;
}

static int n_closed;
static va_socket *upgraded;

static void heard(void *user, va_socket *socket, int is_text, const char *data, size_t n)
{
    (void)!va_socket_send(socket, is_text, data, n);
}

static void closed(void *user, va_socket *socket)
{
    n_closed++;
    va_socket_release(socket);
}

static void upgrade(void *user, va_request *request)
{
    static const struct va_socket_events events = {heard, closed};
    assert_int_equal(va_request_upgrade(request, &events, NULL, 1000, &upgraded), 0);
}

static const struct va_route routes[] = {
    {"GET", "/", VA_BODY_NONE, 0, NULL, 0, keep},
    {"POST", "/form", VA_BODY_FORM, 0, "audio", 0, keep},
    {"GET", "/socket", VA_BODY_SOCKET, 0, NULL, 0, upgrade},
};
static struct va_site site;
static struct va_gate gate = {.site = &site, .routes = routes, .n_routes = sizeof routes / sizeof routes[0]};
static const struct va_peer local = {.address = "127.0.0.1", .is_loopback = 1};
static va_connection *connection;

static int start(void **state)
{
    site = (struct va_site){.folder = "/tmp", .sink = {deliver, NULL}};
    site.max_upload_bytes = 1000;
    site.timeout_s = 10;
    held = replies = NULL;
    n_closed = 0;
    connection = va_connection_new(&gate, VA_PROTOCOL_HTTP1, &local, NULL, 0);
    return connection == NULL;
}

static int stop(void **state)
{
    va_connection_free(connection);
    return 0;
}

static void receive(const char *text, double now_s)
{
    va_connection_receive(connection, text, strlen(text), now_s);
}

/* What is in the output; it is then sent. */
static const char *output(double now_s)
{
    static char text[8192];
    size_t n;
    const char *data = va_connection_output(connection, &n);
    assert_true(n < sizeof text);
    memcpy(text, data, n);
    text[n] = '\0';
    va_connection_sent(connection, n, now_s);
    va_connection_flushed(connection, now_s);
    return text;
}

static void wake(double now_s)
{
    va_request *request = replies;
    replies = NULL;
    va_connection_wake(request, now_s);
    va_request_release(request);
}

/* The n-th allocation fails meanwhile. */
static void wake_without_memory(size_t n)
{
    va_request *request = replies;
    replies = NULL;
    va_memory_fail_after(n);
    va_connection_wake(request, 0);
    va_memory_fail_after(0);
    va_request_release(request);
}

static void answer(double now_s)
{
    va_request_fail(held, 200, "fine", "%s", "");
    wake(now_s);
}

static void a_slow_head_and_an_idle_client(void **state)
{
    receive("GET / HT", 5);
    assert_true(va_connection_deadline_s(connection) == 15);
    receive("TP", 14); /* a trickle does not buy time */
    assert_true(va_connection_deadline_s(connection) == 15);
    va_connection_expire(connection, 14.9);
    assert_int_equal(va_connection_wishes(connection), 0);
    va_connection_expire(connection, 15);
    assert_non_null(strstr(output(15), "HTTP/1.1 408 "));
    assert_int_equal(va_connection_wishes(connection), VA_CONNECTION_END_OUTPUT);
    receive("/1.1\r\n", 16);
    assert_true(va_connection_deadline_s(connection) == 18);
    receive("rubbish", 24.5);
    assert_true(va_connection_deadline_s(connection) == 25); /* 10 s of it are enough */
    va_connection_expire(connection, 25);
    assert_int_equal(va_connection_wishes(connection), VA_CONNECTION_CLOSE);
}

static void a_silent_client_is_let_go(void **state)
{
    va_connection_expire(connection, 10);
    assert_int_equal(va_connection_wishes(connection), VA_CONNECTION_CLOSE);
}

static void a_body_may_be_slow_but_not_too_slow(void **state)
{
    char piece[513];
    memset(piece, 'x', sizeof piece - 1);
    piece[sizeof piece - 1] = '\0';
    atomic_store(&site.max_upload_bytes, 1 << 20);
    receive("POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
            "--b\r\nContent-Disposition: form-data; name=audio\r\n\r\n",
            0);
    for (int i = 0; i < 64; i++)
        receive(piece, i * 0.1);
    double deadline_s = va_connection_deadline_s(connection); /* 32 KB at 8 KB/s: 4 s more */
    assert_true(deadline_s > 13.9 && deadline_s < 14.1);
    va_connection_expire(connection, deadline_s);
    assert_non_null(strstr(output(deadline_s), "HTTP/1.1 408 "));
    assert_true(atomic_load(&site.upload_bytes) == 0);
}

static void early_requests_wait_in_bounded_memory(void **state)
{
    static char many[40000];
    receive("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 0);
    assert_non_null(held);
    memset(many, '\n', sizeof many - 1);
    receive(many, 0);
    assert_int_equal(va_connection_wishes(connection), VA_CONNECTION_PAUSE);
    receive(many, 0);
    assert_int_equal(va_connection_wishes(connection), VA_CONNECTION_CLOSE);
    va_request_fail(held, 200, "late", "%s", "");
    va_request_release(replies);
}

static void a_reply_for_a_client_that_has_gone(void **state)
{
    receive("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 0);
    assert_false(va_request_is_gone(held));
    va_connection_free(connection);
    connection = NULL;
    assert_true(va_request_is_gone(held));
    answer(0);
}

#define UPGRADE                                                                                \
    "GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static void a_socket_whose_client_does_not_read_is_closed(void **state)
{
    receive(UPGRADE, 0);
    wake(0); /* the answer stays in the output */
    va_connection_expire(connection, va_connection_deadline_s(connection));
    assert_int_equal(va_connection_wishes(connection), VA_CONNECTION_CLOSE);
    va_connection_free(connection);
    connection = NULL;
    assert_int_equal(n_closed, 1);
}

static void a_socket_whose_client_does_not_wait_is_closed(void **state)
{
    static char many[70000];
    receive(UPGRADE, 0);
    wake(0);
    va_socket_pause(upgraded, 1);
    wake(0);
    memset(many, 'x', sizeof many - 1);
    receive(many, 0);
    assert_int_equal(va_connection_wishes(connection), VA_CONNECTION_CLOSE);
    va_connection_free(connection);
    connection = NULL;
    assert_int_equal(n_closed, 1);
}

static void stopping(void **state)
{
    va_connection_close_idle(connection, 0);
    assert_int_equal(va_connection_wishes(connection), VA_CONNECTION_CLOSE);
    stop(state);
    start(state);
    receive("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 0);
    va_connection_close_idle(connection, 0);
    assert_int_equal(va_connection_wishes(connection), 0);
    site.closing = 1;
    answer(0);
    assert_non_null(strstr(output(0), "\r\nConnection: close\r\n"));
    assert_int_equal(va_connection_wishes(connection), VA_CONNECTION_END_OUTPUT);
}

static void expect_continue(void **state)
{
    receive("POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nExpect: "
            "100-continue\r\nContent-Length: 5\r\n\r\n",
            0);
    assert_string_equal(output(0), "HTTP/1.1 100 Continue\r\n\r\n");
    receive("--b--", 0);
    answer(0);
    assert_non_null(strstr(output(0), "HTTP/1.1 200 OK\r\n"));
    /* What will be refused is not asked for. */
    receive("POST /form HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 0);
    const char *refusal = output(0);
    assert_non_null(strstr(refusal, "HTTP/1.1 415 "));
    assert_null(strstr(refusal, "100 Continue"));
}

static void all_uploads_together_are_bounded(void **state)
{
    atomic_store(&site.upload_bytes, 4 * 1000 - 10);
    receive("POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 500\r\n\r\n"
            "--b\r\nContent-Disposition: form-data; name=audio\r\n\r\n0123456789AB",
            0);
    const char *refusal = output(0);
    assert_non_null(strstr(refusal, "HTTP/1.1 503 "));
    assert_non_null(strstr(refusal, "\r\nRetry-After: "));
    assert_true(atomic_load(&site.upload_bytes) == 4 * 1000 - 10);
}

static void two_files_and_no_folder(void **state)
{
#define FORM_HEAD "POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 500\r\n\r\n"
#define PART "--b\r\nContent-Disposition: form-data; name=audio\r\n\r\nx\r\n"
    receive(FORM_HEAD PART PART, 0);
    assert_non_null(strstr(output(0), "more than one field 'audio'"));
    stop(state);
    start(state);
    site.folder = "/nowhere/at/all";
    receive(FORM_HEAD PART, 0);
    assert_non_null(strstr(output(0), "HTTP/1.1 500 "));
}

/* Each answer once, by its status; how long it took only where there was a request. */
static void answers_are_counted(void **state)
{
    va_metrics *metrics;
    struct va_buffer text;

    assert_int_equal(va_metrics_new(&metrics, NULL), 0);
    site.metrics = metrics;
    receive("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 1);
    answer(1);
    output(1);
    receive("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", 2);
    output(2);
    va_connection_free(connection);
    connection = va_connection_new(&gate, VA_PROTOCOL_HTTP1, &local, NULL, 3);
    assert_non_null(connection);
    va_connection_refuse(connection, 3); /* one too many */
    va_buffer_init(&text, 1 << 20);
    assert_int_equal(va_metrics_write(metrics, &text), 0);
    assert_non_null(strstr(text.data, "http_requests_total{class=\"2xx\"} 1\n"));
    assert_non_null(strstr(text.data, "http_requests_total{class=\"3xx\"} 0\n"));
    assert_non_null(strstr(text.data, "http_requests_total{class=\"4xx\"} 1\n"));
    assert_non_null(strstr(text.data, "http_requests_total{class=\"5xx\"} 1\n"));
    assert_non_null(strstr(text.data, "http_refused_total 1\n"));
    assert_non_null(strstr(text.data, "http_request_duration_seconds_count 1\n"));
    va_buffer_free(&text);
    va_metrics_free(metrics);
}

static void out_of_memory(void **state)
{
    static const char request[] =
        "POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 63\r\n\r\n"
        "--b\r\nContent-Disposition: form-data; name=language\r\n\r\nen\r\n--b--";
    for (size_t n = 1; n < 12; n++) {
        va_memory_fail_after(n);
        va_connection *other = va_connection_new(&gate, VA_PROTOCOL_HTTP1, &local, NULL, 0);
        if (other != NULL) {
            held = NULL;
            va_connection_receive(other, request, sizeof request - 1, 0);
            va_memory_fail_after(0);
            if (held != NULL) {
                va_request_fail(held, 200, "fine", "%s", "");
                wake_without_memory(n);
            }
            /* An answer, or the end. */
            assert_true(va_connection_wishes(other) != 0);
        }
        va_memory_fail_after(0);
        va_connection_free(other);
    }
}

static void the_head_of_a_stream_is_whole_or_the_end(void **state)
{
    static const char request[] = "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    for (size_t n = 1; n < 8; n++) {
        va_connection *other = va_connection_new(&gate, VA_PROTOCOL_HTTP1, &local, NULL, 0);
        va_stream_reply *stream;
        size_t n_output;
        assert_non_null(other);
        va_connection_receive(other, request, sizeof request - 1, 0);
        assert_int_equal(va_request_stream(held, 200, "text/event-stream", &stream), 0);
        wake_without_memory(n);
        const char *output = va_connection_output(other, &n_output);
        if ((va_connection_wishes(other) & VA_CONNECTION_CLOSE) == 0)
            assert_true(n_output > 4 && memcmp(output + n_output - 4, "\r\n\r\n", 4) == 0);
        va_stream_reply_end(stream);
        va_request_release(replies); /* the end, where it is told */
        replies = NULL;
        va_connection_free(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_slow_head_and_an_idle_client, start, stop),
        cmocka_unit_test_setup_teardown(a_silent_client_is_let_go, start, stop),
        cmocka_unit_test_setup_teardown(a_body_may_be_slow_but_not_too_slow, start, stop),
        cmocka_unit_test_setup_teardown(early_requests_wait_in_bounded_memory, start, stop),
        cmocka_unit_test_setup_teardown(a_reply_for_a_client_that_has_gone, start, stop),
        cmocka_unit_test_setup_teardown(a_socket_whose_client_does_not_read_is_closed, start, stop),
        cmocka_unit_test_setup_teardown(a_socket_whose_client_does_not_wait_is_closed, start, stop),
        cmocka_unit_test_setup_teardown(stopping, start, stop),
        cmocka_unit_test_setup_teardown(expect_continue, start, stop),
        cmocka_unit_test_setup_teardown(all_uploads_together_are_bounded, start, stop),
        cmocka_unit_test_setup_teardown(two_files_and_no_folder, start, stop),
        cmocka_unit_test_setup_teardown(answers_are_counted, start, stop),
        cmocka_unit_test_setup_teardown(out_of_memory, start, stop),
        cmocka_unit_test_setup_teardown(the_head_of_a_stream_is_whole_or_the_end, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
