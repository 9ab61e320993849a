/* Connections: no assistant is asked for anything here. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "wyoming/server.h"

static const char ping[] = "{\"type\": \"ping\"}\n";

static va_wyoming *start(int max_clients, double idle_s)
{
    const struct va_wyoming_options options = {.listen = "127.0.0.1",
                                               .allow = "",
                                               .max_clients = max_clients,
                                               .idle_s = idle_s,
                                               .parts = {.speech_language = "en", .speech_voice = ""}};
    va_wyoming *wyoming = NULL;
    va_error error;

    if (va_wyoming_start(&options, &wyoming, &error) < 0)
        fail_msg("%s", error.text);
    return wyoming;
}

static int client(const va_wyoming *wyoming)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)va_wyoming_port(wyoming))};
    struct timeval limit = {.tv_sec = 60};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Until text has come. 0: the server closed before. */
static int comes(int fd, const char *text)
{
    char got[4096];
    size_t n = 0;
    ssize_t more;

    while (n + 1 < sizeof got && (more = recv(fd, got + n, sizeof got - 1 - n, 0)) > 0) {
        n += (size_t)more;
        got[n] = '\0';
        if (strstr(got, text) != NULL)
            return 1;
    }
    return 0;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void test_who_says_nothing_is_let_go(void **state)
{
    va_wyoming *wyoming = start(4, 0.2);
    int silent = client(wyoming), half = client(wyoming);
    char byte;

    say(half, "{\"type\": \"pi"); /* and never the rest */
    assert_int_equal(recv(silent, &byte, 1, 0), 0);
    assert_int_equal(recv(half, &byte, 1, 0), 0);
    close(silent);
    close(half);
    int late = client(wyoming);
    say(late, ping);
    assert_true(comes(late, "\"pong\""));
    close(late);
    va_wyoming_free(wyoming);
}

/* Both have only just asked, so that neither gives way. */
static void test_one_more_is_told(void **state)
{
    va_wyoming *wyoming = start(2, 60);
    int fds[2];

    for (int i = 0; i < 2; i++) {
        fds[i] = client(wyoming);
        say(fds[i], ping);
        assert_true(comes(fds[i], "\"pong\""));
    }
    int more = client(wyoming);
    assert_true(comes(more, "\"busy\""));
    close(more);
    for (int i = 0; i < 2; i++) {
        say(fds[i], ping);
        assert_true(comes(fds[i], "\"pong\""));
        close(fds[i]);
    }
    va_wyoming_free(wyoming);
}

static void test_stop_ends_who_waits_for_nothing(void **state)
{
    va_wyoming *wyoming = start(2, 60);
    int fd = client(wyoming);
    char byte;

    say(fd, ping);
    assert_true(comes(fd, "\"pong\""));
    va_wyoming_stop(wyoming);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
    va_wyoming_stop(wyoming);
    va_wyoming_free(wyoming);
    va_wyoming_free(NULL);
}

static void test_wrong_options(void **state)
{
    va_wyoming *other = start(1, 60), *wyoming = NULL;
    struct va_wyoming_options options = {.listen = "127.0.0.1", .port = va_wyoming_port(other), .allow = "", .max_clients = 1, .idle_s = 1};
    va_error error;

    assert_int_equal(va_wyoming_start(&options, &wyoming, &error), VA_EBUSY);
    options.listen = "example.org";
    assert_int_equal(va_wyoming_start(&options, &wyoming, &error), VA_EINVAL);
    options.allow = "x";
    assert_int_equal(va_wyoming_start(&options, &wyoming, &error), VA_EINVAL);
    assert_null(wyoming);
    va_wyoming_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_says_nothing_is_let_go),
        cmocka_unit_test(test_one_more_is_told),
        cmocka_unit_test(test_stop_ends_who_waits_for_nothing),
        cmocka_unit_test(test_wrong_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
