/* model.h - a prepared wake word: its network and what its author says of it. Immutable, mapped read-only: any thread. */
#ifndef VA_WAKE_MODEL_H
#define VA_WAKE_MODEL_H

#include "wake/network.h"

typedef struct va_wake_model va_wake_model;

/* VA_ENOTFOUND, VA_EFORMAT (not a prepared wake word, or damaged), VA_ENOMEM. */
VA_MUST_CHECK int va_wake_model_open(const char *path, va_wake_model **ret_model, va_error *error);
void va_wake_model_free(va_wake_model *model);

const char *va_wake_model_word(const va_wake_model *model);      /* as people say it: "Hey Jarvis" */
const char *va_wake_model_languages(const va_wake_model *model); /* "en,nl"; may be empty */
float va_wake_model_cutoff(const va_wake_model *model);          /* the designed threshold of the mean of the last outputs, 0 .. 1 */
int va_wake_model_window(const va_wake_model *model);            /* how many outputs that mean has */
const struct va_wake_network *va_wake_model_network(const va_wake_model *model);

#endif
