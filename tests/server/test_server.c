/* The server with real sockets: answers at once and from another thread, clients that leave, stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "server/server.h"
#include "server_client.h"

static _Atomic int gone_seen;
static pthread_t late_threads[64];
static _Atomic int n_late;

static void reply_text(va_request *request, int status, const char *text)
{
    struct va_buffer json;
    va_buffer_init(&json, 1 << 20);
    assert_int_equal(va_buffer_append_string(&json, text), 0);
    va_request_reply(request, status, &json);
}

static void get_now(void *user, va_request *request)
{
    reply_text(request, 200, user);
}

static void *reply_late(void *arg)
{
    usleep(20000);
    reply_text(arg, 200, "{\"late\":true}");
    return NULL;
}

static void get_late(void *user, va_request *request)
{
    assert_int_equal(pthread_create(&late_threads[n_late++], NULL, reply_late, request), 0);
}

static void *wait_until_gone(void *arg)
{
    while (!va_request_is_gone(arg))
        usleep(1000);
    gone_seen = 1;
    reply_text(arg, 200, "{}");
    return NULL;
}

static void get_never(void *user, va_request *request)
{
    assert_int_equal(pthread_create(&late_threads[n_late++], NULL, wait_until_gone, request), 0);
}

static void post_echo(void *user, va_request *request)
{
    size_t n;
    reply_text(request, 200, va_request_body(request, &n));
}

static void post_file(void *user, va_request *request)
{
    char text[256], data[64] = "";
    int fd = va_request_take_file(request);
    const char *language = va_request_field(request, "language");
    ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof data - 1);
    if (fd >= 0)
        close(fd);
    snprintf(text, sizeof text, "{\"n\":%d,\"data\":\"%s\",\"language\":\"%s\"}", (int)n, data, language != NULL ? language : "-");
    reply_text(request, 200, text);
}

static const struct va_route routes[] = {
    {"GET", "/now", VA_BODY_NONE, 0, NULL, VA_SCOPE_STATUS, get_now},
    {"GET", "/late", VA_BODY_NONE, 0, NULL, VA_SCOPE_STATUS, get_late},
    {"GET", "/never", VA_BODY_NONE, 0, NULL, VA_SCOPE_STATUS, get_never},
    {"POST", "/now", VA_BODY_NONE, 0, NULL, VA_SCOPE_STATUS, get_now},
    {"POST", "/echo", VA_BODY_JSON, 100, NULL, VA_SCOPE_STATUS, post_echo},
    {"POST", "/file", VA_BODY_FORM, 0, "audio", VA_SCOPE_STATUS, post_file},
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
    gone_seen = n_late = 0;
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

static void answers_and_errors(void **state)
{
    expect("GET /now" HEAD "\r\n", "200 OK", "{\"now\":true}");
    expect("GET /late" HEAD "\r\n", "200 OK", "{\"late\":true}");
    expect("HEAD /now" HEAD "\r\n", "200 OK", "Content-Length: 12\r\n");
    expect("POST /now" HEAD "\r\n", "200 OK", "{\"now\":true}");
    expect("GET /nowhere" HEAD "\r\n", "404", "\"code\":\"not_found\"");
    expect("PUT /now" HEAD "\r\n", "405", "\r\nAllow: GET, HEAD, POST\r\n");
    expect("POST /echo" HEAD "Content-Length: 7\r\n\r\n{\"a\":1}", "200", "\r\n\r\n{\"a\":1}");
    expect("POST /echo" HEAD "Content-Length: 101\r\n\r\n", "413", "too_large");
    expect("POST /echo" HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\n{ }\r\n0\r\n\r\n", "200", "{ }");
    expect("GET /now HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421", "misdirected");
    expect("POST /now HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nConnection: close\r\n\r\n", "403", "forbidden");
    expect("GET /now" HEAD "X-A: b\r\n c\r\n\r\n", "400", "bad_request");
    expect("GET /now HTT", "408", "timeout");
    expect("POST /echo" HEAD "Content-Length: 7\r\n\r\n{\"a\"", "408", "timeout");
}

/* What a page sends without asking us: anything may be told to a GET, as it cannot read the answer. */
static void pages_of_other_origins(void **state)
{
    static const struct {
        const char *fields, *status;
    } rows[] = {
        {"", "200"},
        {"Origin: http://localhost\r\n", "200"},
        {"Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n", "200"},
        {"Sec-Fetch-Site: none\r\n", "200"},
        {"Origin: http://localhost:99\r\n", "403"},
        {"Origin: http://127.0.0.1\r\n", "403"},
        {"Origin: https://localhost\r\n", "403"},
        {"Sec-Fetch-Site: same-site\r\n", "403"},
        {"Sec-Fetch-Site: cross-site\r\n", "403"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char request[512];
        snprintf(request, sizeof request, "POST /now" HEAD "%s\r\n", rows[i].fields);
        expect(request, rows[i].status, rows[i].status[0] == '2' ? "now" : "other web sites");
        snprintf(request, sizeof request, "GET /now" HEAD "%s\r\n", rows[i].fields);
        expect(request, "200", "now");
        snprintf(request, sizeof request,
                 "POST /file" HEAD "%sContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 5\r\n\r\n--b--", rows[i].fields);
        expect(request, rows[i].status, "");
    }
}

/* A body of any type is read as JSON, but from a page of another origin only what such a page cannot send unasked. */
static void who_may_send_json_as_another_type(void **state)
{
    static const struct {
        const char *fields, *status;
    } rows[] = {
        {"", "200"},
        {"Origin: http://localhost\r\n", "200"},
        {"Origin: http://LOCALHOST\r\nSec-Fetch-Site: same-origin\r\n", "200"},
        {"Sec-Fetch-Site: none\r\n", "200"},
        {"Origin: http://localhost:3000\r\n", "415"},
        {"Origin: http://127.0.0.1\r\n", "415"},
        {"Origin: https://localhost\r\n", "415"},
        {"Origin: http://localhost\r\nSec-Fetch-Site: cross-site\r\n", "415"},
        {"Sec-Fetch-Site: same-site\r\n", "415"},
        {"Sec-Fetch-Site: cross-site\r\n", "415"},
        {"Origin: null\r\n", "403"},
        {"Origin: http://evil.example\r\n", "403"},
    };
    static const char *const types[] = {"text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char request[512];
        for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
            snprintf(request, sizeof request, "POST /echo" HEAD "%sContent-Type: %s\r\nContent-Length: 7\r\n\r\n{\"a\":1}", rows[i].fields,
                     types[t]);
            expect(request, rows[i].status, rows[i].status[0] == '2' ? "{\"a\":1}" : "\"success\":false");
        }
        const char *status = rows[i].status[1] == '1' ? "200" : rows[i].status;
        snprintf(request, sizeof request,
                 "POST /echo" HEAD "%sContent-Type: Application/JSON; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}", rows[i].fields);
        expect(request, status, "");
    }
}

