/* support.h - a speaker with the stand-in for a synthesiser, and what it tells. */
#ifndef VA_TESTS_SPEECH_SUPPORT_H
#define VA_TESTS_SPEECH_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "speech/internal.h"
#include "temporary.h"

#define WAIT_S 60
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct told {
    _Atomic int started, ended, failed;
    va_error error;
};

static inline void on_event(void *user, enum va_speech_event event, const va_error *error)
{
    struct told *told = user;

    if (event == VA_SPEECH_FAILED)
        told->error = *error;
    atomic_fetch_add(event == VA_SPEECH_STARTED ? &told->started : event == VA_SPEECH_ENDED ? &told->ended : &told->failed, 1);
}

/* mode: what stands behind the name of the stand-in. */
static inline struct va_speaker_options options_for(const char *mode, char command[512], struct told *told)
{
    snprintf(command, 512, "\"%s\" %s", VA_SYNTHESISER, mode);
    return (struct va_speaker_options){.command = command,
                                       .voice = "",
                                       .language = "xx",
                                       .rate = 170,
                                       .timeout_s = WAIT_S,
                                       .device = "null",
                                       .output = "",
                                       .on_event = told != NULL ? on_event : NULL,
                                       .user = told};
}

static inline va_speaker *new_speaker(const struct va_speaker_options *options)
{
    va_speaker *speaker = NULL;
    va_error error;

    if (va_speaker_new(options, &speaker, &error) < 0)
        fail_msg("%s", error.text);
    return speaker;
}

static inline void say(va_speaker *speaker, const char *text, int fixed)
{
    const struct va_utterance utterance = {.text = text, .fixed = fixed};
    va_error error;

    if (va_speaker_say(speaker, &utterance, &error) < 0)
        fail_msg("%s", error.text);
}

/* Waits until the program runs. */
static inline void wait_for_program(va_speaker *speaker)
{
    struct va_speaker_status status = {0};

    for (int i = 0; i < 20000 && status.programs == 0; i++) {
        usleep(1000);
        va_speaker_get_status(speaker, &status);
    }
    assert_int_equal(status.programs, 1);
}

#endif
