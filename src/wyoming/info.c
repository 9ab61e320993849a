/* info.c - what there is, as `describe` asks for it. */
#include "wyoming/internal.h"

#include <stdio.h>
#include <string.h>

#include "token/tokenizer.h"

#define WHISPER_URL "https://github.com/openai/whisper"
#define MICRO_WAKE_WORD_URL "https://github.com/kahrendt/microWakeWord"

static void add_artifact(struct va_json *json, const char *name, const char *description, const char *author, const char *url)
{
    va_json_text(json, "name", name);
    va_json_text(json, "description", description);
    va_json_open(json, "attribution", '{');
    va_json_text(json, "name", author);
    va_json_text(json, "url", url);
    va_json_close(json, '}');
    va_json_bool(json, "installed", 1);
    va_json_text(json, "version", va_version());
}

/* Of the name or the path of a model. */
static void name_of(const char *model, char ret_name[64])
{
    const char *slash = strrchr(model, '/'), *start = slash != NULL ? slash + 1 : model, *end = strstr(start, ".vam");

    snprintf(ret_name, 64, "%.*s", end != NULL ? (int)(end - start) : 63, start);
}

/* The program itself, and the list of its models, which is left open. */
static void open_program(struct va_json *json, const char *service, const char *description, const char *models)
{
    va_json_open(json, service, '[');
    va_json_open(json, NULL, '{');
    add_artifact(json, "voice-assistant", description, "voice-assistant", "");
    va_json_open(json, models, '[');
}

static void close_models(struct va_json *json)
{
    va_json_close(json, ']');
}

static void close_program(struct va_json *json)
{
    va_json_close(json, '}');
    va_json_close(json, ']');
}

static void add_languages(struct va_json *json, const char *const *languages, size_t n)
{
    va_json_open(json, "languages", '[');
    for (size_t i = 0; i < n; i++)
        va_json_text(json, NULL, languages[i]);
    va_json_close(json, ']');
}

static void add_asr(struct va_json *json, const struct va_wyoming_parts *parts)
{
    struct va_assistant_status status;
    const char *code;
    char name[64];

    va_assistant_get_status(parts->assistant, &status);
    name_of(status.model, name);
    open_program(json, "asr", "Speech to text on this machine", "models");
    va_json_open(json, NULL, '{');
    add_artifact(json, name, "Whisper", "OpenAI", WHISPER_URL);
    va_json_open(json, "languages", '[');
    for (int i = 0; (code = va_language_code(i)) != NULL && (i == 0 || status.multilingual); i++)
        va_json_text(json, NULL, code);
    va_json_close(json, ']');
    va_json_close(json, '}');
    close_models(json);
    va_json_bool(json, "supports_transcript_streaming", 1);
    va_json_bool(json, "requires_external_vad", 1);
    close_program(json);
}

static void add_wake(struct va_json *json, const struct va_wyoming_parts *parts)
{
    open_program(json, "wake", "Wake words", "models");
    for (size_t i = 0; i < parts->n_words; i++) {
        const struct va_listen_word *word = &parts->words[i];
        int is_own = word->model == NULL;
        if (is_own && parts->vad_model == NULL)
            continue;
        const char *phrase = is_own ? va_word_text(word->own) : va_wake_model_word(word->model), *language = "en";
        va_json_open(json, NULL, '{');
        add_artifact(json, word->name, phrase, is_own ? "its user" : "Kevin Ahrendt", is_own ? "" : MICRO_WAKE_WORD_URL);
        va_json_text(json, "phrase", phrase);
        add_languages(json, &language, is_own ? 0 : 1);
        va_json_close(json, '}');
    }
    close_models(json);
    close_program(json);
}

/* A voice for each language that replies may be in; others are spoken when they are asked for. */
static void add_tts(struct va_json *json, const struct va_wyoming_parts *parts, const char *const *languages, size_t n)
{
    const char *language = parts->speech_language;
    const char *name = parts->speech_voice[0] != '\0' ? parts->speech_voice : language;

    if (!va_assistant_can_render(parts->assistant))
        return;
    open_program(json, "tts", "The synthesiser of the option speech.command", "voices");
    for (size_t i = 0; i <= n; i++) {
        const char *one = i == 0 ? language : languages[i - 1];
        if (i > 0 && strcmp(one, language) == 0)
            continue;
        va_json_open(json, NULL, '{');
        add_artifact(json, i == 0 ? name : one, one, "the synthesiser", "");
        add_languages(json, &one, 1);
        va_json_close(json, '}');
    }
    close_models(json);
    va_json_bool(json, "supports_synthesize_streaming", 1);
    close_program(json);
}

static void add_commands(struct va_json *json, const char *service, const char *description, const char *const *languages, size_t n)
{
    open_program(json, service, description, "models");
    va_json_open(json, NULL, '{');
    add_artifact(json, "commands", "The command files", "voice-assistant", "");
    add_languages(json, languages, n);
    va_json_close(json, '}');
    close_models(json);
    close_program(json);
}

int va_wyoming_describe(va_wyoming_session *session)
{
    const struct va_wyoming_parts *parts = session->parts;
    char codes[VA_ASSISTANT_MAX_LANGUAGES][VA_ASSISTANT_LANGUAGE_BYTES];
    const char *languages[VA_ASSISTANT_MAX_LANGUAGES];
    size_t n = va_assistant_languages(parts->assistant, codes);
    struct va_wyoming_data data;

    for (size_t i = 0; i < n; i++)
        languages[i] = codes[i];
    va_wyoming_data_begin(&data);
    add_asr(&data.json, parts);
    if (parts->n_words > 0)
        add_wake(&data.json, parts);
    add_tts(&data.json, parts, languages, n);
    add_commands(&data.json, "intent", "Finds the command in a sentence", languages, n);
    add_commands(&data.json, "handle", "Carries out the command in a sentence", languages, n);
    return va_wyoming_data_send(&data, session, "info");
}
