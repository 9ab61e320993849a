/* What is said aloud. The speaker does that in a thread of its own; what goes wrong there is told once, not at every reply. */
#include "assistant/state.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/paths.h"

static void on_sound(void *user, const int16_t *pcm, size_t n, uint64_t heard_ns)
{
    va_assistant *assistant = user;

    pthread_mutex_lock(&assistant->echo_lock);
    if (assistant->echo != NULL)
        va_echo_played(assistant->echo, pcm, n, heard_ns);
    pthread_mutex_unlock(&assistant->echo_lock);
}

/* To what has been said, or could not be. */
static void await_answer(va_assistant *assistant)
{
    int answer_ms = atomic_exchange(&assistant->answer_ms, 0);

    if (answer_ms > 0)
        va_listening_await(assistant, answer_ms * 1e-3);
}

static void on_event(void *user, enum va_speech_event event, const va_error *error)
{
    va_assistant *assistant = user;

    pthread_mutex_lock(&assistant->echo_lock);
    if (event == VA_SPEECH_ENDED && assistant->echo != NULL)
        va_echo_cut(assistant->echo, va_clock_ns()); /* it may have been stopped */
    pthread_mutex_unlock(&assistant->echo_lock);
    if (event != VA_SPEECH_STARTED)
        await_answer(assistant);
    if (event != VA_SPEECH_ENDED)
        va_metrics_add(assistant->metrics, VA_METRIC_REPLIES, event == VA_SPEECH_STARTED ? VA_REPLY_SAID : VA_REPLY_FAILED, 1);
    if (event != VA_SPEECH_FAILED) {
        if (event == VA_SPEECH_ENDED)
            atomic_store(&assistant->sounded_ns, va_clock_ns());
        atomic_store(&assistant->sounding, event == VA_SPEECH_STARTED);
        const struct va_field field = VA_BOOL("on", event == VA_SPEECH_STARTED);
        va_event_tell(assistant, VA_LOG_DEBUG, "speaking", &field, 1, 0);
        va_phase_change(assistant, VA_FACT_SOUNDING, event == VA_SPEECH_STARTED);
        return;
    }
    int is_known = strcmp(assistant->speech_error.text, error->text) == 0; /* only this thread touches it */
    assistant->speech_error = *error;
    va_log(is_known ? VA_LOG_DEBUG : VA_LOG_WARNING, "assistant", "a reply was not said: %s", error->text);
}

/* Where the sound of fixed replies is kept; NULL when there is no such place. */
static char *cache_folder(const va_config *config)
{
    char *data = NULL;

    if (config->data_folder[0] == '\0' && va_paths_folder(VA_FOLDER_DATA, &data, NULL) < 0)
        return NULL;
    char *folder = va_paths_join(data != NULL ? data : config->data_folder, "speech");
    va_free(data);
    return folder;
}

/* Where nothing listens, there is nothing to take the own voice out of. */
static int make_echo(va_assistant *assistant, const va_config *config, va_error *error)
{
    struct va_echo_options options = VA_ECHO_DEFAULTS;

    options.cancel = config->listen_echo_canceller;
    return assistant->vad_model == NULL || config->speech_output[0] != '\0' ? 0 : va_echo_new(&options, &assistant->echo, error);
}

/* By the launcher: this process starts nothing. */
static int run_program(void *user, const struct va_speech_program *program, int *ret_status, va_error *error)
{
    const va_assistant *assistant = user;
    const struct va_launch_files files = {program->input, program->output, program->max_bytes};
    const struct va_launch launch = {program->executable, program->arguments, program->n_arguments, program->timeout_s, &files};
    struct va_launch_result result;
    int r = va_launcher_run(assistant->launcher, &launch, program->stop_fd, &result, error);

    if (r < 0)
        return r;
    va_free(result.output);
    *ret_status = result.status;
    return 0;
}

struct va_speaker_options va_assistant_speaker_options(const va_config *config)
{
    return (struct va_speaker_options){
        .command = config->speech_command,
        .voice = config->speech_voice,
        .language = va_speech_language(config->model_language),
        .rate = (int)config->speech_rate,
        .timeout_s = config->speech_timeout,
        .device = config->speech_device,
        .output = config->speech_output,
    };
}

