#include "server/event_hub.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#define KEPT 256
#define MAX_EVENT_BYTES 65536
#define MAX_KEPT_BYTES ((size_t)1 << 20)

struct kept {
    uint64_t number;
    char *text; /* [size] as it goes over the wire */
    size_t size;
};

struct va_event_hub {
    va_assistant *assistant;
    unsigned heartbeat_ms;
    pthread_mutex_t lock; /* of what follows. Behind those of the assistant that are held while an event is told */
    pthread_cond_t changed;
    int must_stop;
    va_stream_reply *clients[VA_EVENT_CLIENTS]; /* [n_clients] */
    size_t n_clients;
    uint64_t last;          /* the number of the last event */
    uint64_t before_kept;   /* the number of the last one that is not kept any more */
    struct kept kept[KEPT]; /* a ring of n_kept */
    size_t first, n_kept, kept_bytes;
    int is_private;
    pthread_t thread;
};

/* ---- what is kept; with the lock held ---- */

static void forget_first(va_event_hub *hub)
{
    struct kept *kept = &hub->kept[hub->first];

    hub->before_kept = kept->number;
    hub->kept_bytes -= kept->size;
    va_free(kept->text);
    hub->first = (hub->first + 1) % KEPT;
    hub->n_kept--;
}

static void forget_all(va_event_hub *hub)
{
    while (hub->n_kept > 0)
        forget_first(hub);
    hub->before_kept = hub->last;
}

/* Takes the content over. */
static void keep(va_event_hub *hub, struct va_buffer *text)
{
    while (hub->n_kept > 0 && (hub->n_kept == KEPT || hub->kept_bytes + text->size > MAX_KEPT_BYTES))
        forget_first(hub);
    size_t size = text->size;
    char *data = hub->is_private ? NULL : va_buffer_take(text);
    if (data == NULL) {
        va_buffer_free(text);
        hub->before_kept = hub->last;
        return;
    }
    hub->kept[(hub->first + hub->n_kept++) % KEPT] = (struct kept){hub->last, data, size};
    hub->kept_bytes += size;
}

/* ---- sending; with the lock held ---- */

static void end_client(va_event_hub *hub, size_t i)
{
    va_stream_reply_end(hub->clients[i]);
    hub->clients[i] = hub->clients[--hub->n_clients];
}

static void send_all(va_event_hub *hub, const char *text, size_t n)
{
    for (size_t i = hub->n_clients; i-- > 0;)
        if (va_stream_reply_write(hub->clients[i], text, n) < 0)
            end_client(hub, i); /* gone, or too slow */
}

static void end_revoked(va_event_hub *hub)
{
    for (size_t i = hub->n_clients; i-- > 0;)
        if (!va_stream_reply_may_go_on(hub->clients[i]))
            end_client(hub, i);
}

static int write_fields(struct va_buffer *text, const struct va_field *fields, size_t n)
{
    struct va_json json = {.out = text};

    va_json_open(&json, NULL, '{');
    for (size_t i = 0; i < n; i++) {
        const struct va_field *field = &fields[i];
        switch (field->type) {
        case VA_FIELD_STRING:
            va_json_text(&json, field->name, field->value.string);
            break;
        case VA_FIELD_NUMBER:
            va_json_number(&json, field->name, field->value.number, 3);
            break;
        case VA_FIELD_INTEGER:
            va_json_integer(&json, field->name, field->value.integer);
            break;
        case VA_FIELD_BOOL:
            va_json_bool(&json, field->name, (int)field->value.integer);
            break;
        }
    }
    va_json_close(&json, '}');
    return json.error;
}

/* JSON has no line breaks of its own. */
static int write_event(struct va_buffer *text, uint64_t number, const char *name, const struct va_field *fields, size_t n)
{
    int r = va_buffer_printf(text, "id: %llu\nevent: %s\ndata: ", (unsigned long long)number, name);

    if (r == 0)
        r = write_fields(text, fields, n);
    return r == 0 ? va_buffer_append_string(text, "\n\n") : r;
}

/* A va_assistant_event_fn. */
static void on_event(void *user, const char *name, const struct va_field *fields, size_t n)
{
    va_event_hub *hub = user;
    struct va_buffer text;

    va_buffer_init(&text, MAX_EVENT_BYTES);
    pthread_mutex_lock(&hub->lock);
    hub->last++;
    if (strcmp(name, "privacy") == 0) {
        hub->is_private = va_field_is_set(fields, n, "on");
        forget_all(hub);
    }
    if (write_event(&text, hub->last, name, fields, n) < 0) { /* who asks for it later gets the whole state */
        forget_all(hub);
        va_buffer_free(&text);
    } else {
        send_all(hub, text.data, text.size);
        keep(hub, &text);
    }
    pthread_mutex_unlock(&hub->lock);
}

