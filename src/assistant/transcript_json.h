/* transcript_json.h - a transcript in JSON: the one form of the program's output and of the HTTP API. Any thread. */
#ifndef VA_ASSISTANT_TRANSCRIPT_JSON_H
#define VA_ASSISTANT_TRANSCRIPT_JSON_H

#include "base/json.h"

/* Writes members into the object that is open: text, confidence, language, language_probability, duration, and segments
 * [{id, start, end, text, confidence, avg_logprob, no_speech_prob, compression_ratio, temperature, words}].
 * words [{word, start, end, probability}] only where the segment has some. Times in seconds, to the millisecond. */
void va_transcript_json(struct va_json *json, const va_transcript *transcript);

#endif
