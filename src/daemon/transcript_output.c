#include "daemon/transcript_output.h"

#include <math.h>
#include <string.h>

#include "assistant/transcript_json.h"

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

static int append_json(const char *file, const va_transcript *transcript, double load_ms, struct va_buffer *out)
{
    const va_timing *timing = &transcript->timing;
    struct va_json json = {.out = out};

    va_json_open(&json, NULL, '{');
    va_json_text(&json, "file", file);
    va_transcript_json(&json, transcript);
    va_json_open(&json, "timing", '{');
    va_json_number(&json, "load_ms", load_ms, 1);
    va_json_number(&json, "mel_ms", timing->mel_ms, 1);
    va_json_number(&json, "encode_ms", timing->encode_ms, 1);
    va_json_number(&json, "decode_ms", timing->decode_ms, 1);
    va_json_number(&json, "total_ms", timing->total_ms, 1);
    va_json_close(&json, '}');
    va_json_close(&json, '}');
    return json.error < 0 ? json.error : va_buffer_append(out, "\n", 1);
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