static void forms(void **state)
{
    static const char form[] = "--b\r\nContent-Disposition: form-data; name=language\r\n\r\nen\r\n"
                               "--b\r\nContent-Disposition: form-data; name=audio; filename=a\r\n\r\nhello\r\n--b--";
    char request[1024];

    snprintf(request, sizeof request,
             "POST /file" HEAD "Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n"
             "1\r\n-\r\n%zx\r\n%s\r\n0\r\n\r\n",
             sizeof form - 2, form + 1);
    expect(request, "200", "{\"n\":5,\"data\":\"hello\",\"language\":\"en\"}");
    expect("POST /file" HEAD "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5\r\n\r\n--b--", "200", "\"n\":-1");
    expect("POST /file" HEAD "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5\r\n\r\n--c--", "400", "closing boundary");
    expect("POST /file" HEAD "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100001\r\n\r\n--c--", "413", "too_large");
    expect("POST /file" HEAD "Content-Length: 5\r\n\r\n--c--", "415", "multipart/form-data");
}

/* How a form with these parts is answered. */
static const char *ask_form(const char *parts)
{
    static char request[8192];

    snprintf(request, sizeof request,
             "POST /file" HEAD "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %zu\r\n\r\n%s--b--", strlen(parts) + 5,
             parts);
    return ask(request);
}

static void each_field_once(void **state)
{
#define FIELD(name) "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\nen\r\n"
    static const char *const names[] = {"language", "audio", "x[]"};
    static const char *const twice[] = {FIELD("language") FIELD("audio") FIELD("language"), FIELD("audio") FIELD("language") FIELD("audio"),
                                        FIELD("x[]") FIELD("x[]")};

    for (size_t i = 0; i < 3; i++) {
        const char *answer = ask_form(twice[i]), *what = strstr(answer, "more than one field '");
        if (strncmp(answer, "HTTP/1.1 400", 12) != 0 || what == NULL || strncmp(what + 21, names[i], strlen(names[i])) != 0)
            fail_msg("%s: %s", names[i], answer);
    }
    assert_non_null(strstr(ask_form(FIELD("include") FIELD("include[]") FIELD("include[]") FIELD("include") FIELD("language")
                                        FIELD("timestamp_granularities[]") FIELD("timestamp_granularities[]")),
                           "\"language\":\"en\""));
#undef FIELD
}

