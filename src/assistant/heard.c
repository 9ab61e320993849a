/* heard.c - what comes of what is heard: events, phases, and commands, which errands carry out. */
#include "assistant/listening.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#define ANSWER_S 8.0 /* an answer to a question is awaited */

/* ---- commands ---- */

struct spoken {
    va_assistant *assistant;
    uint64_t privacy_changes; /* when it was heard */
    double speech_ended_ms;   /* va_clock_ms */
    double decode_ms;
    double text_ms; /* when the command was known */
    char text[];
};

/* To so many steps of one. */
static double rounded(double value, double steps)
{
    return round(value * steps) / steps;
}

/* What stands between the end of speech and this moment. */
static void tell_start(const struct spoken *spoken)
{
    double now_ms = va_clock_ms();
    const struct va_field fields[] = {
        VA_NUMBER("after_speech_ms", rounded(now_ms - spoken->speech_ended_ms, 10.0)),
        VA_NUMBER("decode_ms", rounded(spoken->decode_ms, 10.0)),
        VA_NUMBER("start_ms", rounded(now_ms - spoken->text_ms, 10.0)),
        VA_STRING("source", "microphone"),
        VA_STRING("text", spoken->text),
    };

    va_event_tell(spoken->assistant, VA_LOG_INFO, "acting", fields, sizeof fields / sizeof fields[0], 1);
    va_metrics_observe(spoken->assistant->metrics, VA_METRIC_ACTION_SECONDS, 0, (now_ms - spoken->speech_ended_ms) * 1e-3);
}

/* Behind the reply, or at once where it is not said. */
static void await_answer(va_assistant *assistant, const struct va_execution *execution)
{
    double wait_s = execution->confirm ? ANSWER_S : execution->settings->config->listen_follow_up;

    if (wait_s <= 0.0)
        return;
    if (assistant->speaker != NULL && execution->response[0] != '\0')
        atomic_store(&assistant->answer_ms, (int)(wait_s * 1000.0));
    else
        va_listening_await(assistant, wait_s);
}

static void act(struct spoken *spoken)
{
    va_assistant *assistant = spoken->assistant;
    struct va_execution execution = {0};
    va_error error;

    tell_start(spoken);
    if (va_execute_said(assistant, "microphone", spoken->privacy_changes, spoken->text, 0, &execution, &error) < 0)
        return;
    await_answer(assistant, &execution);
    va_assistant_reply(assistant, &execution, VA_SPEAK_ALWAYS);
    va_execution_clear(&execution);
}

/* An errand. What has waited until privacy mode was on is forgotten. */
static void carry_out(void *user)
{
    struct spoken *spoken = user;
    va_assistant *assistant = spoken->assistant;

    if (atomic_load(&assistant->privacy_changes) == spoken->privacy_changes)
        act(spoken);
    va_phase_change(assistant, VA_FACT_ACTING, -1);
    va_free(spoken);
}

static void run_command(struct va_listening *listening, const struct va_listen_event *event)
{
    va_assistant *assistant = listening->assistant;
    const char *text = event->understanding->text;
    va_error error;
    struct spoken *spoken = va_alloc(sizeof *spoken + strlen(text) + 1, 1);

    if (spoken == NULL) {
        va_log(VA_LOG_ERROR, "assistant", "a spoken command is not carried out: out of memory");
        return;
    }
    double behind_ms = (event->heard_s - event->speech_end_s) * 1000.0;
    *spoken = (struct spoken){
        .assistant = assistant,
        .privacy_changes = listening->privacy_changes,
        .speech_ended_ms = (double)atomic_load(&listening->pushed_ns) * 1e-6 - behind_ms,
        .decode_ms = event->decode_ms,
        .text_ms = va_clock_ms(),
    };
    memcpy(spoken->text, text, strlen(text) + 1);
    va_phase_change(assistant, VA_FACT_ACTING, 1);
    if (va_assistant_run(assistant, carry_out, spoken, &error) < 0) {
        va_log(VA_LOG_WARNING, "assistant", "a spoken command is not carried out: %s", error.text);
        va_phase_change(assistant, VA_FACT_ACTING, -1);
        va_free(spoken);
    }
}

/* While the assistant spoke it heard itself: of what was said till then only what ends that counts. */
static int may_run(const struct va_listening *listening, const struct va_listen_event *event)
{
    if (!event->is_command)
        return 0;
    const struct va_command *command = va_commands_find(listening->settings->commands, event->understanding->intent->name);
    int is_stop = command != NULL && strcmp(command->action.type, "stop") == 0;
    double ended = (double)atomic_load(&listening->pushed) - (event->heard_s - event->speech_end_s) * VA_SAMPLE_RATE_HZ;
    uint64_t own = atomic_load(&listening->own);
    return is_stop || own == 0 || ended > (double)own;
}

