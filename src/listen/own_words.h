/* own_words.h - listens for words that the user enrolled (word/word.h).
 *
 * Only where somebody speaks: when an utterance has begun and is long enough or pauses, and then once a second while it goes on. One
 * judgement takes some hundredths of a second of the pusher's time. The pusher's thread only. */
#ifndef VA_LISTEN_OWN_WORDS_H
#define VA_LISTEN_OWN_WORDS_H

#include "listen/listener.h"
#include "stream/audio_ring.h"

typedef struct va_own_words va_own_words;

/* A word that was said. */
struct va_listener_woken {
    const struct va_listen_word *word; /* NULL: none */
    float score;
    uint64_t start, end; /* samples */
};

/* For the own words among the options' words. The options must outlive it. VA_ENOMEM. */
VA_MUST_CHECK int va_own_words_new(const struct va_listener_options *options, va_own_words **ret_own, va_error *error);
void va_own_words_free(va_own_words *own);

/* pcm [n] has been pushed; history holds it and what came before, `heard` samples in all. Returns 1 with ret_event when a word was said,
 * 0, or VA_ENOMEM. */
VA_MUST_CHECK int va_own_words_push(va_own_words *own, const float *pcm, size_t n, const struct va_audio_ring *history, uint64_t heard,
                                    struct va_listener_woken *ret_event, va_error *error);

/* Whether a word that its network found is there indeed: judged by its `own`. Returns 1, 0, or VA_ENOMEM. */
VA_MUST_CHECK int va_own_words_verify(va_own_words *own, const struct va_listener_woken *found, const struct va_audio_ring *history,
                                      uint64_t heard, va_error *error);

#endif