int va_speech_start(va_assistant *assistant, va_error *error)
{
    const va_config *config = assistant->settings->config;
    va_error reason;

    int r = config->speech_enabled ? make_echo(assistant, config, error) : 0;
    if (r < 0)
        return r;
    char *folder = cache_folder(config);
    struct va_speaker_options options = va_assistant_speaker_options(config);
    options.chimes = (int)config->speech_chimes;
    options.cache_folder = folder;
    options.cache_max_bytes = (uint64_t)config->speech_cache << 20;
    options.run = assistant->launcher != NULL ? run_program : NULL;
    options.on_event = on_event;
    options.on_sound = assistant->echo != NULL ? on_sound : NULL;
    options.sound_user = assistant;
    options.user = assistant;
    r = va_speaker_new(&options, &assistant->synthesiser, &reason);
    va_free(folder);
    if (r == VA_ENOMEM)
        return va_fail_memory(error);
    if (r < 0)
        va_log(config->speech_enabled ? VA_LOG_WARNING : VA_LOG_DEBUG, "assistant", "replies are not said: %s", reason.text);
    assistant->speaker = config->speech_enabled ? assistant->synthesiser : NULL;
    return 0;
}

static void say(va_assistant *assistant, const struct va_utterance *utterance)
{
    va_error error;

    if (assistant->speaker == NULL || utterance->text[0] == '\0' || va_speaker_say(assistant->speaker, utterance, &error) == 0)
        return;
    va_log(VA_LOG_WARNING, "assistant", "a reply was not said: %s", error.text);
    await_answer(assistant);
}

void va_chime(va_assistant *assistant, enum va_chime chime)
{
    va_error error;

    if (assistant->speaker != NULL && va_speaker_chime(assistant->speaker, chime, &error) < 0)
        va_log(VA_LOG_DEBUG, "assistant", "no chime: %s", error.text);
}

void va_assistant_say(va_assistant *assistant, const char *text, const char *language)
{
    const struct va_utterance utterance = {.text = text, .language = language};

    say(assistant, &utterance);
}

int va_assistant_can_render(const va_assistant *assistant)
{
    return assistant->synthesiser != NULL;
}

int va_assistant_render(va_assistant *assistant, const struct va_render *render, int16_t **ret_pcm, size_t *ret_n, va_error *error)
{
    const struct va_utterance utterance = {
        .text = render->text, .language = render->language, .voice = render->voice, .speed = render->speed};
    int r;

    if (assistant->synthesiser == NULL)
        return va_fail(error, VA_ESTATE, "there is no program that speaks: see the option speech.command");
    if (atomic_fetch_add(&assistant->renders, 1) < VA_ASSISTANT_MAX_RENDERS)
        r = va_speaker_render(assistant->synthesiser, &utterance, -1, ret_pcm, ret_n, error);
    else
        r = va_fail(error, VA_EBUSY, "%d texts are being made into sound already", VA_ASSISTANT_MAX_RENDERS);
    atomic_fetch_sub(&assistant->renders, 1);
    return r;
}

void va_assistant_reply(va_assistant *assistant, const struct va_execution *execution, enum va_speak speak)
{
    const struct va_command *command = va_commands_find(execution->settings->commands, execution->command);
    const char *template = execution->intent != NULL ? execution->intent->response : command == NULL ? "" : command->response;
    const struct va_utterance utterance = {
        .text = execution->response,
        .language = command != NULL ? command->language : NULL,
        .voice = command != NULL && command->voice[0] != '\0' ? command->voice : NULL,
        .fixed = strcmp(template, execution->response) == 0, /* no slot was put in */
    };

    /* What was said before privacy mode is not answered in it, but that it is on is. */
    if (execution->privacy_changes != atomic_load(&assistant->privacy_changes) &&
        (command == NULL || strcmp(command->action.type, "privacy") != 0))
        return;
    if (speak == VA_SPEAK_ALWAYS || (speak == VA_SPEAK_AS_API && execution->settings->config->speech_api))
        say(assistant, &utterance);
}

void va_assistant_silence(va_assistant *assistant)
{
    atomic_store(&assistant->answer_ms, 0); /* a question that is cut off, or not even begun, has no answer */
    if (assistant->speaker != NULL)
        va_speaker_stop(assistant->speaker);
}

void va_speech_forget(va_assistant *assistant)
{
    struct va_settings *settings = va_settings_hold(assistant);
    va_error error;

    va_assistant_silence(assistant);
    pthread_mutex_lock(&assistant->echo_lock);
    if (assistant->echo != NULL) {
        va_echo_free(assistant->echo);
        assistant->echo = NULL;
        if (make_echo(assistant, settings->config, &error) < 0)
            va_log(VA_LOG_WARNING, "assistant", "there is no echo canceller any more: %s", error.text);
    }
    pthread_mutex_unlock(&assistant->echo_lock);
    va_settings_release(settings);
}
