/* say.c - text becomes sound, a sentence at a time, so that the first is heard while the rest is still made, or written. */
#include "wyoming/internal.h"

#include <ctype.h>
#include <string.h>

#include "base/memory.h"

#define CHUNK_SAMPLES 2048
#define MAX_SENTENCE_BYTES 4096

/* ---- sound ---- */

static int send_format(va_wyoming_session *session, const char *type, const void *payload, size_t n_payload)
{
    static const char format[] = "{\"rate\": 16000, \"width\": 2, \"channels\": 1}";
    struct va_buffer out;

    va_buffer_init(&out, n_payload + 1024);
    int r = va_wyoming_write(&out, type, format, sizeof format - 1, payload, n_payload);
    if (r == 0)
        r = session->send(session->user, out.data, out.size);
    va_buffer_free(&out);
    return r;
}

static int send_pcm(va_wyoming_session *session, const int16_t *pcm, size_t n)
{
    uint8_t bytes[2 * CHUNK_SAMPLES];
    int r = 0;

    for (size_t at = 0, count; r == 0 && at < n; at += count) {
        count = n - at < CHUNK_SAMPLES ? n - at : CHUNK_SAMPLES;
        for (size_t i = 0; i < count; i++) {
            bytes[2 * i] = (uint8_t)pcm[at + i];
            bytes[2 * i + 1] = (uint8_t)(pcm[at + i] >> 8);
        }
        r = send_format(session, "audio-chunk", bytes, 2 * count);
    }
    return r;
}

static int begin_sound(va_wyoming_session *session)
{
    struct va_wyoming_speaking *speaking = &session->speaking;

    if (speaking->has_begun)
        return 0;
    speaking->has_begun = 1;
    return send_format(session, "audio-start", NULL, 0);
}

/* What cannot be spoken is told, and no more of the text is spoken. */
static int speak(va_wyoming_session *session, const char *text)
{
    struct va_wyoming_speaking *speaking = &session->speaking;
    const struct va_render render = {.text = text, .language = speaking->language, .voice = speaking->voice};
    int16_t *pcm = NULL;
    size_t n = 0;
    va_error error;
    int r;

    if (text[strspn(text, " \t\r\n")] == '\0' || speaking->has_failed)
        return 0;
    r = va_assistant_render(session->parts->assistant, &render, &pcm, &n, &error);
    if (r < 0) {
        speaking->has_failed = 1;
        return va_wyoming_send_error(session, r, &error);
    }
    r = begin_sound(session);
    if (r == 0)
        r = send_pcm(session, pcm, n);
    va_free(pcm);
    return r;
}

/* ---- sentences ---- */

/* Bytes of the first sentence with its end; 0 where none has ended. */
static size_t sentence(const char *text, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        if (strchr(".!?\n", text[i]) != NULL && text[i] != '\0' && isspace((unsigned char)text[i + 1]))
            return i + 1;
    if (n <= MAX_SENTENCE_BYTES)
        return 0;
    for (n = MAX_SENTENCE_BYTES; n > 1 && text[n] != ' ' && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
        ; /* at least not within a character */
    return n;
}

/* Speaks what is whole; with the rest, all of it. */
static int speak_text(va_wyoming_session *session, int with_rest)
{
    struct va_buffer *text = &session->speaking.text;
    size_t at = 0, n;
    int r = 0;

    while (r == 0 && at < text->size && ((n = sentence(text->data + at, text->size - at)) > 0 || with_rest)) {
        if (n == 0)
            n = text->size - at;
        char *one = va_strndup(text->data + at, n);
        if (one == NULL)
            return VA_ENOMEM;
        r = speak(session, one);
        va_free(one);
        at += n;
    }
    if (at > 0) {
        memmove(text->data, text->data + at, text->size - at);
        text->size -= at;
        text->data[text->size] = '\0';
    }
    return r;
}

/* ---- events ---- */

void va_wyoming_say_drop(va_wyoming_session *session)
{
    struct va_wyoming_speaking *speaking = &session->speaking;

    va_buffer_free(&speaking->text);
    va_free(speaking->voice);
    va_free(speaking->language);
    *speaking = (struct va_wyoming_speaking){.text = speaking->text};
}

/* "en-US" is "en" for the program that speaks, where no voice is named. */
static int take_voice(va_wyoming_session *session, const json_t *data)
{
    const json_t *voice = json_object_get(data, "voice");
    const char *name = json_string_value(json_object_get(voice, "name"));
    const char *language = json_string_value(json_object_get(voice, "language"));

    va_wyoming_say_drop(session);
    if (name != NULL && (session->speaking.voice = va_strdup(name)) == NULL)
        return VA_ENOMEM;
    if (name == NULL && language != NULL && (session->speaking.language = va_strndup(language, strcspn(language, "-_"))) == NULL)
        return VA_ENOMEM;
    return 0;
}

static int is_plain(const json_t *data)
{
    const char *format = json_string_value(json_object_get(data, "text_format"));

    return format == NULL || strcmp(format, "text") == 0;
}

/* Without a mistake so far, the sound ends as it does where there is none. */
static int end_sound(va_wyoming_session *session)
{
    int r = speak_text(session, 1);

    if (r == 0 && (session->speaking.has_begun || !session->speaking.has_failed)) {
        r = begin_sound(session);
        if (r == 0)
            r = send_format(session, "audio-stop", NULL, 0);
    }
    return r;
}

static int refuse(va_wyoming_session *session, const char *why)
{
    va_error error;
    int r = va_fail(&error, VA_EINVAL, "%s", why);

    return va_wyoming_send_error(session, r, &error);
}

int va_wyoming_synthesize(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    const char *text = json_string_value(json_object_get(event->data, "text"));
    int r;

    if (session->speaking.is_streaming) /* the whole text again, for those who do not take it in pieces */
        return 0;
    if (text == NULL || !is_plain(event->data))
        return refuse(session, "there is no plain 'text' to speak");
    if ((r = take_voice(session, event->data)) < 0)
        return r;
    r = va_buffer_append_string(&session->speaking.text, text);
    if (r == 0)
        r = end_sound(session);
    va_wyoming_say_drop(session);
    return r;
}

int va_wyoming_synthesize_start(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    int r;

    if (!is_plain(event->data))
        return refuse(session, "only plain text is spoken");
    r = take_voice(session, event->data);
    session->speaking.is_streaming = r == 0;
    return r;
}

int va_wyoming_synthesize_chunk(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    const char *text = json_string_value(json_object_get(event->data, "text"));
    int r;

    if (!session->speaking.is_streaming || text == NULL)
        return refuse(session, "a piece of text comes between synthesize-start and synthesize-stop");
    r = va_buffer_append_string(&session->speaking.text, text);
    return r < 0 ? r : speak_text(session, 0);
}

int va_wyoming_synthesize_stop(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    int r;

    if (!session->speaking.is_streaming)
        return refuse(session, "synthesize-stop comes behind synthesize-start");
    r = end_sound(session);
    va_wyoming_say_drop(session);
    return r < 0 ? r : va_wyoming_send_text(session, "synthesize-stopped", NULL);
}
