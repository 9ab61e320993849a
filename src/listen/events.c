/* events.c - the stream's side: what is heard, what it means, and how long a pause ends it. */
#include <string.h>

#include "base/memory.h"
#include "listen/state.h"
#include "stream/outstanding.h"

/* Of pause, in ms. People pause between the parts of a command, but seldom for long where it is complete, and hardly ever where it was so
 * before: docs/listening.md has the figures. */
#define END_CLOSED_MS 160   /* nothing can follow */
#define END_UNLIKELY_MS 192 /* something can, but more than the least was said already */
#define END_OPEN_MS 360     /* something can */
#define STEADY_S 0.9        /* a command stands that has not changed for so long while somebody still speaks */

/* ---- what a text means ---- */

/* NULL when out of memory, or without commands: the text stays as it was heard. */
static va_understanding *understand(const va_listener *listener, const va_transcript *transcript, struct va_listen_event *event)
{
    const struct va_listener_options *options = &listener->options;
    va_understanding *understanding = NULL;

    if (options->steering == NULL || va_understand(options->steering, transcript, &understanding, NULL) < 0)
        return NULL;
    event->understanding = understanding;
    event->is_command = understanding->intent != NULL && understanding->confidence >= options->confidence;
    event->outlook = va_steering_outlook(options->steering, event->is_command ? understanding->text : transcript->text);
    return understanding;
}

static void set_event(const va_listener *listener, const va_stream_event *from, struct va_listen_event *ret_event)
{
    double origin_s = (double)listener->utterance_origin / VA_SAMPLE_RATE_HZ;

    *ret_event = (struct va_listen_event){
        .start_s = from->start_s + origin_s,
        .end_s = from->end_s + origin_s,
        .speech_end_s = from->speech_end_s + origin_s,
        .text = from->text,
        .n_stable = from->n_stable,
        .decode_ms = from->wait_ms,
        .transcript = from->transcript,
    };
}

/* ---- where no pause comes ---- */

static void forget_steady(va_listener *listener)
{
    va_free(listener->steady.text);
    listener->steady = (struct va_steady){0};
}

/* Who pauses behind a command and goes on may well have more of it to say. Once only: so do others in the room, again and again. */
static void give_time(struct va_steady *steady, double now_s)
{
    if (steady->text != NULL && steady->still_s <= steady->since_s)
        steady->still_s = now_s;
}

/* Others go on talking behind a command, or noise does: the command ends where it was complete. */
static void weigh_partial(va_listener *listener, const va_stream_event *from)
{
    struct va_steady *steady = &listener->steady;
    struct va_listen_event event = {0};
    va_understanding *understanding = understand(listener, from->transcript, &event);
    size_t n = steady->text == NULL ? 0 : strlen(steady->text);

    if (event.is_command && (n == 0 || strcmp(understanding->text, steady->text) != 0)) {
        forget_steady(listener);
        steady->text = va_strdup(understanding->text);
        steady->since_s = steady->still_s = from->heard_s;
    } else if (n > 0 && !event.is_command && (event.outlook != VA_OUTLOOK_CLOSED || strncmp(from->text, steady->text, n - 1) != 0)) {
        forget_steady(listener); /* it was but the beginning of something else */
    } else if (n > 0 && from->heard_s - steady->still_s >= STEADY_S) {
        va_stream_end_at(listener->stream, steady->since_s);
        forget_steady(listener);
    }
    va_understanding_free(understanding);
}

/* ---- events ---- */

static uint64_t samples(double seconds)
{
    return (uint64_t)(seconds * VA_SAMPLE_RATE_HZ + 0.5);
}

/* With the lock held. */
static int64_t origin_of(const va_listener *listener, uint64_t at)
{
    int64_t origin = 0;

    for (size_t i = listener->n_pieces; i > 0 && listener->n_pieces - i < VA_LISTENER_PIECES; i--) {
        const struct va_listener_piece *piece = &listener->pieces[(i - 1) % VA_LISTENER_PIECES];
        origin = piece->origin;
        if (piece->from <= at)
            break;
    }
    return origin;
}

