#include "daemon/transcript_output.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

int va_output_format_parse(const char *name, enum va_output_format *ret_format)
{
    static const char *const names[] = {"text", "json", "srt", "vtt"};
    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0) {
            *ret_format = (enum va_output_format)i;
            return 0;
        }
    return VA_EINVAL;
}

/* Times and probabilities to a tenth of a millisecond and of a permille: no digits that mean nothing. */
static json_t *number(double value)
{
    return json_real(round(value * 1e4) / 1e4);
}

static json_t *word_json(const va_word *word)
{
    return json_pack("{s:s, s:o, s:o, s:o}", "word", word->text, "start", number(word->start_s), "end", number(word->end_s), "probability",
                     number(word->probability));
}

static json_t *segment_json(const va_segment *segment)
{
    json_t *object = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "start", number(segment->start_s), "end", number(segment->end_s),
                               "text", segment->text, "confidence", number(segment->confidence), "avg_logprob",
                               number(segment->avg_logprob), "no_speech_prob", number(segment->no_speech_prob), "compression_ratio",
                               number(segment->compression_ratio), "temperature", number(segment->temperature));
    json_t *words = json_array();
    for (size_t i = 0; i < segment->n_words; i++)
        json_array_append_new(words, word_json(&segment->words[i]));
    json_object_set_new(object, "words", words);
    return object;
}

static int to_buffer(const char *text, size_t n, void *user)
{
    return va_buffer_append(user, text, n);
}

static int append_json(const char *file, const va_transcript *transcript, double load_ms, struct va_buffer *out)
{
    const va_timing *timing = &transcript->timing;
    json_t *segments = json_array();
    for (size_t i = 0; i < transcript->n_segments; i++)
        json_array_append_new(segments, segment_json(&transcript->segments[i]));
    json_t *object = json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:{s:o, s:o, s:o, s:o, s:o}}", "file", file, "text", transcript->text,
                               "confidence", number(transcript->confidence), "language", transcript->language, "language_probability",
                               number(transcript->language_probability), "duration", number(transcript->duration_s), "segments", segments,
                               "timing", "load_ms", number(load_ms), "mel_ms", number(timing->mel_ms), "encode_ms",
                               number(timing->encode_ms), "decode_ms", number(timing->decode_ms), "total_ms", number(timing->total_ms));
    int r = object == NULL || json_dump_callback(object, to_buffer, out, JSON_COMPACT | JSON_REAL_PRECISION(10)) < 0 ? VA_ENOMEM : 0;
    json_decref(object);
    return r < 0 ? r : va_buffer_append(out, "\n", 1);
}

/* 01:02:03,450 (SRT) or 01:02:03.450 (WebVTT) */
static int append_time(double s, char separator, struct va_buffer *out)
{
    long ms = lround(s * 1000.0);
    return va_buffer_printf(out, "%02ld:%02ld:%02ld%c%03ld", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, separator, ms % 1000);
}

static int append_subtitles(const va_transcript *transcript, int srt, struct va_buffer *out)
{
    int r = srt ? 0 : va_buffer_append_string(out, "WEBVTT\n\n");
    for (size_t i = 0; r == 0 && i < transcript->n_segments; i++) {
        const va_segment *segment = &transcript->segments[i];
        char separator = srt ? ',' : '.';
        if (srt)
            r = va_buffer_printf(out, "%zu\n", i + 1);
        if (r == 0)
            r = append_time(segment->start_s, separator, out);
        if (r == 0)
            r = va_buffer_append_string(out, " --> ");
        if (r == 0)
            r = append_time(segment->end_s, separator, out);
        if (r == 0)
            r = va_buffer_printf(out, "\n%s\n\n", segment->text);
    }
    return r;
}

int va_output_transcript(enum va_output_format format, const char *file, const va_transcript *transcript, double load_ms,
                         struct va_buffer *out)
{
    switch (format) {
    case VA_OUTPUT_TEXT:
        return va_buffer_printf(out, "%s\n", transcript->text);
    case VA_OUTPUT_JSON:
        return append_json(file, transcript, load_ms, out);
    case VA_OUTPUT_SRT:
        return append_subtitles(transcript, 1, out);
    case VA_OUTPUT_VTT:
        return append_subtitles(transcript, 0, out);
    }
    return VA_EINVAL;
}
