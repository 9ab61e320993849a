/* The live protocol: messages of any kind in any order, to a session whose assistant is a stand-in. A message is a byte of its kind, two of
 * its length, and its content. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "server/live_session.h"

/* ---- the assistant ---- */

struct va_live {
    const struct va_live_events *events;
    void *user;
    size_t n;
    int is_finished;
};

static int n_open;

int va_live_open(va_assistant *assistant, const struct va_live_options *options, const struct va_live_events *events, void *user,
                 va_live **ret_live, va_error *error)
{
    FUZZ_CHECK(options->language == NULL || options->language[0] != '\0');
    FUZZ_CHECK(!options->execute || options->commands);
    if (options->language != NULL && options->language[0] == 'x')
        return va_fail(error, VA_EBUSY, "there are too many");
    va_live *live = va_calloc(1, sizeof *live);
    FUZZ_CHECK(live != NULL);
    live->events = events;
    live->user = user;
    n_open++;
    *ret_live = live;
    return 0;
}

int va_live_push(va_live *live, const float *pcm, size_t n, va_error *error)
{
    FUZZ_CHECK(n > 0 && n <= VA_PUSH_MAX_SAMPLES && !live->is_finished);
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK(pcm[i] > -64.0f && pcm[i] < 64.0f); /* Opus may go beyond 1, a resampler a little */
    live->n += n;
    return live->n > (size_t)VA_SAMPLE_RATE_HZ * 30 ? va_fail(error, VA_EBUSY, "too much waits") : 0;
}

int va_live_is_behind(va_live *live)
{
    return live->n % 2 == 1;
}

void va_live_finish(va_live *live)
{
    va_error error;

    live->is_finished = 1;
    live->events->partial(live->user, "half a text", 4, 1.0);
    live->events->ended(live->user, live->n > 0 ? 0 : va_fail(&error, VA_ELIMIT, "nothing"), &error);
}

void va_live_close(va_live *live)
{
    n_open -= live != NULL;
    va_free(live);
}

/* ---- the line ---- */

struct line {
    int n_sent, n_closed;
};

static int send_text(void *user, const char *text, size_t n)
{
    struct line *line = user;

    FUZZ_CHECK(line->n_closed == 0 && n > 2 && text[0] == '{' && text[n - 1] == '}');
    return ++line->n_sent > 100 ? VA_ELIMIT : 0;
}

static void close_line(void *user, int code, const char *reason)
{
    struct line *line = user;

    FUZZ_CHECK(code >= 1000 && code < 1016 && reason != NULL);
    line->n_closed++;
    FUZZ_CHECK(line->n_closed == 1);
}

static void pause_line(void *user, int paused)
{
    (void)user;
    (void)paused;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct line line = {0};
    const struct va_live_line sink = {send_text, close_line, pause_line, &line};
    va_live_session *session;

    FUZZ_CHECK(va_live_session_new(NULL, &sink, &session, NULL) == 0);
    while (size >= 3) {
        size_t n = (size_t)(bytes[1] | bytes[2] << 8);
        n = n < size - 3 ? n : size - 3;
        if (bytes[0] % 2 == 0)
            va_live_session_text(session, (const char *)bytes + 3, n);
        else
            va_live_session_audio(session, bytes + 3, n);
        bytes += 3 + n;
        size -= 3 + n;
    }
    va_live_session_free(session);
    FUZZ_CHECK(n_open == 0);
    return 0;
}
