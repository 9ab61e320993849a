/* support.h - a listener over stand-ins for the engine, the ear and the words, and what it tells. */
#ifndef VA_TESTS_LISTEN_SUPPORT_H
#define VA_TESTS_LISTEN_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <unistd.h>

#include <cmocka.h>

#include "../stream/ear_double.h"
#include "base/memory.h"
#include "doubles/doubles.h"
#include "listen/listener.h"
#include "word_double.h"

enum { MS = VA_SAMPLE_RATE_HZ / 1000, PAD = 450 * MS, BEFORE = 200 * MS, MAX_TOLD = 1024 };

extern va_model *model;
extern va_listener *listener;
extern struct va_listen_word words[4]; /* a fetched one, a fetched stop word, an own one, a fetched one that is judged */

struct told {
    _Atomic int n;
    char kinds[MAX_TOLD + 1]; /* WOSPpRHC */
    struct va_listen_event event[MAX_TOLD];
    char text[MAX_TOLD][64];
    char outlook[MAX_TOLD];
    int opens_again;    /* at HEARD */
    _Atomic int slowly; /* 1: HEARD makes it 2, and waits for 3 */
};
extern struct told told;

/* With the first n_words of words. */
struct va_listener_options options_for(enum va_listen_mode mode, size_t n_words);
void begin_with(const struct va_listener_options *options);
void begin(enum va_listen_mode mode, size_t n_words);

/* A script as in ear_double.h. */
void push_as(const char *script, enum va_hearing hear);
void push(const char *script);
/* A chunk of silence, but for sample 100. */
void push_mark(float mark, enum va_hearing hear);

/* All that is told. */
void wait_for(const char *kinds);
int count(char kind);
/* The audio ends, and the listener goes. */
void finish(const char *kinds);

size_t samples(double seconds);
void expect(int i, size_t start, size_t end, size_t speech_end);
/* An opening's chunks are its own. */
void expect_near(double seconds, size_t sample);

int setup_all(void **state);
int teardown_all(void **state);

#endif
