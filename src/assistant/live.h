/* live.h - audio that comes from a client while it is spoken: partial texts, the text, the command in it, what became of that.
 *
 *     va_live_open(assistant, &options, &events, user, &live, &error);
 *     while (... more audio) va_live_push(live, pcm, n, &error);
 *     va_live_finish(live);     ... events.ended comes when everything has been told
 *     va_live_close(live);
 *
 * Each has threads of its own, which give way to the microphone's, and shares the model; the option live.sessions says how many there may
 * be. Their memory does not grow with the audio. In privacy mode nobody is heard: there are none, and those under way end. */
#ifndef VA_ASSISTANT_LIVE_H
#define VA_ASSISTANT_LIVE_H

#include "assistant/assistant.h"

typedef struct va_live va_live;

#define VA_LIVE_MAX_WAITING_S 30 /* of audio that decoding may be behind */
#define VA_LIVE_MAX_S 600        /* of an utterance that no pause ends */

struct va_live_options {
    const char *language; /* NULL: the option model.language */
    const char *source;   /* for the events: "live" (NULL), "wyoming"; lives for ever */
    int commands;         /* 1: led to the commands, and which one it is */
    int execute;          /* 1: the command is carried out, too; with commands */
    int partials;         /* 1: texts while it is spoken */
    int endpoint;         /* 1: a pause ends the utterance, and the next one begins; 0: va_live_finish does, and there is one text */
};

/* From threads of the assistant, one at a time; they must be quick. Any may be NULL. */
struct va_live_events {
    void (*speech)(void *user, int begins, double at_s); /* somebody speaks; does so no longer */
    void (*partial)(void *user, const char *text, size_t n_stable, double heard_s);
    /* Once an utterance: with status 0. The text may be empty. Of several stretches of speech in one text, there are no segments. */
    void (*final)(void *user, const struct va_job_result *result);
    /* With execute, behind a final whose command counts. status below 0: there is no execution, but an error. */
    void (*executed)(void *user, int status, const struct va_execution *execution, const va_error *error);
    void (*room)(void *user); /* after va_live_is_behind: most of what waited has been taken */
    /* Exactly once, last. status 0: all has been told after va_live_finish. VA_EDENIED: privacy mode was switched on. VA_ESTATE: the
     * assistant stops. VA_ELIMIT: an utterance is too long. VA_ENOMEM, VA_EUNSUPPORTED (language). */
    void (*ended)(void *user, int status, const va_error *error);
};

/* Returns at once. VA_EBUSY: there are too many; VA_EDENIED: privacy mode is on; VA_ESTATE: stopping, or the model that finds speech is
 * missing (listen.vad); VA_EINVAL, VA_ENOMEM. */
VA_MUST_CHECK int va_live_open(va_assistant *assistant, const struct va_live_options *options, const struct va_live_events *events,
                               void *user, va_live **ret_live, va_error *error);

/* pcm [n]: 16 kHz mono, -1..1. Does not block. VA_EBUSY: more than VA_LIVE_MAX_WAITING_S would wait, and nothing was taken. VA_ELIMIT:
 * without endpoint, more than VA_LIVE_MAX_S. VA_ESTATE: finished, or it has ended. */
VA_MUST_CHECK int va_live_push(va_live *live, const float *pcm, size_t n, va_error *error);
/* 1: a good part of what may wait does; events.room comes when it is better to go on. */
int va_live_is_behind(va_live *live);

void va_live_finish(va_live *live); /* no more audio */
/* Gives up what is under way, but for commands that are being carried out; no event comes after it returns. Not from within an event.
 * Frees; NULL is fine. */
void va_live_close(va_live *live);

#endif
