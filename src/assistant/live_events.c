/* live_events.c - what comes of a client's audio: its events, and commands, which errands carry out. */
#include "assistant/live_state.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* ---- telling ---- */

void va_live_tell(va_live *live, const struct va_live_news *news)
{
    const struct va_live_events *events = &live->events;

    pthread_mutex_lock(&live->telling);
    if (live->is_closed) {
        pthread_mutex_unlock(&live->telling);
        return;
    }
    switch (news->kind) {
    case VA_LIVE_SPEECH:
        if (events->speech != NULL)
            events->speech(live->user, news->begins, news->at_s);
        break;
    case VA_LIVE_PARTIAL:
        if (events->partial != NULL)
            events->partial(live->user, news->text, news->n_stable, news->at_s);
        break;
    case VA_LIVE_FINAL:
        if (events->final != NULL)
            events->final(live->user, news->result);
        break;
    case VA_LIVE_EXECUTED:
        if (events->executed != NULL)
            events->executed(live->user, news->status, news->execution, news->error);
        break;
    case VA_LIVE_ROOM:
        if (events->room != NULL)
            events->room(live->user);
        break;
    case VA_LIVE_ENDED:
        if (events->ended != NULL)
            events->ended(live->user, news->status, news->error);
        break;
    }
    pthread_mutex_unlock(&live->telling);
}

/* ---- commands ---- */

struct said {
    va_live *live;
    char text[];
};

static void end_errand(va_live *live)
{
    pthread_mutex_lock(&live->lock);
    live->n_errands--;
    pthread_cond_broadcast(&live->news);
    pthread_mutex_unlock(&live->lock);
    va_live_release(live);
}

static void act(va_live *live, const char *text)
{
    va_assistant *assistant = live->assistant;
    struct va_execution execution = {0};
    va_error error;
    const struct va_field fields[] = {VA_STRING("source", live->options.source), VA_STRING("text", text)};

    va_event_tell(assistant, VA_LOG_INFO, "acting", fields, 2, 1);
    int r = va_execute_said(assistant, live->options.source, live->privacy_changes, text, 0, &execution, &error);
    va_live_tell(live, &(struct va_live_news){
                           .kind = VA_LIVE_EXECUTED, .status = r, .execution = r == 0 ? &execution : NULL, .error = r < 0 ? &error : NULL});
    if (r == 0) {
        va_assistant_reply(assistant, &execution, VA_SPEAK_AS_API);
        va_execution_clear(&execution);
    }
}

/* An errand. What has waited until privacy mode was on is forgotten. */
static void carry_out(void *user)
{
    struct said *said = user;
    va_live *live = said->live;

    if (atomic_load(&live->assistant->privacy_changes) == live->privacy_changes)
        act(live, said->text);
    va_phase_change(live->assistant, VA_FACT_ACTING, -1);
    va_free(said);
    end_errand(live);
}

static void run_command(va_live *live, const char *text)
{
    va_assistant *assistant = live->assistant;
    struct said *said = va_alloc(sizeof *said + strlen(text) + 1, 1);
    va_error error;
    int r = said == NULL ? va_fail_memory(&error) : 0;

    if (r == 0) {
        said->live = live;
        memcpy(said->text, text, strlen(text) + 1);
        atomic_fetch_add(&live->holds, 1);
        pthread_mutex_lock(&live->lock);
        live->n_errands++;
        pthread_mutex_unlock(&live->lock);
        va_phase_change(assistant, VA_FACT_ACTING, 1);
        r = va_assistant_run(assistant, carry_out, said, &error);
        if (r < 0) {
            va_phase_change(assistant, VA_FACT_ACTING, -1);
            end_errand(live);
        }
    }
    if (r < 0) {
        va_free(said);
        va_live_tell(live, &(struct va_live_news){.kind = VA_LIVE_EXECUTED, .status = r, .error = &error});
    }
}

/* ---- finals ---- */

static void tell_heard(const va_live *live, const struct va_job_result *result, double start_s, double end_s)
{
    const va_understanding *command = result->command;
    const struct va_field fields[] = {
        VA_BOOL("command", result->is_command),
        VA_NUMBER("confidence", command != NULL ? (double)command->confidence : 0.0),
        VA_NUMBER("start", start_s),
        VA_NUMBER("end", end_s),
        VA_STRING("id", result->id),
        VA_STRING("source", live->options.source),
        VA_STRING("intent", result->is_command ? command->intent->name : ""),
        VA_STRING("text", result->is_command ? command->text : result->transcript->text),
    };

    va_event_tell(live->assistant, VA_LOG_DEBUG, "heard", fields, sizeof fields / sizeof fields[0], 2);
}

static void tell_transcribed(const va_live *live, const struct va_job_result *result, double start_s, double end_s, double elapsed_s)
{
    const struct va_transcribed transcribed = {
        .source = VA_SOURCE_CLIENT,
        .id = result->id,
        .audio_path = live->options.source,
        .transcript = result->transcript,
        .command = result->is_command ? result->command : NULL,
        .duration_s = end_s - start_s,
        .elapsed_s = elapsed_s,
    };

    va_transcribed_tell(live->assistant, &transcribed);
}

