/* transcript_openai.h - a transcript in the JSON that OpenAI's clients read: the one form of the program's output and of the HTTP API. */
#ifndef VA_ASSISTANT_TRANSCRIPT_OPENAI_H
#define VA_ASSISTANT_TRANSCRIPT_OPENAI_H

#include "base/json.h"

struct va_openai_detail {
    int translate; /* the task was translation */
    int segments, words;
    const va_model *logprobs; /* the model whose tokens they are; NULL: without */
};

/* Each writes members into the object that is open. {text, logprobs, usage} */
void va_transcript_openai(struct va_json *json, const va_transcript *transcript, const struct va_openai_detail *detail);
/* [{token, logprob, bytes}, ...]; nothing where they are not asked for. */
void va_transcript_openai_logprobs(struct va_json *json, const va_transcript *transcript, const struct va_openai_detail *detail);
/* Their "verbose_json": task, language (by name), duration, text, segments, words, usage. */
void va_transcript_openai_verbose(struct va_json *json, const va_transcript *transcript, const struct va_openai_detail *detail);
/* {type, seconds} */
void va_transcript_openai_usage(struct va_json *json, const va_transcript *transcript);

#endif
