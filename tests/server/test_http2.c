/* HTTP/2 without a socket: frames in, frames out, time at will. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "server/connection.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\4\0\0\0\0\0"
/* Indexed fields, and ":authority: localhost" without an index. */
#define AUTHORITY "\x01\x09localhost"
#define GET_ROOT "\0\0\x0e\1\5\0\0\0\1\x82\x87\x84" AUTHORITY
#define POST_JSON "\0\0\x14\1\4\0\0\0\1\x83\x87\x04\x05/json" AUTHORITY

static va_request *held, *replies;
static va_stream_reply *stream;

static void deliver(void *user, va_request *request)
{
    request->next = replies;
    replies = request;
}

static void keep(void *user, va_request *request)
{
    held = request;
}

static const struct va_route routes[] = {
    {"GET", "/", VA_BODY_NONE, 0, NULL, 0, keep},
    {"POST", "/json", VA_BODY_JSON, 10, NULL, 0, keep},
};
static struct va_site site;
static struct va_gate gate = {.site = &site, .routes = routes, .n_routes = sizeof routes / sizeof routes[0]};
static const struct va_peer local = {.address = "127.0.0.1", .is_loopback = 1};
static va_connection *connection;
static char out[1 << 20];
static size_t n_out;

/* All that is in the output, sent. */
static void drain(double now_s)
{
    size_t n;
    const char *data;

    n_out = 0;
    while (data = va_connection_output(connection, &n), n > 0) {
        assert_true(n_out + n <= sizeof out);
        memcpy(out + n_out, data, n);
        n_out += n;
        va_connection_sent(connection, n, now_s);
        va_connection_flushed(connection, now_s);
    }
}

static void receive(const char *data, size_t n, double now_s)
{
    va_connection_receive(connection, data, n, now_s);
}

static void take(double now_s)
{
    va_request *request = replies;
    replies = NULL;
    va_connection_wake(request, now_s);
    va_request_release(request);
}

/* The payload of the n-th frame of that kind in the output; NULL when there is none. */
static const char *frame(int kind, int nth, size_t *ret_n)
{
    for (size_t i = 0; i + 9 <= n_out;) {
        const unsigned char *head = (const unsigned char *)out + i;
        *ret_n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (head[3] == kind && nth-- == 0)
            return out + i + 9;
        i += 9 + *ret_n;
    }
    return NULL;
}

static int start(void **state)
{
    site = (struct va_site){.folder = "/tmp", .sink = {deliver, NULL}};
    site.max_upload_bytes = 1000;
    site.timeout_s = 10;
    held = replies = NULL;
    connection = va_connection_new(&gate, VA_PROTOCOL_HTTP2, &local, NULL, 0);
    if (connection == NULL)
        return -1;
    receive(PREFACE SETTINGS, sizeof PREFACE SETTINGS - 1, 0);
    drain(0);
    return 0;
}

static int stop(void **state)
{
    va_connection_free(connection);
    return 0;
}

static void one_request(void **state)
{
    size_t n;

    receive(GET_ROOT, sizeof GET_ROOT - 1, 1);
    assert_non_null(held);
    assert_true(va_connection_deadline_s(connection) == 0); /* it is not the client's turn */
    va_request_fail(held, 200, "fine", "%s", "");
    take(2);
    drain(2);
    assert_non_null(frame(1, 0, &n));
    const char *body = frame(0, 0, &n);
    assert_non_null(body);
    assert_memory_equal(body, "{\"success\":false", 16);
    assert_true(va_connection_deadline_s(connection) == 62);
    va_connection_expire(connection, 62);
    drain(62);
    assert_non_null(frame(7, 0, &n));
    assert_int_equal(va_connection_wishes(connection), VA_CONNECTION_END_OUTPUT);
}

static void a_body_that_does_not_come(void **state)
{
    size_t n;

    receive(POST_JSON, sizeof POST_JSON - 1, 5);
    assert_true(va_connection_deadline_s(connection) == 15);
    va_connection_expire(connection, 15);
    drain(15);
    assert_non_null(strstr(frame(0, 0, &n), "\"timeout\""));
    assert_null(held);
    va_connection_expire(connection, 17); /* what still comes is of no use */
    drain(17);
    assert_memory_equal(frame(3, 0, &n), "\0\0\0\0", 4);
}

static void a_body_that_is_too_large(void **state)
{
    size_t n;

    receive(POST_JSON "\0\0\x0b\0\0\0\0\0\1{\"a\":12345}", sizeof POST_JSON + 9 + 11 - 1, 0);
    drain(0);
    assert_non_null(strstr(frame(0, 0, &n), "\"too_large\""));
    assert_null(held);
}

static void a_stream_in_pieces(void **state)
{
    size_t n;

    receive(GET_ROOT, sizeof GET_ROOT - 1, 0);
    assert_int_equal(va_request_stream(held, 200, "text/event-stream", &stream), 0);
    take(0);
    drain(0);
    assert_non_null(frame(1, 0, &n));
    assert_null(frame(0, 0, &n));
    assert_true(va_connection_deadline_s(connection) == 0);
    assert_int_equal(va_stream_reply_write(stream, "data: 1\n\n", 9), 0);
    take(1);
    drain(1);
    assert_memory_equal(frame(0, 0, &n), "data: 1\n\n", 9);
    va_stream_reply_end(stream);
    take(2);
    drain(2);
    assert_non_null(frame(0, 0, &n));
    assert_int_equal(n, 0);
}

