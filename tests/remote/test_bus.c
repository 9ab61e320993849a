/* A connection to a server whose name nobody answers for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "doubles/name_server.h"
#include "remote/bus.h"
#include "temporary.h"

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *user)
{
    natsMsg_Destroy(message);
}

static void a_server_that_is_not_there_is_let_go(void **state)
{
    struct va_bus_subscription subscriptions[3] = {0};
    char folder[256];
    va_bus *bus;
    va_error error;

    assert_int_equal(temporary_make(folder), 0);
    assert_int_equal(temporary_write(temporary_path(folder, "token"), "a token that is long enough"), 0);
    assert_int_equal(chmod(temporary_path(folder, "token"), 0600), 0);
    const struct va_bus_options options = {.url = "tls://nats.example:4222", .token_file = temporary_path(folder, "token"), .ca_file = ""};
    if (va_bus_connect(&options, &bus, &error) < 0)
        fail_msg("%s", error.text);
    for (int i = 0; i < 3; i++)
        assert_int_equal(va_bus_subscribe(bus, "va.test", NULL, on_message, NULL, &subscriptions[i], &error), 0);
    while (name_server.n_asked < 2) /* it is tried again and again */
        usleep(1000);
    name_server.must_hold = 1;
    while (!name_server.is_asked)
        usleep(1000);
    assert_false(va_bus_is_connected(bus));
    assert_true(name_server.is_asked); /* who asks how it is does not wait for that */
    name_server.must_hold = 0;
    int before = name_server.n_asked;
    va_bus_let_go(bus);
    for (int i = 0; i < 3; i++)
        va_bus_unsubscribe(&subscriptions[i]);
    va_bus_close(bus);
    assert_true(name_server.n_asked <= before + 1);
    assert_int_equal(temporary_remove(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_server_that_is_not_there_is_let_go)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
