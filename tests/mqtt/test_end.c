/* The end of a device whose broker's name nobody answers for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <unistd.h>

#include <cmocka.h>

#include "doubles/name_server.h"
#include "mqtt/mqtt.h"

/* ---- stand-ins for the assistant, which is told of nothing ---- */

int va_assistant_is_private(const va_assistant *assistant)
{
    return 0;
}

int va_assistant_subscribe(va_assistant *assistant, va_assistant_event_fn call, void *user, va_error *error)
{
    return 0;
}

void va_assistant_unsubscribe(va_assistant *assistant, va_assistant_event_fn call, void *user)
{
}

void va_assistant_get_status(va_assistant *assistant, struct va_assistant_status *ret_status)
{
    fail();
}

int va_assistant_privacy_set(va_assistant *assistant, int on, enum va_privacy_by by, struct va_privacy_state *ret_state, va_error *error)
{
    fail();
    return 0;
}

int va_assistant_talk(va_assistant *assistant, int pressed, va_error *error)
{
    fail();
    return 0;
}

const struct va_power_options *va_assistant_power(const va_assistant *assistant)
{
    fail();
    return NULL;
}

/* ---- */

static int count_threads(void)
{
    DIR *folder = opendir("/proc/self/task");
    int n = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n - 2;
}

static va_mqtt *start(void)
{
    const struct va_mqtt_options options = {
        .host = "broker.example", .port = 1883, .ca_file = "", .password_file = "", .base = "voice", .prefix = "home", .name = "test"};
    va_mqtt *mqtt = NULL;
    va_error error;

    name_server.must_hold = 1;
    if (va_mqtt_start(NULL, &options, &mqtt, &error) < 0)
        fail_msg("%s", error.text);
    for (int i = 0; i < 10000 && !name_server.is_asked; i++)
        usleep(1000);
    assert_true(name_server.is_asked);
    return mqtt;
}

static void a_name_server_that_does_not_answer_is_not_waited_for(void **state)
{
    int n_threads = count_threads();
    va_mqtt *mqtt = start();

    va_mqtt_free(mqtt);
    assert_true(name_server.is_asked);
    name_server.must_hold = 0;
    for (int i = 0; i < 10000 && count_threads() > n_threads; i++) /* what is left ends by itself */
        usleep(1000);
    assert_int_equal(count_threads(), n_threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_name_server_that_does_not_answer_is_not_waited_for)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
