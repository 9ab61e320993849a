#include "assistant/transcript_openai.h"

#include <math.h>
#include <string.h>

#include "token/tokenizer.h"

#define MAX_TOKEN_BYTES 256
#define SEEKS_PER_S 100.0 /* Whisper counts its place in the audio in frames of 10 ms */

void va_transcript_openai_usage(struct va_json *json, const va_transcript *transcript)
{
    va_json_open(json, "usage", '{');
    va_json_text(json, "type", "duration");
    va_json_integer(json, "seconds", (int64_t)ceil(transcript->duration_s));
    va_json_close(json, '}');
}

static void write_logprob(struct va_json *json, const va_model *model, int32_t token, float logprob)
{
    char text[MAX_TOKEN_BYTES];
    size_t n;
    const char *bytes = va_model_token(model, token, &n);

    if (n >= sizeof text)
        n = sizeof text - 1;
    if (n > 0)
        memcpy(text, bytes, n);
    text[n] = '\0';
    va_json_open(json, NULL, '{');
    va_json_text(json, "token", text);
    va_json_number(json, "logprob", (double)logprob, 6);
    va_json_open(json, "bytes", '[');
    for (size_t i = 0; i < n; i++)
        va_json_integer(json, NULL, (unsigned char)text[i]);
    va_json_close(json, ']');
    va_json_close(json, '}');
}

void va_transcript_openai_logprobs(struct va_json *json, const va_transcript *transcript, const struct va_openai_detail *detail)
{
    if (detail->logprobs == NULL)
        return;
    va_json_open(json, "logprobs", '[');
    for (size_t i = 0; i < transcript->n_segments; i++) {
        const va_segment *segment = &transcript->segments[i];
        for (size_t t = 0; t < segment->n_tokens; t++)
            write_logprob(json, detail->logprobs, segment->tokens[t], segment->logprobs[t]);
    }
    va_json_close(json, ']');
}

void va_transcript_openai(struct va_json *json, const va_transcript *transcript, const struct va_openai_detail *detail)
{
    va_json_text(json, "text", transcript->text);
    va_transcript_openai_logprobs(json, transcript, detail);
    va_transcript_openai_usage(json, transcript);
}

static void write_segment(struct va_json *json, int64_t id, const va_segment *segment)
{
    va_json_open(json, NULL, '{');
    va_json_integer(json, "id", id);
    va_json_integer(json, "seek", (int64_t)(segment->start_s * SEEKS_PER_S));
    va_json_number(json, "start", segment->start_s, 3);
    va_json_number(json, "end", segment->end_s, 3);
    va_json_text(json, "text", segment->text);
    va_json_open(json, "tokens", '[');
    for (size_t i = 0; i < segment->n_tokens; i++)
        va_json_integer(json, NULL, segment->tokens[i]);
    va_json_close(json, ']');
    va_json_number(json, "temperature", segment->temperature, 1);
    va_json_number(json, "avg_logprob", segment->avg_logprob, 4);
    va_json_number(json, "compression_ratio", segment->compression_ratio, 4);
    va_json_number(json, "no_speech_prob", segment->no_speech_prob, 4);
    va_json_close(json, '}');
}

static void write_words(struct va_json *json, const va_segment *segment)
{
    for (size_t i = 0; i < segment->n_words; i++) {
        const va_word *word = &segment->words[i];
        va_json_open(json, NULL, '{');
        va_json_text(json, "word", word->text[0] == ' ' ? word->text + 1 : word->text);
        va_json_number(json, "start", word->start_s, 3);
        va_json_number(json, "end", word->end_s, 3);
        va_json_close(json, '}');
    }
}

void va_transcript_openai_verbose(struct va_json *json, const va_transcript *transcript, const struct va_openai_detail *detail)
{
    int language = va_language_index(transcript->language);

    va_json_text(json, "task", detail->translate ? "translate" : "transcribe");
    va_json_text(json, "language", language >= 0 ? va_language_name(language) : transcript->language);
    va_json_number(json, "duration", transcript->duration_s, 3);
    va_json_text(json, "text", transcript->text);
    if (detail->segments) {
        va_json_open(json, "segments", '[');
        for (size_t i = 0; i < transcript->n_segments; i++)
            write_segment(json, (int64_t)i, &transcript->segments[i]);
        va_json_close(json, ']');
    }
    if (detail->words) {
        va_json_open(json, "words", '[');
        for (size_t i = 0; i < transcript->n_segments; i++)
            write_words(json, &transcript->segments[i]);
        va_json_close(json, ']');
    }
    va_transcript_openai_usage(json, transcript);
}
