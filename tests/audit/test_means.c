/* The means of the real machine: programs, requests, handshakes, sockets. TLS and HTTP that work are the e2e tests'. */
#include "audit/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "temporary.h"

static const struct va_scene_means *const means = &va_scene_real_means;

static void programs_say_what_they_print_and_return(void **state)
{
    static const char *const echo[] = {"/bin/echo", "a", "b", NULL}, *const fails[] = {"/bin/false", NULL};
    static const char *const missing[] = {"/nowhere/program", NULL}, *const flood[] = {"/bin/cat", "/dev/zero", NULL};
    struct va_buffer out;
    int exit_code = -1;
    va_error error;

    va_buffer_init(&out, 1000);
    assert_int_equal(means->run(NULL, echo, &out, &exit_code, &error), 0);
    assert_string_equal(out.data, "a b\n");
    assert_int_equal(exit_code, 0);
    assert_int_equal(means->run(NULL, fails, &out, &exit_code, &error), 0);
    assert_int_equal(exit_code, 1);
    assert_int_equal(means->run(NULL, missing, &out, &exit_code, &error), VA_ENOTFOUND);
    assert_int_equal(means->run(NULL, flood, &out, &exit_code, &error), VA_ELIMIT);
    va_buffer_free(&out);
}

/* A port on which nobody listens: it was bound, and is not any more. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void nobody_answers(void **state)
{
    struct va_tls_facts facts;
    struct va_buffer out;
    char url[64];
    int status, port = free_port();
    va_error error;

    va_buffer_init(&out, 1000);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    assert_int_equal(means->get(NULL, url, NULL, NULL, &out, &status, &error), VA_EFAILED);
    assert_true(means->probe_tls(NULL, "127.0.0.1", port, &facts, &error) < 0);
    assert_true(means->probe_tls(NULL, "0.0.0.0", port, &facts, &error) < 0);
    assert_true(means->probe_tls(NULL, "::", port, &facts, &error) < 0);
    va_buffer_free(&out);
}

static void sockets_are_knocked_at(void **state)
{
    static const int types[] = {SOCK_SEQPACKET, SOCK_STREAM};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char folder[256], longest[200];
    va_error error;

    assert_int_equal(temporary_make(folder), 0);
    assert_int_equal(means->knock(NULL, temporary_path(folder, "none"), &error), VA_ENOTFOUND);
    for (size_t i = 0; i < 2; i++) {
        snprintf(address.sun_path, sizeof address.sun_path, "%.90s/%d", folder, types[i]);
        int fd = socket(AF_UNIX, types[i], 0);
        assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(means->knock(NULL, address.sun_path, &error), 0);
        close(fd);
        assert_true(means->knock(NULL, address.sun_path, &error) < 0);
    }
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(means->knock(NULL, longest, &error), VA_ELIMIT);
    temporary_remove(folder);
}

static void addresses_are_those_of_this_machine(void **state)
{
    static const struct {
        const char *listen, *url;
    } rows[] = {{"127.0.0.1", "http://127.0.0.1:80"}, {"0.0.0.0", "http://127.0.0.1:80"}, {"::", "http://[::1]:80"},
                {"::1", "http://[::1]:80"},           {"10.1.2.3", "http://10.1.2.3:80"}, {"", "http://127.0.0.1:80"}};
    char url[96];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        va_scene_url("http", rows[i].listen, 80, url);
        assert_string_equal(url, rows[i].url);
    }
}

static void programs_are_not_run_for_another_machine(void **state)
{
    static const char *const echo[] = {"/bin/echo", NULL};
    struct va_scene scene = {.root = "/elsewhere", .means = means};
    struct va_buffer out;
    int exit_code;
    va_error error;

    va_buffer_init(&out, 1000);
    assert_int_equal(va_scene_run(&scene, echo, &out, &exit_code, &error), VA_ESTATE);
    assert_int_equal(out.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_say_what_they_print_and_return),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(sockets_are_knocked_at),
        cmocka_unit_test(addresses_are_those_of_this_machine),
        cmocka_unit_test(programs_are_not_run_for_another_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