/* What was written comes first. */
static void a_stream_that_is_cut(void **state)
{
    size_t n;

    receive(GET_ROOT, sizeof GET_ROOT - 1, 0);
    assert_int_equal(va_request_stream(held, 200, "text/csv", &stream), 0);
    assert_int_equal(va_stream_reply_write(stream, "id,time\r\n", 9), 0);
    va_stream_reply_cut(stream);
    take(0);
    drain(0);
    assert_memory_equal(frame(0, 0, &n), "id,time\r\n", 9);
    assert_int_equal(n, 9);
    assert_null(frame(0, 1, &n));
    assert_memory_equal(frame(3, 0, &n), "\0\0\0\2", 4); /* INTERNAL_ERROR */
    assert_int_equal(va_connection_wishes(connection), 0);
}

static void a_stream_whose_client_resets_it(void **state)
{
    receive(GET_ROOT, sizeof GET_ROOT - 1, 0);
    assert_int_equal(va_request_stream(held, 200, "text/event-stream", &stream), 0);
    take(0);
    receive("\0\0\4\3\0\0\0\0\1\0\0\0\x08", 13, 1);
    drain(1);
    assert_true(va_stream_reply_is_gone(stream));
    assert_int_equal(va_stream_reply_write(stream, "x", 1), VA_ECANCELLED);
    va_stream_reply_end(stream);
    assert_null(replies);
}

static void who_opens_no_window_is_let_go(void **state)
{
    struct va_buffer body;

    receive("\0\0\6\4\0\0\0\0\0\0\4\0\0\0\1", 15, 0); /* a window of one byte */
    receive(GET_ROOT, sizeof GET_ROOT - 1, 0);
    va_buffer_init(&body, 100);
    assert_int_equal(va_buffer_append_string(&body, "hello"), 0);
    va_request_reply_as(held, 200, "text/plain", &body);
    take(1);
    drain(1);
    assert_true(va_connection_deadline_s(connection) > 10 && va_connection_deadline_s(connection) < 12);
    va_connection_expire(connection, 12);
    assert_int_equal(va_connection_wishes(connection), VA_CONNECTION_CLOSE);
}

/* Who is refused and goes on sending, without a look at the answer. */
static void who_sends_and_does_not_read_is_let_go(void **state)
{
    static char data[9 + 16384] = "\0\x40\0\0\0\0\0\0\1";

    receive("\0\0\6\4\0\0\0\0\0\0\4\0\0\0\0", 15, 0); /* no window */
    receive("\0\0\x12\1\4\0\0\0\1\x83\x87\x04\x03/no" AUTHORITY, 9 + 18, 0);
    drain(0);
    for (int i = 0; i < 10; i++) {
        receive(data, sizeof data, i);
        drain(i);
    }
    assert_true(va_connection_deadline_s(connection) == 10);
    va_connection_expire(connection, 10);
    assert_int_equal(va_connection_wishes(connection), VA_CONNECTION_CLOSE);
}

static void stopping(void **state)
{
    size_t n;

    receive(GET_ROOT, sizeof GET_ROOT - 1, 0);
    site.closing = 1;
    va_connection_close_idle(connection, 1);
    drain(1);
    assert_non_null(frame(7, 0, &n));
    assert_int_equal(va_connection_wishes(connection), 0);
    va_request_fail(held, 200, "fine", "%s", "");
    take(2);
    drain(2);
    assert_non_null(frame(0, 0, &n));
    assert_int_equal(va_connection_wishes(connection), VA_CONNECTION_END_OUTPUT);
}

static void rubbish(void **state)
{
    size_t n;

    receive("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, 0);
    drain(0);
    assert_non_null(frame(7, 0, &n));
    assert_true(va_connection_wishes(connection) & (VA_CONNECTION_END_OUTPUT | VA_CONNECTION_CLOSE));
}

static void out_of_memory(void **state)
{
    for (size_t n = 1; n < 60; n++) {
        held = NULL;
        va_memory_fail_after(n);
        va_connection *other = va_connection_new(&gate, VA_PROTOCOL_HTTP2, &local, NULL, 0);
        if (other != NULL) {
            va_connection_receive(other, PREFACE SETTINGS GET_ROOT, sizeof PREFACE SETTINGS GET_ROOT - 1, 0);
            va_memory_fail_after(0);
            if (held != NULL) {
                va_request_fail(held, 200, "fine", "%s", "");
                va_memory_fail_after(n);
                take(0);
            }
        }
        va_memory_fail_after(0);
        va_connection_free(other);
        assert_null(replies);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_request, start, stop),
        cmocka_unit_test_setup_teardown(a_body_that_does_not_come, start, stop),
        cmocka_unit_test_setup_teardown(a_body_that_is_too_large, start, stop),
        cmocka_unit_test_setup_teardown(a_stream_in_pieces, start, stop),
        cmocka_unit_test_setup_teardown(a_stream_that_is_cut, start, stop),
        cmocka_unit_test_setup_teardown(a_stream_whose_client_resets_it, start, stop),
        cmocka_unit_test_setup_teardown(who_opens_no_window_is_let_go, start, stop),
        cmocka_unit_test_setup_teardown(who_sends_and_does_not_read_is_let_go, start, stop),
        cmocka_unit_test_setup_teardown(stopping, start, stop),
        cmocka_unit_test_setup_teardown(rubbish, start, stop),
        cmocka_unit_test_setup_teardown(out_of_memory, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
