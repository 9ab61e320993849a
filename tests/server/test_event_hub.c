/* The hub of events over a real server, with a short heartbeat. */
#include "server/event_hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "doubles/doubles.h"
#include "intent/commands.h"

#define HEARTBEAT_MS 20

static va_model *model;
static va_assistant *assistant;
static va_event_hub *hub;
static va_server *server;

static void get_events(void *user, va_request *request)
{
    va_stream_reply *stream;

    assert_int_equal(va_request_stream(request, 200, "text/event-stream", &stream), 0);
    va_event_hub_add(hub, stream, 0, "{}", va_event_hub_last(hub));
}

static const struct va_route routes[] = {{"GET", "/events", VA_BODY_NONE, 0, NULL, 0, get_events}};

static int start(void **state)
{
    static const char text[] = "language: en\n";
    static const char *const overrides[] = {"model.workers=1", "audio.microphone=none"};
    const struct va_endpoint endpoint = {.listen = "127.0.0.1", .routes = routes, .n_routes = 1};
    const struct va_server_options options = {
        .endpoints = &endpoint, .n_endpoints = 1, .max_connections = 64, .timeout_s = 30, .folder = "/tmp"};
    struct va_assistant_parts parts = {.model_name = "base"};
    va_config *config = NULL;
    va_commands *commands = NULL;
    va_error error;

    doubles_reset();
    if (va_config_parse("test", "", 0, overrides, 2, &config, &error) < 0 ||
        va_commands_parse("test", text, sizeof text - 1, &commands, &error) < 0 || va_model_open("", NULL, &model, &error) < 0 ||
        (parts.model = model, va_assistant_new(&parts, config, commands, &assistant, &error) < 0) ||
        va_event_hub_new(assistant, HEARTBEAT_MS, &hub, &error) < 0 || va_server_start(&options, &server, &error) < 0)
        fail_msg("%s", error.text);
    return 0;
}

static int stop(void **state)
{
    va_assistant_stop(assistant);
    va_event_hub_free(hub);
    va_server_free(server, 1);
    va_assistant_free(assistant);
    va_model_free(model);
    return 0;
}

static int dial(void)
{
    static const char request[] = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)va_server_port(server, 0)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    return fd;
}

/* Reads until part has come n times. */
static void hear(int fd, const char *part, int n)
{
    static char text[65536];
    size_t size = 0;

    for (int found = 0; found < n;) {
        ssize_t got = recv(fd, text + size, sizeof text - 1 - size, 0);
        assert_true(got > 0);
        size += (size_t)got;
        text[size] = '\0';
        found = 0;
        for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
            found++;
    }
}

static void a_heart_beats_for_everybody(void **state)
{
    int fds[3];

    for (int i = 0; i < 3; i++)
        fds[i] = dial();
    for (int i = 0; i < 3; i++) {
        hear(fds[i], "\n: \n\n", 4);
        close(fds[i]);
    }
}

/* More than there may be, one after the other. Nothing happens but the heartbeat: it finds that they have gone. */
static void who_is_gone_makes_room(void **state)
{
    for (int i = 0; i < VA_EVENT_CLIENTS + 8; i++) {
        int fd = dial();
        hear(fd, "event: snapshot", 1);
        close(fd);
    }
    for (int i = 0; i < 5000 && !va_event_hub_has_room(hub); i++)
        usleep(1000);
    assert_true(va_event_hub_has_room(hub));
    int fd = dial();
    hear(fd, "\n: \n\n", 2);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_heart_beats_for_everybody, start, stop),
        cmocka_unit_test_setup_teardown(who_is_gone_makes_room, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
