/* wake_samples.h - spoken samples of a word, from files or from the microphone. */
#ifndef VA_DAEMON_WAKE_SAMPLES_H
#define VA_DAEMON_WAKE_SAMPLES_H

#include "vad/silero.h"
#include "word/word.h"

struct va_wake_samples {
    struct va_word_sample samples[VA_WORD_MAX_SAMPLES]; /* [n] */
    size_t n;
    float *pcm[VA_WORD_MAX_SAMPLES]; /* what is to be freed */
};

void va_wake_samples_free(struct va_wake_samples *samples);

/* A file of at most max_seconds, whole: va_free *ret_pcm. */
VA_MUST_CHECK int va_wake_read_file(const char *path, double max_seconds, float **ret_pcm, size_t *ret_n, va_error *error);

/* One sample a file. VA_ELIMIT: too many files. The samples are empty before, and fit for va_wake_samples_free after a failure. */
VA_MUST_CHECK int va_wake_samples_from_files(char **paths, size_t n, struct va_wake_samples *ret_samples, va_error *error);

/* Asks on stderr, listens to the source (audio/source.h) and takes the next n utterances, for a minute and a half at most: then fewer. */
VA_MUST_CHECK int va_wake_samples_from_source(const char *source, const va_vad_model *vad, const struct va_kernels *kernels, size_t n,
                                              struct va_wake_samples *ret_samples, va_error *error);

#endif
