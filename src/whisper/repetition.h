/* repetition.h - whether a sequence of tokens has begun to go round in circles. Pure; any thread. */
#ifndef VA_WHISPER_REPETITION_H
#define VA_WHISPER_REPETITION_H

#include <stdint.h>

/* 1 when the end of tokens [n] says the same thing over and over: one token 12 times, or 2 to 16 tokens 5 times. */
int va_is_looping(const int32_t *tokens, int n);

#endif
