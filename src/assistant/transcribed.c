/* transcribed.c - the end of every transcription that has a text, wherever its audio came from: the log's event, and the metrics. */
#include "assistant/state.h"

#include <math.h>

void va_transcribed_tell(va_assistant *assistant, const struct va_transcribed *transcribed)
{
    va_metrics *metrics = assistant->metrics;
    const va_understanding *command = transcribed->command;
    const va_transcript *transcript = transcribed->transcript;
    const struct va_field fields[] = {
        VA_STRING("id", transcribed->id),
        VA_STRING("audio_path", transcribed->audio_path),
        VA_NUMBER("confidence", command != NULL ? (double)command->confidence : (double)transcript->confidence),
        VA_STRING("language", transcript->language),
        VA_NUMBER("duration", transcribed->duration_s),
        VA_NUMBER("elapsed", transcribed->elapsed_s),
        VA_STRING("text", command != NULL ? command->text : transcript->text),
    };

    va_event_tell(assistant, VA_LOG_INFO, "transcription", fields, sizeof fields / sizeof fields[0], 1);
    va_metrics_add(metrics, VA_METRIC_TRANSCRIPTIONS, 0, 1);
    va_metrics_add(metrics, VA_METRIC_TRANSCRIPTIONS_BY_SOURCE, transcribed->source, 1);
    va_metrics_add(metrics, VA_METRIC_AUDIO_SECONDS, 0, transcribed->duration_s);
    if (!isnan(transcribed->elapsed_s))
        va_metrics_observe(metrics, VA_METRIC_TRANSCRIPTION_SECONDS, 0, transcribed->elapsed_s);
}
