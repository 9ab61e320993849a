#include "daemon/transcript_output.h"

#include <string.h>

#include "assistant/transcript_json.h"
#include "assistant/transcript_openai.h"
#include "assistant/transcript_text.h"

int va_output_format_parse(const char *name, enum va_output_format *ret_format)
{
    static const char *const names[] = {"text", "json", "srt", "vtt", "verbose_json"};
    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++)
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

static int append_verbose_json(const va_transcript *transcript, struct va_buffer *out)
{
    struct va_openai_detail detail = {.segments = 1};
    struct va_json json = {.out = out};

    for (size_t i = 0; i < transcript->n_segments; i++)
        detail.words |= transcript->segments[i].n_words > 0;
    va_json_open(&json, NULL, '{');
    va_transcript_openai_verbose(&json, transcript, &detail);
    va_json_close(&json, '}');
    return json.error < 0 ? json.error : va_buffer_append(out, "\n", 1);
}

int va_output_transcript(enum va_output_format format, const char *file, const va_transcript *transcript, double load_ms,
                         struct va_buffer *out)
{
    switch (format) {
    case VA_OUTPUT_TEXT:
        return va_transcript_text(out, transcript);
    case VA_OUTPUT_JSON:
        return append_json(file, transcript, load_ms, out);
    case VA_OUTPUT_SRT:
        return va_transcript_srt(out, transcript);
    case VA_OUTPUT_VTT:
        return va_transcript_vtt(out, transcript);
    case VA_OUTPUT_VERBOSE_JSON:
        return append_verbose_json(transcript, out);
    }
    return VA_EINVAL;
}
