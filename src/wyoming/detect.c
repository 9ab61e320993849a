/* detect.c - wake words in the audio of a client. Fetched ones need their small networks only; where words that the user enrolled are
 * asked for as well, a listener finds them all. */
#include "wyoming/internal.h"

#include <string.h>

#include "base/memory.h"

struct va_wyoming_detector {
    va_wyoming_session *session;
    struct va_listen_word words[VA_LISTEN_MAX_WORDS]; /* [n] that are asked for */
    size_t n;
    va_wake *wake; /* either of these */
    va_listener *listener;
};

static void detected(struct va_wyoming_detector *detector, const char *name)
{
    va_wyoming_session *session = detector->session;
    struct va_wyoming_data data;

    va_wyoming_data_begin(&data);
    va_json_text(&data.json, "name", name);
    pthread_mutex_lock(&session->lock);
    if (session->timestamp >= 0)
        va_json_integer(&data.json, "timestamp", session->timestamp);
    if (va_wyoming_data_post(&data, session, "detection") == 0) /* a client that does not read them misses some */
        session->n_detected++;
    pthread_mutex_unlock(&session->lock);
}

static void on_wake(void *user, const struct va_wake_event *event)
{
    struct va_wyoming_detector *detector = user;

    detected(detector, detector->words[event->word].name);
}

/* What is said behind the word is the client's. */
static void on_listen(void *user, const struct va_listen_event *event)
{
    struct va_wyoming_detector *detector = user;

    if (event->kind == VA_LISTEN_WOKEN)
        detected(detector, event->word->name);
    else if (event->kind == VA_LISTEN_OPENED)
        va_listener_close(detector->listener, 1);
}

static int is_wanted(const json_t *names, const char *name)
{
    size_t n = json_array_size(names);

    for (size_t i = 0; i < n; i++) {
        const char *wanted = json_string_value(json_array_get(names, i));
        if (wanted != NULL && strcmp(wanted, name) == 0)
            return 1;
    }
    return n == 0;
}

static int make_wake(struct va_wyoming_detector *detector, va_error *error)
{
    struct va_wake_word words[VA_LISTEN_MAX_WORDS];

    for (size_t i = 0; i < detector->n; i++)
        words[i] = (struct va_wake_word){detector->words[i].model, detector->words[i].sensitivity};
    return va_wake_new(words, detector->n, &detector->wake, error);
}

static int make_listener(struct va_wyoming_detector *detector, va_error *error)
{
    const struct va_wyoming_parts *parts = detector->session->parts;
    struct va_listener_options options;

    va_listener_options_init(&options);
    options.mode = VA_LISTEN_WAKE;
    options.model = parts->model;
    options.vad_model = parts->vad_model;
    options.threads = 1;
    options.step_ms = 0;
    options.words = detector->words;
    options.n_words = detector->n;
    options.on_event = on_listen;
    options.user = detector;
    return va_listener_new(&options, &detector->listener, error);
}

int va_wyoming_detect_begin(va_wyoming_session *session, va_error *error)
{
    const struct va_wyoming_parts *parts = session->parts;
    struct va_wyoming_detector *detector;
    int needs_listener = 0, r = va_assistant_check_storage(parts->assistant, error);

    if (r < 0)
        return r;
    if (va_assistant_is_private(parts->assistant))
        return va_fail(error, VA_EDENIED, "privacy mode is on: nobody is listened to");
    detector = va_calloc(1, sizeof *detector);
    if (detector == NULL)
        return va_fail_memory(error);
    detector->session = session;
    for (size_t i = 0; i < parts->n_words; i++) {
        const struct va_listen_word *word = &parts->words[i];
        if (!is_wanted(session->names, word->name) || (word->own != NULL && parts->vad_model == NULL))
            continue;
        detector->words[detector->n++] = *word;
        needs_listener |= word->own != NULL;
    }
    if (detector->n == 0)
        r = va_fail(error, VA_ENOTFOUND, "there is no such wake word: see the option listen.words");
    else
        r = needs_listener ? make_listener(detector, error) : make_wake(detector, error);
    if (r < 0) {
        va_free(detector);
        return r;
    }
    session->n_detected = 0;
    session->detector = detector;
    return 0;
}

int va_wyoming_detect_push(va_wyoming_session *session, const float *pcm, size_t n, va_error *error)
{
    struct va_wyoming_detector *detector = session->detector;

    if (va_assistant_is_private(session->parts->assistant))
        return va_fail(error, VA_EDENIED, "privacy mode is on: nobody is listened to");
    if (detector->listener != NULL)
        return va_listener_push(detector->listener, pcm, n, VA_HEAR_ALL, error);
    va_wake_push(detector->wake, pcm, n, on_wake, detector);
    return 0;
}

int va_wyoming_detect_finish(va_wyoming_session *session, va_error *error)
{
    struct va_wyoming_detector *detector = session->detector;
    struct va_wyoming_data data;
    int r = detector->listener != NULL ? va_listener_finish(detector->listener, error) : 0;

    va_wyoming_detect_drop(session);
    if (r < 0 || session->n_detected > 0)
        return r;
    va_wyoming_data_begin(&data);
    pthread_mutex_lock(&session->lock);
    r = va_wyoming_data_post(&data, session, "not-detected");
    pthread_mutex_unlock(&session->lock);
    return r < 0 ? va_fail_memory(error) : 0;
}

void va_wyoming_detect_drop(va_wyoming_session *session)
{
    struct va_wyoming_detector *detector = session->detector;

    if (detector == NULL)
        return;
    va_wake_free(detector->wake);
    va_listener_free(detector->listener);
    va_free(detector);
    session->detector = NULL;
}
