/* transcribe_live.h - `voice-assistant transcribe --stream`: a recording, or a live pipe, as a stream, with its events printed. */
#ifndef VA_DAEMON_TRANSCRIBE_LIVE_H
#define VA_DAEMON_TRANSCRIBE_LIVE_H

#include "daemon/transcript_output.h"

struct va_live_options {
    const va_model *model;
    const va_vad_model *vad_model;
    va_stream_options stream;
    enum va_output_format format; /* text or JSON */
    double pace;                  /* times as fast as it was spoken; 0: as fast as possible */
    int raw;                      /* files are headerless; "-" is a pipe that is read as it fills */
};

/* Prints one line an event: text (partial texts on a terminal in place) or a JSON object. */
VA_MUST_CHECK int va_transcribe_live(const struct va_live_options *options, const char *file, va_error *error);

#endif
