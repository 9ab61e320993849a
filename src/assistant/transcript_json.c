#include "assistant/transcript_json.h"

static void write_words(struct va_json *json, const va_segment *segment)
{
    va_json_open(json, "words", '[');
    for (size_t i = 0; i < segment->n_words; i++) {
        const va_word *word = &segment->words[i];
        va_json_open(json, NULL, '{');
        va_json_text(json, "word", word->text);
        va_json_number(json, "start", word->start_s, 3);
        va_json_number(json, "end", word->end_s, 3);
        va_json_number(json, "probability", word->probability, 4);
        va_json_close(json, '}');
    }
    va_json_close(json, ']');
}

void va_transcript_json(struct va_json *json, const va_transcript *transcript)
{
    va_json_text(json, "text", transcript->text);
    va_json_number(json, "confidence", transcript->confidence, 4);
    va_json_text(json, "language", transcript->language);
    va_json_number(json, "language_probability", transcript->language_probability, 4);
    va_json_number(json, "duration", transcript->duration_s, 3);
    va_json_integer(json, "retried", transcript->n_retried);
    va_json_open(json, "segments", '[');
    for (size_t i = 0; i < transcript->n_segments; i++) {
        const va_segment *segment = &transcript->segments[i];
        va_json_open(json, NULL, '{');
        va_json_integer(json, "id", (int64_t)i);
        va_json_number(json, "start", segment->start_s, 3);
        va_json_number(json, "end", segment->end_s, 3);
        va_json_text(json, "text", segment->text);
        va_json_number(json, "confidence", segment->confidence, 4);
        va_json_number(json, "avg_logprob", segment->avg_logprob, 4);
        va_json_number(json, "no_speech_prob", segment->no_speech_prob, 4);
        va_json_number(json, "compression_ratio", segment->compression_ratio, 4);
        va_json_number(json, "temperature", segment->temperature, 1);
        if (segment->n_words > 0)
            write_words(json, segment);
        va_json_close(json, '}');
    }
    va_json_close(json, ']');
}
