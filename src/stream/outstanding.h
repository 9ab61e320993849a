/* outstanding.h - what a stream still has to tell: for who shares its clock, not for the public header. */
#ifndef VA_STREAM_OUTSTANDING_H
#define VA_STREAM_OUTSTANDING_H

#include <voice_assistant.h>

/* 1: an utterance that began at sample `from` or later is under way, or its VA_STREAM_FINAL is still to be told. Any thread. */
int va_stream_is_outstanding(va_stream *stream, uint64_t from);

/* Gives up what is under way: a push that waits and all that come later fail with VA_ECANCELLED, and so does va_stream_finish. Any thread,
 * before va_stream_free. */
void va_stream_cancel(va_stream *stream);

#endif
