/* hear.c - what is said becomes text, while it is still being said. */
#include "wyoming/internal.h"

#include <string.h>
#include <sys/eventfd.h>

#include "base/memory.h"

/* Bytes of text [n] up to the end of its word number `count`. */
static size_t skip_words(const char *text, size_t n, size_t count)
{
    size_t at = 0;

    for (; count > 0 && at < n; count--) {
        while (at < n && text[at] == ' ')
            at++;
        while (at < n && text[at] != ' ')
            at++;
    }
    return at;
}

static size_t count_words(const char *text, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += text[i] != ' ' && (i == 0 || text[i - 1] == ' ');
    return count;
}

/* With the lock: what comes behind the words that have been told, which may have changed since then: the whole text has the last word. */
static int post_chunk(va_wyoming_session *session, const char *text, size_t n)
{
    struct va_wyoming_hearing *hearing = &session->hearing;
    size_t from = skip_words(text, n, hearing->n_told), n_words = count_words(text, n);
    struct va_wyoming_data data;
    char *more;
    int r = 0;

    if (n_words <= hearing->n_told)
        return 0;
    more = va_strndup(text + from, n - from);
    if (more == NULL)
        return VA_ENOMEM;
    if (!hearing->has_begun) {
        va_wyoming_data_begin(&data);
        if (session->language[0] != '\0')
            va_json_text(&data.json, "language", session->language);
        r = va_wyoming_data_post(&data, session, "transcript-start");
        hearing->has_begun = r == 0;
    }
    if (r == 0) {
        va_wyoming_data_begin(&data);
        va_json_text(&data.json, "text", more);
        r = va_wyoming_data_post(&data, session, "transcript-chunk");
        hearing->n_told = n_words;
    }
    va_free(more);
    return r;
}

/* A chunk that is missing is made good by the whole text. */
static void on_partial(void *user, const char *text, size_t n_stable, double heard_s)
{
    va_wyoming_session *session = user;

    pthread_mutex_lock(&session->lock);
    (void)post_chunk(session, text, n_stable);
    pthread_mutex_unlock(&session->lock);
}

static void on_final(void *user, const struct va_job_result *result)
{
    va_wyoming_session *session = user;
    const char *text = result->is_command && result->command->text != NULL ? result->command->text : result->transcript->text;

    pthread_mutex_lock(&session->lock);
    va_free(session->hearing.text);
    session->hearing.text = va_strdup(text);
    memcpy(session->hearing.language, result->transcript->language, sizeof session->hearing.language);
    pthread_mutex_unlock(&session->lock);
}

static void on_room(void *user)
{
    va_wyoming_session *session = user;

    pthread_mutex_lock(&session->lock);
    session->hearing.has_room = 1;
    pthread_cond_signal(&session->changed);
    pthread_mutex_unlock(&session->lock);
}

static void on_ended(void *user, int status, const va_error *error)
{
    va_wyoming_session *session = user;

    pthread_mutex_lock(&session->lock);
    session->hearing.has_ended = 1;
    session->hearing.status = status;
    if (status < 0 && error != NULL)
        session->hearing.error = *error;
    pthread_cond_signal(&session->changed);
    eventfd_write(session->fd, 1);
    pthread_mutex_unlock(&session->lock);
}

int va_wyoming_hear_begin(va_wyoming_session *session, va_error *error)
{
    static const struct va_live_events events = {.partial = on_partial, .final = on_final, .room = on_room, .ended = on_ended};
    const struct va_live_options options = {
        .language = session->language[0] != '\0' ? session->language : NULL, .source = "wyoming", .commands = 1, .partials = 1};

    return va_live_open(session->parts->assistant, &options, &events, session, &session->hearing.live, error);
}

int va_wyoming_hear_push(va_wyoming_session *session, const float *pcm, size_t n, va_error *error)
{
    struct va_wyoming_hearing *hearing = &session->hearing;
    int r;

    pthread_mutex_lock(&session->lock);
    hearing->has_room = 0;
    pthread_mutex_unlock(&session->lock);
    if (va_live_is_behind(hearing->live)) {
        pthread_mutex_lock(&session->lock);
        while (!hearing->has_room && !hearing->has_ended)
            pthread_cond_wait(&session->changed, &session->lock);
        pthread_mutex_unlock(&session->lock);
    }
    r = va_live_push(hearing->live, pcm, n, error);
    pthread_mutex_lock(&session->lock);
    if (r < 0 && hearing->has_ended && hearing->status < 0) {
        r = hearing->status; /* that is why */
        *error = hearing->error;
    }
    pthread_mutex_unlock(&session->lock);
    return r;
}

void va_wyoming_hear_finish(va_wyoming_session *session)
{
    session->hearing.is_finished = 1;
    va_live_finish(session->hearing.live);
}

void va_wyoming_hear_drop(va_wyoming_session *session)
{
    struct va_wyoming_hearing *hearing = &session->hearing;

    va_live_close(hearing->live);
    va_free(hearing->text);
    memset(hearing, 0, sizeof *hearing);
}

static int send_text(va_wyoming_session *session, const char *text)
{
    struct va_wyoming_hearing *hearing = &session->hearing;
    struct va_wyoming_data data;
    struct va_buffer rest;
    int r = 0;

    pthread_mutex_lock(&session->lock);
    r = post_chunk(session, text, strlen(text));
    rest = session->inbox;
    va_buffer_init(&session->inbox, rest.max);
    pthread_mutex_unlock(&session->lock);
    if (r == 0 && rest.size > 0)
        r = session->send(session->user, rest.data, rest.size);
    va_buffer_free(&rest);
    if (r < 0)
        return r;
    va_wyoming_data_begin(&data);
    va_json_text(&data.json, "text", text);
    if (hearing->language[0] != '\0')
        va_json_text(&data.json, "language", hearing->language);
    r = va_wyoming_data_send(&data, session, "transcript");
    return r == 0 && hearing->has_begun ? va_wyoming_send_text(session, "transcript-stop", NULL) : r;
}

int va_wyoming_hear_tell(va_wyoming_session *session)
{
    struct va_wyoming_hearing *hearing = &session->hearing;
    int r, has_ended;

    pthread_mutex_lock(&session->lock);
    has_ended = hearing->has_ended;
    pthread_mutex_unlock(&session->lock);
    if (hearing->live == NULL || !has_ended)
        return 0;
    r = hearing->status < 0 ? va_wyoming_send_error(session, hearing->status, &hearing->error)
                            : send_text(session, hearing->text != NULL ? hearing->text : "");
    if (!hearing->is_finished)
        session->is_refused = 1; /* it ended early: the rest of the audio is passed over */
    va_wyoming_hear_drop(session);
    return r;
}
