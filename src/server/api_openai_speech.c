/* POST /v1/audio/speech: a text to a file of speech. */
#include "server/api_internal.h"

#include <jansson.h>
#include <string.h>

#define MAX_INPUT_BYTES 4096

/* OpenAI's voices, none of which is here: the voice of the options speaks in their place. */
static const char *const known_voices[] = {"alloy", "ash",  "ballad",  "coral", "echo",  "fable", "nova",
                                           "onyx",  "sage", "shimmer", "verse", "marin", "cedar"};

struct wanted {
    struct va_render render;
    const char *format;
};

static int is_known_voice(const char *name)
{
    for (size_t i = 0; i < sizeof known_voices / sizeof known_voices[0]; i++)
        if (strcmp(name, known_voices[i]) == 0)
            return 1;
    return 0;
}

/* What is asked for, with texts of the document. Replies itself and returns -1 when it is wrong. */
static int read_request(va_api *api, va_request *request, const json_t *document, struct wanted *ret_wanted)
{
    const json_t *voice = json_object_get(document, "voice"), *speed = json_object_get(document, "speed");
    const json_t *format = json_object_get(document, "response_format");
    const char *model = json_string_value(json_object_get(document, "model"));
    struct wanted wanted = {.render = {.text = json_string_value(json_object_get(document, "input"))}, .format = "mp3"};

    if (model == NULL)
        return va_openai_blame(request, "model", "model must be a text, such as tts-1");
    if (!va_openai_is_speaker(api, model)) {
        va_openai_no_model(request, model);
        return -1;
    }
    if (wanted.render.text == NULL || wanted.render.text[0] == '\0' || strlen(wanted.render.text) > MAX_INPUT_BYTES)
        return va_openai_blame(request, "input", "input must be a text of at most 4096 bytes");
    if (voice != NULL && !json_is_string(voice))
        return va_openai_blame(request, "voice", "voice must be a text");
    if (voice != NULL && !is_known_voice(json_string_value(voice)))
        wanted.render.voice = json_string_value(voice);
    if (format != NULL && (wanted.format = json_string_value(format)) == NULL)
        return va_openai_blame(request, "response_format", "response_format must be mp3, opus, flac, wav or pcm");
    if (speed != NULL && (!json_is_number(speed) || json_number_value(speed) < 0.25 || json_number_value(speed) > 4.0))
        return va_openai_blame(request, "speed", "speed must be a number from 0.25 to 4");
    if (speed != NULL)
        wanted.render.speed = json_number_value(speed);
    *ret_wanted = wanted;
    return 0;
}

static void reply(va_request *request, const struct wanted *wanted, int r, const char *type, struct va_buffer *sound, const va_error *error)
{
    if (r == 0) {
        va_request_reply_as(request, 200, type, sound);
        return;
    }
    va_buffer_free(sound);
    if (r == VA_EFAILED && wanted->render.voice != NULL)
        va_request_blame(request, 400, "invalid_value", "voice", "the voice '%.60s' does not speak: %s", wanted->render.voice, error->text);
    else
        va_openai_fail(request, r, error);
}

static void speak(va_api *api, va_request *request)
{
    struct wanted wanted;
    struct va_buffer sound;
    json_error_t where;
    const char *type;
    va_error error;
    size_t n;
    const char *body = va_request_body(request, &n);
    json_t *document = json_loadb(body, n, JSON_REJECT_DUPLICATES, &where);

    if (!json_is_object(document)) {
        va_request_fail(request, 400, "invalid_json", "the body must be a JSON object");
    } else if (read_request(api, request, document, &wanted) == 0) {
        va_buffer_init(&sound, VA_API_MAX_REPLY_BYTES);
        int r = va_assistant_render_file(api->assistant, &wanted.render, wanted.format, &sound, &type, &error);
        reply(request, &wanted, r, type, &sound, &error);
    }
    json_decref(document);
}

void va_api_post_openai_speech(void *user, va_request *request)
{
    va_api_run(user, request, speak);
}