/* ---- what is heard ---- */

static void tell_woken(struct va_listening *listening, const struct va_listen_event *event)
{
    const struct va_field fields[] = {
        VA_STRING("word", event->word->name),
        VA_NUMBER("score", rounded((double)event->score, 1000.0)),
        VA_NUMBER("level_dbfs", rounded((double)event->level_dbfs, 10.0)),
        VA_STRING("device", listening->settings->config->audio_microphone),
        VA_NUMBER("end", event->end_s),
    };

    if (event->word->is_stop && !atomic_load(&listening->assistant->sounding))
        return;
    va_event_tell(listening->assistant, VA_LOG_INFO, event->word->is_stop ? "stop" : "wake", fields, 5, 0);
    va_metrics_add(listening->assistant->metrics, VA_METRIC_WAKE_WORDS, event->word->is_stop ? VA_WORD_STOP : VA_WORD_WAKE, 1);
    va_assistant_silence(listening->assistant);
}

static void tell_heard(struct va_listening *listening, const struct va_listen_event *event)
{
    const struct va_field fields[] = {
        VA_BOOL("command", event->is_command),
        VA_NUMBER("confidence", event->understanding != NULL ? (double)event->understanding->confidence : 0.0),
        VA_NUMBER("start", event->start_s),
        VA_NUMBER("end", event->end_s),
        VA_NUMBER("speech_end", event->speech_end_s),
        VA_NUMBER("heard", event->heard_s),
        VA_NUMBER("decode_ms", rounded(event->decode_ms, 10.0)),
        VA_STRING("source", "microphone"),
        VA_STRING("intent", event->is_command ? event->understanding->intent->name : ""),
        VA_STRING("text", event->is_command ? event->understanding->text : event->text),
    };

    va_event_tell(listening->assistant, VA_LOG_DEBUG, "heard", fields, sizeof fields / sizeof fields[0], 2);
}

static void tell_transcribed(const struct va_listening *listening, const struct va_listen_event *event)
{
    const struct va_transcribed transcribed = {
        .source = VA_SOURCE_LISTENING,
        .id = "",
        .audio_path = "microphone",
        .transcript = event->transcript,
        .command = event->is_command ? event->understanding : NULL,
        .duration_s = event->end_s - event->start_s,
        .elapsed_s = rounded(event->decode_ms, 10.0) * 1e-3,
    };

    va_transcribed_tell(listening->assistant, &transcribed);
}

static void tell_partial(const struct va_listening *listening, const struct va_listen_event *event)
{
    const struct va_field fields[] = {VA_NUMBER("heard", event->heard_s), VA_INTEGER("stable", (int64_t)event->n_stable),
                                      VA_STRING("text", event->text)};

    va_event_tell(listening->assistant, VA_LOG_DEBUG, "partial", fields, 3, 1);
}

static void on_heard(struct va_listening *listening, const struct va_listen_event *event)
{
    va_assistant *assistant = listening->assistant;

    if (event->text[0] != '\0') {
        tell_heard(listening, event);
        tell_transcribed(listening, event);
        if (may_run(listening, event))
            run_command(listening, event);
        if (!listening->is_always)
            va_chime(assistant, event->is_command ? VA_CHIME_END : VA_CHIME_ERROR);
    }
    va_phase_change(assistant, VA_FACT_HEARING, 0);
}

void va_listening_on_event(void *user, const struct va_listen_event *event)
{
    struct va_listening *listening = user;
    va_assistant *assistant = listening->assistant;

    switch (event->kind) {
    case VA_LISTEN_WOKEN:
        tell_woken(listening, event);
        break;
    case VA_LISTEN_OPENED:
        va_chime(assistant, VA_CHIME_WAKE);
        va_phase_change(assistant, VA_FACT_AWAKE, 1);
        break;
    case VA_LISTEN_STARTED:
        va_phase_change(assistant, VA_FACT_HEARING, 1);
        break;
    case VA_LISTEN_PARTIAL:
        tell_partial(listening, event);
        break;
    case VA_LISTEN_PAUSED:
        va_phase_change(assistant, VA_FACT_THINKING, 1);
        break;
    case VA_LISTEN_RESUMED:
        va_phase_change(assistant, VA_FACT_THINKING, 0);
        break;
    case VA_LISTEN_HEARD:
        on_heard(listening, event);
        break;
    case VA_LISTEN_CLOSED:
        if (event->reason == VA_LISTEN_NOTHING_SAID)
            va_chime(assistant, VA_CHIME_ERROR);
        va_phase_change(assistant, VA_FACT_AWAKE, 0);
        break;
    }
}
