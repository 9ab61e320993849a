/* own_voice.h - what the listener may do with the microphone while the program itself is heard, and whether it woke by its own voice.
 *
 * Half-duplex is the base: where the own voice is not taken out (dsp/echo.h), nothing is listened to. Where it is, wake and stop words are
 * heard. Pure; one thread.
 *
 * The listener, for each piece of the stream, of n samples:
 *     va_echo_process(echo, pcm, n, captured_ns);
 *     va_echo_get_status(echo, &status);
 *     hearing = va_own_voice_step(&voice, n, is_speaking, &status);
 *     VA_HEAR_ALL: everything; VA_HEAR_WAKE_ONLY: pcm to the wake detector and not to the ear; VA_DEAF: to neither. After VA_DEAF the
 *     detector begins anew: what it heard before is the own voice.
 * and before it acts on an event of the wake detector: va_own_voice_is_own(&voice) says whether nobody but the program spoke.
 *
 * As that answer is strict, the detector's threshold may be 0.2 lower while own sound is heard: words are harder to make out then.
 *
 * The answer comes from the levels and costs nothing: a word that the reply said itself is hardly louder than what the canceller leaves,
 * and one that a person said over it is. A second instance of the wake detector on va_echo_reference (with some noise added, as a room has)
 * may be run besides while own sound is heard; when it passes half its usual threshold, call va_own_voice_said. */
#ifndef VA_DSP_OWN_VOICE_H
#define VA_DSP_OWN_VOICE_H

#include "dsp/echo.h"

enum va_hearing { VA_HEAR_ALL, VA_HEAR_WAKE_ONLY, VA_DEAF };

enum va_while_speaking {
    VA_WHILE_SPEAKING_STOP_WORD, /* wake and stop words, where the own voice is taken out */
    VA_WHILE_SPEAKING_NOTHING,
    VA_WHILE_SPEAKING_ALL /* everything, where it is */
};

struct va_own_voice_options {
    enum va_while_speaking while_speaking;
    int after_ms;       /* own sound counts as heard so much longer, 0 .. 10000: for a room that answers long */
    float own_db;       /* an event is the own voice's when the samples became softer by so much in the half second before it */
    int said_before_ms; /* ... or when the word was in the reference so shortly before, 0 .. 10000 */
};

#define VA_OWN_VOICE_DEFAULTS                      \
    {                                              \
        VA_WHILE_SPEAKING_STOP_WORD, 200, 10, 1000 \
    }

struct va_own_voice {
    struct va_own_voice_options options;
    uint64_t after; /* samples for which it still counts as heard */
    uint64_t said;  /* samples for which a word of the reference still counts */
    enum va_hearing hearing;
    float reduction_db; /* of the last step; 0 while nothing own is heard */
};

/* VA_EINVAL: an option out of its range. Everything is heard then. */
VA_MUST_CHECK int va_own_voice_init(struct va_own_voice *voice, const struct va_own_voice_options *options, va_error *error);

/* n samples were processed. is_speaking: the program knows that it speaks, however it does so; echo: NULL without a canceller. */
enum va_hearing va_own_voice_step(struct va_own_voice *voice, size_t n, int is_speaking, const struct va_echo_status *echo);

/* The word was in what was played and is heard in the samples of the last step. */
void va_own_voice_said(struct va_own_voice *voice);

/* 1: an event that comes with the samples of the last step is not a person's. */
int va_own_voice_is_own(const struct va_own_voice *voice);

/* 1: the samples of the last step may hold the own voice, whatever is heard of them. */
int va_own_voice_is_heard(const struct va_own_voice *voice);

#endif
