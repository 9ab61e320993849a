#include "assistant/transcript_text.h"

#include <math.h>
#include <string.h>

enum subtitles { SRT, VTT };

int va_transcript_text(struct va_buffer *out, const va_transcript *transcript)
{
    return va_buffer_printf(out, "%s\n", transcript->text);
}

/* 01:02:03,450 (SRT) or 01:02:03.450 (WebVTT) */
static int append_time(struct va_buffer *out, enum subtitles kind, double s)
{
    long ms = lround(s * 1000.0);

    return va_buffer_printf(out, "%02ld:%02ld:%02ld%c%03ld", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, kind == SRT ? ',' : '.',
                            ms % 1000);
}

/* Of one line, without what a player would take for its own signs. */
static int append_line(struct va_buffer *out, enum subtitles kind, const char *text)
{
    int r = 0;

    for (; r == 0 && *text != '\0'; text++) {
        size_t plain = strcspn(text, "<&\r\n-");
        if ((r = va_buffer_append(out, text, plain)) < 0)
            return r;
        text += plain;
        if (*text == '\0')
            break;
        if (strncmp(text, "-->", 3) == 0)
            text++; /* "->" */
        if (*text == '\r' || *text == '\n')
            r = va_buffer_append(out, " ", 1);
        else if (kind == VTT && *text != '-')
            r = va_buffer_append_string(out, *text == '<' ? "&lt;" : "&amp;");
        else
            r = va_buffer_append(out, text, 1);
    }
    return r;
}

static int append_cue(struct va_buffer *out, enum subtitles kind, const va_segment *segment)
{
    int r = append_time(out, kind, segment->start_s);

    if (r == 0)
        r = va_buffer_append_string(out, " --> ");
    if (r == 0)
        r = append_time(out, kind, segment->end_s);
    if (r == 0)
        r = va_buffer_append(out, "\n", 1);
    if (r == 0)
        r = append_line(out, kind, segment->text);
    return r < 0 ? r : va_buffer_append(out, "\n\n", 2);
}

int va_transcript_srt(struct va_buffer *out, const va_transcript *transcript)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < transcript->n_segments; i++) {
        r = va_buffer_printf(out, "%zu\n", i + 1);
        if (r == 0)
            r = append_cue(out, SRT, &transcript->segments[i]);
    }
    return r;
}

int va_transcript_vtt(struct va_buffer *out, const va_transcript *transcript)
{
    int r = va_buffer_append_string(out, "WEBVTT\n\n");

    for (size_t i = 0; r == 0 && i < transcript->n_segments; i++)
        r = append_cue(out, VTT, &transcript->segments[i]);
    return r;
}