/* ---- newcomers ---- */

uint64_t va_event_hub_last(va_event_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    uint64_t last = hub->last;
    pthread_mutex_unlock(&hub->lock);
    return last;
}

int va_event_hub_has_room(va_event_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    int yes = hub->n_clients < VA_EVENT_CLIENTS && !hub->must_stop;
    pthread_mutex_unlock(&hub->lock);
    return yes;
}

static int send_snapshot(va_stream_reply *stream, uint64_t number, const char *snapshot)
{
    char head[64];
    struct va_buffer text;

    va_buffer_init(&text, MAX_EVENT_BYTES);
    snprintf(head, sizeof head, "id: %llu\nevent: snapshot\ndata: ", (unsigned long long)number);
    int r = va_buffer_printf(&text, "retry: 2000\n%s%s\n\n", head, snapshot);
    if (r == 0)
        r = va_stream_reply_write(stream, text.data, text.size);
    va_buffer_free(&text);
    return r;
}

void va_event_hub_add(va_event_hub *hub, va_stream_reply *stream, uint64_t seen, const char *snapshot, uint64_t since)
{
    int r = 0;

    pthread_mutex_lock(&hub->lock);
    int is_known = seen >= hub->before_kept && seen <= hub->last;
    if (!is_known) {
        r = send_snapshot(stream, since, snapshot);
        seen = since;
    }
    for (size_t i = 0; r == 0 && i < hub->n_kept; i++) {
        const struct kept *kept = &hub->kept[(hub->first + i) % KEPT];
        if (kept->number > seen)
            r = va_stream_reply_write(stream, kept->text, kept->size);
    }
    if (r == 0 && hub->n_clients < VA_EVENT_CLIENTS && !hub->must_stop)
        hub->clients[hub->n_clients++] = stream;
    else
        va_stream_reply_end(stream);
    pthread_mutex_unlock(&hub->lock);
}

/* ---- life ---- */

/* So that nobody on the way takes the connection for dead, and we find out who is gone. */
static void *beat(void *arg)
{
    static const char comment[] = ": \n\n";
    va_event_hub *hub = arg;

    pthread_mutex_lock(&hub->lock);
    while (!hub->must_stop)
        if (va_thread_wait_until(&hub->changed, &hub->lock, va_clock_after((double)hub->heartbeat_ms / 1000)) < 0) {
            end_revoked(hub);
            send_all(hub, comment, sizeof comment - 1);
        }
    pthread_mutex_unlock(&hub->lock);
    return NULL;
}

int va_event_hub_new(va_assistant *assistant, unsigned heartbeat_ms, va_event_hub **ret_hub, va_error *error)
{
    va_event_hub *hub = va_calloc(1, sizeof *hub);

    if (hub == NULL)
        return va_fail_memory(error);
    hub->assistant = assistant;
    hub->heartbeat_ms = heartbeat_ms;
    /* So that they go on increasing when the program has been started again. */
    hub->last = hub->before_kept = (uint64_t)(va_clock_unix_s() * 1000.0);
    hub->is_private = va_assistant_is_private(assistant);
    pthread_mutex_init(&hub->lock, NULL);
    pthread_cond_init(&hub->changed, NULL);
    int r = va_thread_start(&hub->thread, beat, hub);
    if (r < 0) {
        pthread_cond_destroy(&hub->changed);
        pthread_mutex_destroy(&hub->lock);
        va_free(hub);
        return va_fail(error, r, "cannot start the thread of the events");
    }
    if ((r = va_assistant_subscribe(assistant, on_event, hub, error)) < 0) {
        va_event_hub_free(hub);
        return r;
    }
    *ret_hub = hub;
    return 0;
}

void va_event_hub_free(va_event_hub *hub)
{
    if (hub == NULL)
        return;
    va_assistant_unsubscribe(hub->assistant, on_event, hub);
    pthread_mutex_lock(&hub->lock);
    hub->must_stop = 1;
    pthread_cond_signal(&hub->changed);
    pthread_mutex_unlock(&hub->lock);
    pthread_join(hub->thread, NULL);
    while (hub->n_clients > 0)
        va_stream_reply_end(hub->clients[--hub->n_clients]);
    forget_all(hub);
    pthread_cond_destroy(&hub->changed);
    pthread_mutex_destroy(&hub->lock);
    va_free(hub);
}
