#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/http.h"

static struct va_http http;
static char body[4096];
static size_t n_body;

/* Reads text in pieces of `step` bytes; returns how many bytes were used. */
static size_t read_text(const char *text, size_t n, size_t step)
{
    size_t done = 0;

    va_http_begin(&http);
    n_body = 0;
    while (done < n && (http.state == VA_HTTP_HEAD || http.state == VA_HTTP_BODY)) {
        size_t give = n - done < step ? n - done : step;
        if (http.state == VA_HTTP_HEAD) {
            done += va_http_read_head(&http, text + done, give);
        } else {
            const char *piece;
            size_t n_piece;
            done += va_http_read_body(&http, text + done, give, &piece, &n_piece);
            assert_true(n_body + n_piece <= sizeof body);
            memcpy(body + n_body, piece, n_piece);
            n_body += n_piece;
        }
    }
    return done;
}

static void expect_broken(const char *text, int status)
{
    for (size_t step = 1; step < 80; step += 13) {
        read_text(text, strlen(text), step);
        if (http.state != VA_HTTP_BROKEN || http.status != status)
            fail_msg("%s: state %d, status %d, not %d", text, (int)http.state, http.status, status);
        assert_non_null(http.reason);
        assert_false(http.keep_alive);
    }
}

static void a_plain_request(void **state)
{
    static const char text[] =
        "\r\nGET /a%20b?x=1&y=two%2Bthree+4 HTTP/1.1\r\nHost: localhost\r\nX-Empty:\r\nAccept:  text/html \t\r\n\r\nNEXT";
    for (size_t step = 1; step < sizeof text; step++) {
        assert_int_equal(read_text(text, sizeof text - 1, step), sizeof text - 1 - 4);
        assert_int_equal(http.state, VA_HTTP_DONE);
        assert_string_equal(http.method, "GET");
        assert_string_equal(http.path, "/a b");
        assert_string_equal(va_http_field(&http, "accept"), "text/html");
        assert_string_equal(va_http_field(&http, "x-empty"), "");
        assert_null(va_http_field(&http, "cookie"));
        assert_true(http.keep_alive);
        char value[16];
        assert_int_equal(va_http_query(http.query, "y", value, sizeof value), 0);
        assert_string_equal(value, "two+three 4");
        assert_int_equal(va_http_query(http.query, "z", value, sizeof value), VA_ENOTFOUND);
        assert_int_equal(va_http_query(http.query, "y", value, 4), VA_ELIMIT);
    }
}

static void a_body_by_length(void **state)
{
    static const char text[] = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET";
    for (size_t step = 1; step < sizeof text; step++) {
        assert_int_equal(read_text(text, sizeof text - 1, step), sizeof text - 1 - 3);
        assert_int_equal(http.state, VA_HTTP_DONE);
        assert_int_equal(n_body, 5);
        assert_memory_equal(body, "hello", 5);
    }
}

static void a_chunked_body(void **state)
{
    static const char text[] = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                               "5;ext=1\r\nhello\r\n00A\r\n, 10 bytes\r\n0\r\nTrailer: x\r\n\r\nGET";
    for (size_t step = 1; step < sizeof text; step++) {
        assert_int_equal(read_text(text, sizeof text - 1, step), sizeof text - 1 - 3);
        assert_int_equal(http.state, VA_HTTP_DONE);
        assert_int_equal(n_body, 15);
        assert_memory_equal(body, "hello, 10 bytes", 15);
    }
}