static void tell_final(va_live *live, const va_transcript *transcript, const va_understanding *command, double start_s, double end_s,
                       double elapsed_s)
{
    char id[VA_ID_SIZE];

    va_job_next_id(live->assistant, id);
    const struct va_job_result result = {
        .id = id,
        .transcript = transcript,
        .command = command,
        .is_command =
            command != NULL && command->intent != NULL && command->confidence >= (float)live->settings->config->commands_confidence,
    };
    if (transcript->text[0] != '\0') {
        va_record_transcription(live->assistant, live->options.source, live->privacy_changes, &result);
        tell_heard(live, &result, start_s, end_s);
        tell_transcribed(live, &result, start_s, end_s, elapsed_s);
    }
    va_live_tell(live, &(struct va_live_news){.kind = VA_LIVE_FINAL, .result = &result});
    if (result.is_command && live->options.execute)
        run_command(live, command->text);
}

/* Without endpoint: more may be said. The second search's find is kept, too: it counts if nothing more is. */
static void add_stretch(va_live *live, const struct va_listen_event *event)
{
    const va_transcript *said = event->transcript;
    float s = (float)(event->end_s - event->start_s);
    va_transcript *whole = &live->whole;

    if (event->text[0] == '\0')
        return;
    va_free(live->command_text);
    live->command_text = NULL;
    if (live->seconds == 0.0f) {
        *whole = *said;
        live->start_s = event->start_s;
        if (said->command_text != NULL && (live->command_text = va_strdup(said->command_text)) == NULL)
            live->is_lost = 1;
        live->n_tokens = 0;
    }
    for (size_t i = 0; i < said->n_segments; i++)
        live->n_tokens += said->segments[i].n_tokens;
    whole->confidence = (whole->confidence * live->seconds + said->confidence * s) / (live->seconds + s);
    whole->text_logprob = (whole->text_logprob * live->seconds + said->text_logprob * s) / (live->seconds + s);
    live->seconds += s;
    live->end_s = event->end_s;
    if (va_buffer_printf(&live->text, "%s%s", live->text.size > 0 ? " " : "", event->text) < 0)
        live->is_lost = 1;
}

int va_live_tell_whole(va_live *live, va_error *error)
{
    const va_segment all = {.n_tokens = live->n_tokens};
    va_transcript transcript = live->whole;
    va_understanding *command = NULL;

    if (live->is_lost)
        return va_fail(error, VA_ELIMIT, "what was said is longer than %d bytes, or memory was short", VA_LIVE_MAX_TEXT_BYTES);
    transcript.text = live->text.data != NULL ? live->text.data : "";
    transcript.command_text = live->command_text;
    transcript.duration_s = live->end_s - live->start_s;
    transcript.segments = &all; /* the length of the text, for who judges it */
    transcript.n_segments = 1;
    if (live->options.commands && va_understand(live->settings->steering, &transcript, &command, NULL) < 0)
        command = NULL; /* out of memory leaves the text as it was heard */
    transcript.segments = NULL;
    transcript.n_segments = 0;
    tell_final(live, &transcript, command, live->start_s, live->end_s, NAN);
    va_understanding_free(command);
    return 0;
}

/* ---- what is heard ---- */

static void on_partial(va_live *live, const struct va_listen_event *event)
{
    struct va_live_news news = {.kind = VA_LIVE_PARTIAL, .text = event->text, .n_stable = event->n_stable, .at_s = event->heard_s};
    struct va_buffer text;

    if (live->text.size == 0) {
        va_live_tell(live, &news);
        return;
    }
    va_buffer_init(&text, VA_LIVE_MAX_TEXT_BYTES * 2);
    if (va_buffer_printf(&text, "%s %s", live->text.data, event->text) == 0) {
        news.text = text.data;
        news.n_stable += live->text.size + 1;
        va_live_tell(live, &news);
    }
    va_buffer_free(&text);
}

void va_live_on_event(void *user, const struct va_listen_event *event)
{
    va_live *live = user;

    switch (event->kind) {
    case VA_LISTEN_STARTED:
        va_live_tell(live, &(struct va_live_news){.kind = VA_LIVE_SPEECH, .begins = 1, .at_s = event->start_s});
        break;
    case VA_LISTEN_PARTIAL:
        on_partial(live, event);
        break;
    case VA_LISTEN_HEARD:
        va_live_tell(live, &(struct va_live_news){.kind = VA_LIVE_SPEECH, .at_s = event->speech_end_s});
        if (live->options.endpoint)
            tell_final(live, event->transcript, event->understanding, event->start_s, event->end_s, event->decode_ms * 1e-3);
        else
            add_stretch(live, event);
        break;
    case VA_LISTEN_WOKEN:
    case VA_LISTEN_OPENED:
    case VA_LISTEN_PAUSED:
    case VA_LISTEN_RESUMED:
    case VA_LISTEN_CLOSED:
        break;
    }
}
