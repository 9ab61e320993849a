/* A WebSocket of which several threads want something at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>
#include <string.h>

#include <cmocka.h>

#include "server/outflow.h"
#include "server/request.h"
#include "server/socket.h"

#define ROUNDS 1000
#define MAX_FRAMES 1000 /* of one round */

static void deliver(void *user, va_request *request)
{
    atomic_load(&request->outflow)->queued = 0; /* its lock is held */
    va_request_release(request);
}

static void heard(void *user, va_socket *socket, int is_text, const char *data, size_t n)
{
}

static void closed(void *user, va_socket *socket)
{
}

static pthread_barrier_t begin;

static void *send_frames(void *arg)
{
    va_socket *socket = arg;

    pthread_barrier_wait(&begin);
    for (int i = 0; i < MAX_FRAMES && va_socket_send(socket, 1, "x", 1) == 0; i++)
        ;
    return NULL;
}

/* Returns where the frame behind the first close begins, or what is wrong as 0. */
static size_t end_of_close(const unsigned char *data, size_t n)
{
    size_t at = 0;

    while (at + 2 <= n && data[at] != 0x88)
        at += 2 + (size_t)data[at + 1];
    return at + 2 <= n ? at + 2 + data[at + 1] : 0;
}

static void nothing_follows_the_close(void **state)
{
    static const struct va_socket_events events = {.message = heard, .closed = closed};
    const struct va_reply_sink sink = {deliver, NULL};

    assert_int_equal(pthread_barrier_init(&begin, NULL, 2), 0);
    for (int i = 0; i < ROUNDS; i++) {
        va_request request = {.holds = 1 << 20, .sink = &sink};
        struct va_buffer data;
        va_socket *socket;
        pthread_t thread;

        assert_int_equal(va_request_upgrade(&request, &events, NULL, 1000, &socket), 0);
        assert_int_equal(pthread_create(&thread, NULL, send_frames, socket), 0);
        pthread_barrier_wait(&begin);
        va_socket_close(socket, 4000, "enough");
        pthread_join(thread, NULL);
        assert_int_equal(va_socket_send(socket, 1, "x", 1), VA_ECANCELLED);
        va_buffer_init(&data, VA_OUTFLOW_MAX_BYTES);
        assert_int_equal(va_outflow_take(request.outflow, &data), VA_OUTFLOW_ENDED);
        assert_int_equal(end_of_close((const unsigned char *)data.data, data.size), data.size);
        va_buffer_free(&data);
        va_outflow_free(request.outflow);
    }
    pthread_barrier_destroy(&begin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_follows_the_close)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
