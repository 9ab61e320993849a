/* transcript_output.h - a transcript as text, JSON (ours and OpenAI's), SRT or WebVTT. */
#ifndef VA_DAEMON_TRANSCRIPT_OUTPUT_H
#define VA_DAEMON_TRANSCRIPT_OUTPUT_H

#include "base/buffer.h"

enum va_output_format { VA_OUTPUT_TEXT, VA_OUTPUT_JSON, VA_OUTPUT_SRT, VA_OUTPUT_VTT, VA_OUTPUT_VERBOSE_JSON };

/* "text", "json", "srt", "vtt", "verbose_json". VA_EINVAL otherwise. */
VA_MUST_CHECK int va_output_format_parse(const char *name, enum va_output_format *ret_format);

/* Appends the transcript of `file` to out. JSON: one object on one line. load_ms: what opening the model took. */
VA_MUST_CHECK int va_output_transcript(enum va_output_format format, const char *file, const va_transcript *transcript, double load_ms,
                                       struct va_buffer *out);

#endif