static void several_requests_on_one_connection(void **state)
{
    const char *answer =
        ask("GET /late HTTP/1.1\r\nHost: localhost\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\nGET /now" HEAD "\r\n");
    const char *first = strstr(answer, "{\"late\":true}"), *second = strstr(answer, "HTTP/1.1 404"),
               *third = strstr(answer, "{\"now\":true}");
    assert_true(first != NULL && second != NULL && third != NULL && first < second && second < third);
}

static void a_client_that_leaves_is_noticed(void **state)
{
    int fd = dial();
    say(fd, "GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n");
    usleep(20000);
    assert_false(gone_seen);
    close(fd);
    for (int i = 0; i < 1000 && !gone_seen; i++)
        usleep(5000);
    assert_true(gone_seen);
    expect("GET /now" HEAD "\r\n", "200", "now");
}

/* The child stands for a program that is being started: it has the server's descriptors. */
static void a_closed_connection_that_a_child_still_has_is_forgotten(void **state)
{
    char text[4096];
    int fd = dial();
    say(fd, "GET /now HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_true(recv(fd, text, sizeof text, 0) > 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(fd);
        for (;;)
            pause();
    }
    close(fd);
    for (int i = 0; i < 1000 && va_server_connections(server) > 0; i++)
        usleep(5000);
    for (int i = 0; i < 20; i++)
        expect("GET /now" HEAD "\r\n", "200", "now");
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void one_connection_too_many_is_told(void **state)
{
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = dial();
    for (int i = 0; i < 400 && va_server_connections(server) < 4; i++)
        usleep(5000);
    const char *answer = hear(dial());
    assert_non_null(strstr(answer, "HTTP/1.1 503"));
    assert_non_null(strstr(answer, "\r\nRetry-After: "));
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}

static void work_under_way_is_answered_when_stopping(void **state)
{
    int fd = dial(), idle = dial();
    say(fd, "GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (int i = 0; i < 400 && n_late == 0; i++)
        usleep(5000);
    va_server_stop(server);
    assert_non_null(strstr(hear(fd), "{\"late\":true}"));
    assert_string_equal(hear(idle), "");
    assert_true(va_server_is_alive(server));
}

static void addresses(void **state)
{
    struct va_endpoint endpoint = {.listen = "0.0.0.0"};
    const struct va_server_options options = {
        .endpoints = &endpoint, .n_endpoints = 1, .max_connections = 1, .timeout_s = 1, .max_upload_bytes = 1, .folder = "/tmp"};
    va_server *other = NULL;
    va_error error;

    assert_int_equal(va_server_start(&options, &other, &error), VA_EUNSUPPORTED);
    assert_non_null(strstr(error.text, "TLS"));
    endpoint.listen = "nowhere";
    assert_int_equal(va_server_start(&options, &other, &error), VA_EINVAL);
    endpoint.listen = "127.0.0.1";
    endpoint.port = va_server_port(server, 0);
    assert_int_equal(va_server_start(&options, &other, &error), VA_EBUSY);
    for (size_t n = 1; n < 3; n++) {
        endpoint.port = 0;
        va_memory_fail_after(n);
        assert_int_equal(va_server_start(&options, &other, &error), VA_ENOMEM);
        va_memory_fail_after(0);
    }
    assert_null(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_and_errors, start, stop),
        cmocka_unit_test_setup_teardown(pages_of_other_origins, start, stop),
        cmocka_unit_test_setup_teardown(who_may_send_json_as_another_type, start, stop),
        cmocka_unit_test_setup_teardown(forms, start, stop),
        cmocka_unit_test_setup_teardown(each_field_once, start, stop),
        cmocka_unit_test_setup_teardown(several_requests_on_one_connection, start, stop),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_is_noticed, start, stop),
        cmocka_unit_test_setup_teardown(a_closed_connection_that_a_child_still_has_is_forgotten, start, stop),
        cmocka_unit_test_setup_teardown(one_connection_too_many_is_told, start, stop),
        cmocka_unit_test_setup_teardown(work_under_way_is_answered_when_stopping, start, stop),
        cmocka_unit_test_setup_teardown(addresses, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
