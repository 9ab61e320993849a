#include "base/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void addresses_are_checked(void **state)
{
    static const struct {
        const char *address;
        int code, is_loopback;
    } rows[] = {{"127.0.0.1", 0, 1},
                {"127.9.9.9", 0, 1},
                {"localhost", 0, 1},
                {"::1", 0, 1},
                {"0.0.0.0", 0, 0},
                {"::", 0, 0},
                {"192.168.1.10", 0, 0},
                {"::ffff:127.0.0.1", 0, 1},
                {"", VA_EINVAL, 0},
                {"1.2.3", VA_EINVAL, 0},
                {"example.org", VA_EINVAL, 0}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int is_loopback = 0, r = va_tcp_check(rows[i].address, &is_loopback, NULL);
        if (r != rows[i].code || is_loopback != rows[i].is_loopback)
            fail_msg("%s: %d %d", rows[i].address, r, is_loopback);
    }
}

static void a_client_is_accepted(void **state)
{
    int fd, port, other;
    struct va_tcp_peer peer;
    va_error error;

    assert_int_equal(va_tcp_listen("127.0.0.1", 0, &fd, &port, &error), 0);
    assert_true(port > 0);
    assert_int_equal(va_tcp_accept(fd, &peer), -1);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof address), 0);
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, -1), 1);
    int accepted = va_tcp_accept(fd, &peer);
    assert_true(accepted >= 0);
    assert_string_equal(peer.address, "127.0.0.1");
    assert_true(peer.is_loopback);
    assert_int_equal(peer.network, 0x7f000001);
    assert_int_equal(va_tcp_listen("127.0.0.1", port, &other, &port, &error), VA_EBUSY);
    assert_non_null(strstr(error.text, "cannot listen on 127.0.0.1 port "));
    close(accepted);
    close(client);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(a_client_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
