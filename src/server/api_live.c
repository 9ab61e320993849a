/* The live WebSocket: a va_live_session on a va_socket. */
#include "server/api_internal.h"

#include "base/memory.h"
#include "server/live_session.h"

struct live {
    va_socket *socket;
    va_live_session *session;
};

/* ---- the line ---- */

static int send(void *user, const char *text, size_t n)
{
    const struct live *live = user;

    return va_socket_send(live->socket, 1, text, n);
}

static void close_line(void *user, int code, const char *reason)
{
    const struct live *live = user;

    va_socket_close(live->socket, code, reason);
}

static void pause_line(void *user, int paused)
{
    const struct live *live = user;

    va_socket_pause(live->socket, paused);
}

/* ---- the socket ---- */

static void on_message(void *user, va_socket *socket, int is_text, const char *data, size_t n)
{
    struct live *live = user;

    if (is_text)
        va_live_session_text(live->session, data, n);
    else
        va_live_session_audio(live->session, data, n);
}

static void on_closed(void *user, va_socket *socket)
{
    struct live *live = user;

    va_live_session_free(live->session);
    va_socket_release(socket);
    va_free(live);
}

static int get_query(const void *user, const char *key, char *ret_value, size_t capacity)
{
    return va_request_query(user, key, ret_value, capacity);
}

void va_api_get_live(void *user, va_request *request)
{
    static const struct va_socket_events events = {on_message, on_closed};
    va_api *api = user;
    struct va_live_message start;
    va_error error;
    struct live *live = va_calloc(1, sizeof *live);
    const struct va_live_line line = {send, close_line, pause_line, live};
    int starts = va_live_message_query(get_query, request, &start, &error);
    int r = live == NULL ? va_fail_memory(&error)
            : starts < 0 ? starts
                         : va_live_session_new(api->assistant, &line, &live->session, &error);

    if (r == 0 && (r = va_request_upgrade(request, &events, live, VA_LIVE_MAX_MESSAGE_BYTES, &live->socket)) < 0)
        va_fail(&error, r, "%s", va_status_text(r));
    if (r < 0) {
        va_live_session_free(live != NULL ? live->session : NULL);
        va_free(live);
        va_api_fail(api, request, r, &error);
    } else if (starts) {
        va_live_session_start(live->session, &start);
    }
}
