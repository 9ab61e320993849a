/* transcript_text.h - a transcript as text and as subtitles: the one form of the program's output and of the HTTP API. Any thread. */
#ifndef VA_ASSISTANT_TRANSCRIPT_TEXT_H
#define VA_ASSISTANT_TRANSCRIPT_TEXT_H

#include "base/buffer.h"

/* Each appends to out. VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_transcript_text(struct va_buffer *out, const va_transcript *transcript); /* and the end of the line */
VA_MUST_CHECK int va_transcript_srt(struct va_buffer *out, const va_transcript *transcript);
VA_MUST_CHECK int va_transcript_vtt(struct va_buffer *out, const va_transcript *transcript);

#endif