static void on_start(va_listener *listener, const va_stream_event *from)
{
    struct va_listen_event event;

    forget_steady(listener);
    listener->ready_ms = 0.0;
    pthread_mutex_lock(&listener->lock);
    listener->in_utterance = (listener->is_open || listener->is_ending) && samples(from->start_s) >= listener->told_from;
    listener->utterance_origin = origin_of(listener, samples(from->start_s));
    int is_told = listener->in_utterance;
    pthread_mutex_unlock(&listener->lock);
    set_event(listener, from, &event);
    event.kind = VA_LISTEN_STARTED;
    if (is_told)
        va_listener_tell(listener, &event);
}

/* Of pause, after which what was heard is over. */
static int end_ms(const struct va_listen_event *event)
{
    static const int of_outlook[] = {
        [VA_OUTLOOK_CLOSED] = END_CLOSED_MS, [VA_OUTLOOK_UNLIKELY] = END_UNLIKELY_MS, [VA_OUTLOOK_OPEN] = END_OPEN_MS};

    return event->is_command ? of_outlook[event->outlook] : VA_LISTENER_END_MS;
}

static void on_pause(va_listener *listener, const va_stream_event *from)
{
    struct va_listen_event event;

    set_event(listener, from, &event);
    va_understanding *understanding = understand(listener, from->transcript, &event);
    event.kind = VA_LISTEN_PAUSED;
    listener->ready_ms = from->wait_ms;
    if (!listener->options.is_whole)
        va_stream_end_after(listener->stream, end_ms(&event));
    va_listener_tell(listener, &event);
    va_understanding_free(understanding);
}

/* With the lock held: whether this utterance closes the listener. Not when nothing was said, when the receiver has wished for more, or when
 * it has been opened anew meanwhile. */
static int is_closing(const va_listener *listener, const va_stream_event *from, int is_more)
{
    return listener->options.mode == VA_LISTEN_WAKE && listener->in_utterance && samples(from->start_s) >= listener->closing_from &&
           listener->wish != VA_WISH_OPEN && (listener->is_ending ? !is_more : from->text[0] != '\0');
}

static void on_end(va_listener *listener, const va_stream_event *from)
{
    struct va_listen_event event;

    forget_steady(listener);
    set_event(listener, from, &event);
    va_understanding *understanding = understand(listener, from->transcript, &event);
    event.kind = VA_LISTEN_HEARD;
    if (listener->ready_ms > 0.0)
        event.decode_ms = listener->ready_ms;
    va_listener_tell(listener, &event);
    int is_more = va_stream_is_outstanding(listener->stream, samples(from->start_s) + 1);
    pthread_mutex_lock(&listener->lock);
    int is_last = is_closing(listener, from, is_more);
    listener->in_utterance = 0;
    if (is_last)
        listener->is_open = listener->is_ending = 0;
    pthread_mutex_unlock(&listener->lock);
    va_understanding_free(understanding);
    if (is_last)
        va_listener_tell(listener, &(struct va_listen_event){.kind = VA_LISTEN_CLOSED, .reason = VA_LISTEN_DONE});
}

static void on_event(va_listener *listener, const va_stream_event *from)
{
    struct va_listen_event event;

    set_event(listener, from, &event);
    switch ((enum va_stream_event_kind)from->kind) {
    case VA_STREAM_START: /* told already */
        break;
    case VA_STREAM_PARTIAL:
        event.kind = VA_LISTEN_PARTIAL;
        va_listener_tell(listener, &event);
        if (!listener->options.is_whole)
            weigh_partial(listener, from);
        break;
    case VA_STREAM_READY:
        on_pause(listener, from);
        break;
    case VA_STREAM_RESUMED:
        event.kind = VA_LISTEN_RESUMED;
        listener->ready_ms = 0.0;
        give_time(&listener->steady, from->heard_s);
        va_listener_tell(listener, &event);
        break;
    case VA_STREAM_FINAL:
        on_end(listener, from);
        break;
    }
}

void va_listener_on_stream(void *user, const va_stream_event *from)
{
    va_listener *listener = user;

    pthread_mutex_lock(&listener->telling);
    if (from->kind == VA_STREAM_START)
        on_start(listener, from);
    pthread_mutex_lock(&listener->lock);
    int is_told = listener->in_utterance;
    pthread_mutex_unlock(&listener->lock);
    if (is_told && from->kind != VA_STREAM_START)
        on_event(listener, from);
    pthread_mutex_unlock(&listener->telling);
}