static void what_two_readers_could_read_differently_is_refused(void **state)
{
    expect_broken("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400);
    expect_broken("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
    expect_broken("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    expect_broken("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501);
    expect_broken("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", 400);
    expect_broken("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    expect_broken("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect_broken("GET http://a:1/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect_broken("GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect_broken("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", 400);
    expect_broken("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello", 400);
    expect_broken("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello", 400);
    expect_broken("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nhello", 400);
    expect_broken("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\nhello", 413);
    expect_broken("GET / HTTP/1.1\nHost: a\n\n", 400);
    expect_broken("GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400);
    expect_broken("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400);
    expect_broken("GET / HTTP/1.1\r\n\r\n", 400);
    expect_broken("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400);
    expect_broken("GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400);
    expect_broken("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400);
    expect_broken("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400);
}

static void bad_request_lines(void **state)
{
    char blank[129];

    expect_broken("GET /\r\n\r\n", 400);
    expect_broken("GET  / HTTP/1.1\r\n\r\n", 400);
    expect_broken("GET / HTTP/1.1 \r\n\r\n", 400);
    expect_broken("G(T / HTTP/1.1\r\n\r\n", 400);
    expect_broken("GET x HTTP/1.1\r\n\r\n", 400);
    expect_broken("GET /%zz HTTP/1.1\r\n\r\n", 400);
    expect_broken("GET /%00 HTTP/1.1\r\n\r\n", 400);
    expect_broken("GET /%4 HTTP/1.1\r\n\r\n", 400);
    expect_broken("GET /\xc3\xa4 HTTP/1.1\r\n\r\n", 400);
    expect_broken("GET / HTTP/2.0\r\n\r\n", 505);
    expect_broken("GET / HTTP/1.2\r\n\r\n", 505);
    expect_broken("GET / FTP/1.1\r\n\r\n", 400);
    expect_broken("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\n\r\n", 417);
    expect_broken("\x16\x03\x01\x02\n", 400);
    memset(blank, '\n', sizeof blank);
    blank[sizeof blank - 1] = '\0';
    expect_broken(blank, 400);
    read_text("GET /\0 HTTP/1.1\r\n", 17, 17);
    assert_int_equal(http.status, 400);
}

static void bad_chunks(void **state)
{
#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    expect_broken(CHUNKED "\r\n", 400);
    expect_broken(CHUNKED "-1\r\n", 400);
    expect_broken(CHUNKED "5\nhello", 400);
    expect_broken(CHUNKED "5\r\nhelloX\r\n", 400);
    expect_broken(CHUNKED "5\r\nhello\rX", 400);
    expect_broken(CHUNKED "123456789\r\n", 413);
    expect_broken(CHUNKED "5;a\nb", 400);
    expect_broken(CHUNKED "0\r\na\nb", 400);
}

static void too_large(void **state)
{
    static char text[2 * VA_HTTP_MAX_HEAD_BYTES];

    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    read_text(text, sizeof text, 1000);
    assert_int_equal(http.state, VA_HTTP_BROKEN);
    assert_int_equal(http.status, 414);
    memcpy(text + 5 + VA_HTTP_MAX_TARGET_BYTES, " HTTP/1.1\r\n", 11);
    read_text(text, sizeof text, 1000);
    assert_int_equal(http.status, 414);
    memcpy(text, "GET / HTTP/1.1\r\nX: ", 19);
    memset(text + 19, 'a', sizeof text - 19);
    read_text(text, sizeof text, 1000);
    assert_int_equal(http.status, 431);

    size_t n = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < VA_HTTP_MAX_FIELDS; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "a%d: b\r\n", i);
    read_text(text, n, 1000);
    assert_int_equal(http.status, 431);
}

static void expect_done(const char *text)
{
    assert_int_equal(read_text(text, strlen(text), 7), strlen(text));
    assert_int_equal(http.state, VA_HTTP_DONE);
}

static void connections_and_targets(void **state)
{
    static const char waiting[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n";

    expect_done("GET / HTTP/1.0\r\n\r\n");
    assert_false(http.keep_alive);
    expect_done("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_true(http.keep_alive);
    expect_done("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n");
    assert_false(http.keep_alive);
    expect_done("GET http://a/path HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(http.path, "/path");
    expect_done("GET HTTP://A:80/path?x HTTP/1.1\r\nHost: a:80\r\n\r\n");
    expect_done("GET http://a/path HTTP/1.0\r\n\r\n");
    expect_done("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(http.path, "*");
    expect_done("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    read_text(waiting, sizeof waiting - 1, sizeof waiting);
    assert_int_equal(http.state, VA_HTTP_BODY);
    assert_true(http.expects_continue);
}

static void status_texts(void **state)
{
    assert_string_equal(va_http_status_text(404), "Not Found");
    assert_string_equal(va_http_status_text(299), "Unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_request),   cmocka_unit_test(a_body_by_length),
        cmocka_unit_test(a_chunked_body),    cmocka_unit_test(what_two_readers_could_read_differently_is_refused),
        cmocka_unit_test(bad_request_lines), cmocka_unit_test(bad_chunks),
        cmocka_unit_test(too_large),         cmocka_unit_test(connections_and_targets),
        cmocka_unit_test(status_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
