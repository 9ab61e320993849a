/* internal.h - what the files of src/speech share. */
#ifndef VA_SPEECH_INTERNAL_H
#define VA_SPEECH_INTERNAL_H

#include "speech/speech.h"

/* ---- sound: 16 kHz mono, signed 16 bits: what voices need, and the one form that the decoder gives ---- */

#define VA_SPEECH_MAX_SAMPLES ((size_t)VA_SPEECH_MAX_SECONDS * VA_SAMPLE_RATE_HZ)

struct va_sound {
    int16_t *pcm; /* [n] */
    size_t n;
};

/* A WAV file (any rate, channels and width; a length in the header that is not true) in fd, which is taken over. name is for messages.
 * VA_EFORMAT: not one, or it holds no sound. VA_ELIMIT: longer than VA_SPEECH_MAX_SECONDS. */
VA_MUST_CHECK int va_sound_read(int fd, const char *name, struct va_sound *ret_sound, va_error *error);
/* Replaces the file, which others cannot read. */
VA_MUST_CHECK int va_sound_write(const struct va_sound *sound, const char *path, va_error *error);
void va_sound_free(struct va_sound *sound);

/* ---- the command ---- */

#define VA_SPEECH_MAX_ARGUMENTS 64

struct va_arguments {
    char *storage;
    char *words[VA_SPEECH_MAX_ARGUMENTS]; /* [n] in storage or, of filled ones, each on the heap */
    size_t n;
};

/* Splits at blanks; "..." and '...' keep them in. VA_EINVAL: empty, a quote without its end, too many words. */
VA_MUST_CHECK int va_arguments_split(const char *line, struct va_arguments *ret_arguments, va_error *error);

struct va_voice {
    const char *language, *voice;
    int rate;
};

/* A copy with {voice}, {language} and {rate} replaced. */
VA_MUST_CHECK int va_arguments_fill(const struct va_arguments *arguments, const struct va_voice *voice, struct va_arguments *ret_filled);
void va_arguments_free(struct va_arguments *arguments);

/* A name that cannot become an option or a path upwards. */
int va_voice_is_sound(const char *name);

/* ---- synthesis ---- */

struct va_synthesis {
    const struct va_arguments *arguments; /* filled; the first is an absolute path */
    const char *text;
    double timeout_s;
    va_speech_run_fn run; /* or NULL */
    void *user;
    int stop_fd; /* readable: give up, VA_ECANCELLED */
};
VA_MUST_CHECK int va_speech_synthesise(const struct va_synthesis *synthesis, struct va_sound *ret_sound, va_error *error);

/* ---- cache: a file a text, named by a hash; one thread ---- */

#define VA_SPEECH_KEY_BYTES 65

VA_MUST_CHECK int va_speech_cache_key(const struct va_arguments *arguments, const char *text, char ret_key[VA_SPEECH_KEY_BYTES],
                                      va_error *error);
/* VA_ENOTFOUND: not there, or damaged and removed. */
VA_MUST_CHECK int va_speech_cache_get(const char *folder, const char *key, struct va_sound *ret_sound);
/* Then removes the least recently used while all are more than max_bytes. */
VA_MUST_CHECK int va_speech_cache_put(const char *folder, uint64_t max_bytes, const char *key, const struct va_sound *sound,
                                      va_error *error);

#endif
