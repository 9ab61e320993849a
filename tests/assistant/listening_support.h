/* listening_support.h - an assistant whose microphone and listener are stand-ins: it hears what the tests say. */
#ifndef VA_TESTS_ASSISTANT_LISTENING_SUPPORT_H
#define VA_TESTS_ASSISTANT_LISTENING_SUPPORT_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "assistant/state.h"
#include "audio/capture.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "config/config.h"
#include "doubles/doubles.h"
#include "intent/commands.h"
#include "listen/listener.h"
#include "temporary.h"

extern char folder[256];
extern va_model *model;
extern va_assistant *assistant;
extern va_metrics *metrics;                  /* the next assistant's; NULL: none */
extern int vad_double;                       /* stands for the model */
extern const struct va_listen_word words[2]; /* a wake word, a stop word */

struct told {
    pthread_mutex_t lock;
    char text[1 << 18]; /* "NAME field=value ...\n" each */
    _Atomic int n;
};
extern struct told told;

/* A va_assistant_event_fn; user is told. */
void note(void *user, const char *name, const struct va_field *fields, size_t n);
int has_told(const char *part);
void expect_told(const char *part); /* sooner or later */
void forget_told(void);

/* mode of listen; extra: another option, or NULL. */
va_config *load_config(const char *mode, const char *extra);
va_commands *load_commands(void);
int make(const char *mode, const char *extra, va_error *error);
void begin(const char *mode, const char *extra);
void end(void);

const char *state_now(void);
void expect_state(const char *state); /* sooner or later */
void expect_hearing(enum va_hearing hearing);

/* No errand is run until they are let go. */
void hold_errands(void);
void let_errands_go(void);

void hear(enum va_listen_event_kind kind);
/* An utterance, and not so soon that it would be taken for what was said aloud just before; command NULL: it is none. */
void say(const char *text, const char *command);

int setup_all(void **state);
int teardown_all(void **state);

#endif
