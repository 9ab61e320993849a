/* POST /v1/audio/speech: a text to a file of speech. */
#include "server/api_internal.h"

#include <string.h>

#include "server/members.h"

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
    const char *model = NULL, *voice = NULL, *blamed;
    struct wanted wanted = {.format = "mp3"};
    const struct va_member members[] = {{"model", .text = &model, .is_needed = 1},
                                        {"input", .text = &wanted.render.text, .max = MAX_INPUT_BYTES, .is_needed = 1},
                                        {"voice", .text = &voice},
                                        {"response_format", .text = &wanted.format},
                                        {"speed", .number = &wanted.render.speed, .min = 0.25, .max = 4}};
    va_error error;

    if (va_members_read_some(document, members, sizeof members / sizeof members[0], &blamed, &error) < 0)
        return va_openai_blame(request, blamed, error.text);
    if (!va_openai_is_speaker(api, model)) {
        va_openai_no_model(request, model);
        return -1;
    }
    if (voice != NULL && !is_known_voice(voice))
        wanted.render.voice = voice;
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
    const char *type;
    va_error error;
    size_t n;
    const char *body = va_request_body(request, &n);
    json_t *document = NULL;
    int r = va_members_load(body, n, &document, &error);

    if (r < 0) {
        va_api_fail_body(request, r, &error);
    } else if (read_request(api, request, document, &wanted) == 0) {
        va_buffer_init(&sound, VA_API_MAX_REPLY_BYTES);
        r = va_assistant_render_file(api->assistant, &wanted.render, wanted.format, &sound, &type, &error);
        reply(request, &wanted, r, type, &sound, &error);
    }
    json_decref(document);
}

void va_api_post_openai_speech(void *user, va_request *request)
{
    va_api_run(user, request, speak);
}
