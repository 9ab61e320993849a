/* word.h - is this word said here? A few seconds of speech, judged by what Whisper makes of them.
 *
 *     span -> encoder -> rows -> nearest to the enrolled samples (dynamic time warping) -> where the word would be
 *                             -> cut there, encoder, decoder -> how much likelier its writing is than it is in noise
 *
 * A word is enrolled from a few spoken samples, without training: what is kept of a sample are the encoder's rows of its speech, and how
 * the decoder may write it down, with all that is likely for several of the samples. Or it is made from its text alone: then only the
 * writing is judged. Both pieces of evidence are log-odds on a scale that is the same for all words (judge.c), and are added.
 *
 * Which spans to give. The word may stand anywhere in a span, with anything before and behind it; it must be whole, and have some 0.2 s
 * behind it:
 *   - when an utterance has begun: from its start on, as soon as there are va_word_span_samples() of it, or it pauses;
 *   - while speech goes on: the last va_word_span_samples() + 1 s, every second (va_word_judge_utterance does both);
 *   - to verify a smaller network that has found a word: the last va_word_span_samples() up to 0.2 s behind what it found. */
#ifndef VA_WORD_WORD_H
#define VA_WORD_WORD_H

#include "vad/silero.h"
#include "whisper/context.h"

enum {
    VA_WORD_MIN_SAMPLES = 3,  /* that enrol a word */
    VA_WORD_MAX_SAMPLES = 10, /* may be given */
    VA_WORD_MAX_TEXT = 63,    /* bytes of a word that is given as text */
    VA_WORD_MAX_SPAN = 6 * VA_SAMPLE_RATE_HZ,
    VA_WORD_LONGEST = 2 * VA_SAMPLE_RATE_HZ, /* of a word */
    VA_WORD_SHORTEST = VA_SAMPLE_RATE_HZ / 5
};

/* Immutable: any thread. For one model: its numbers mean nothing to another, which must outlive it. */
typedef struct va_word_model va_word_model;

enum va_word_sample_state {
    VA_WORD_SAMPLE_USED,
    VA_WORD_SAMPLE_SILENT, /* no speech was found in it */
    VA_WORD_SAMPLE_SHORT,  /* less speech than VA_WORD_SHORTEST */
    VA_WORD_SAMPLE_LONG,   /* more than VA_WORD_LONGEST */
    VA_WORD_SAMPLE_UNLIKE  /* it sounds different from the others */
};

struct va_word_sample {
    const float *pcm; /* [n] 16 kHz: the word once, with or without quiet around it, at most 30 s */
    size_t n;
};

/* From samples [n], n = VA_WORD_MIN_SAMPLES .. VA_WORD_MAX_SAMPLES. language: what the word is to be written in, such as "en"; NULL or
 * "auto": English. ret_states [n] are set in any case. VA_EINVAL (n, language; fewer than VA_WORD_MIN_SAMPLES of them can be used: says
 * why), VA_ENOMEM. */
VA_MUST_CHECK int va_word_enrol(va_context *context, const va_vad_model *vad, const struct va_word_sample *samples, size_t n,
                                const char *language, enum va_word_sample_state *ret_states, va_word_model **ret_word, va_error *error);

/* From its text, as it is written in the middle of a sentence. VA_EINVAL (empty, too long, language), VA_ENOMEM. */
VA_MUST_CHECK int va_word_from_text(va_context *context, const char *text, const char *language, va_word_model **ret_word, va_error *error);
void va_word_free(va_word_model *word);

/* A container (nn/container.h) that only its owner may read: it holds what a voice sounded like. VA_EIO, VA_ENOMEM. */
VA_MUST_CHECK int va_word_save(const va_word_model *word, const char *path, va_error *error);

/* VA_ENOTFOUND, VA_EFORMAT (damaged), VA_EUNSUPPORTED (of another model: enrol it again), VA_EIO, VA_ENOMEM. */
VA_MUST_CHECK int va_word_load(const va_model *model, const char *path, va_word_model **ret_word, va_error *error);

/* How it is most likely written. Lives as long as the word. */
const char *va_word_text(const va_word_model *word);
size_t va_word_span_samples(const va_word_model *word);

struct va_word_score {
    float score;        /* 0..1: how sure it is that the word is there; 0.5 is as good a limit as any word needs (va_word_is_said) */
    size_t end_samples; /* about where it ends, from the span's beginning; the span's end when that is not known */
};

/* Judges words [n_words], all of the context's model, on the same pcm [n], n <= VA_WORD_MAX_SPAN, encoded once: ret_scores [n_words].
 * VA_EINVAL, VA_ENOMEM. */
VA_MUST_CHECK int va_word_judge(va_context *context, const va_word_model *const *words, size_t n_words, const float *pcm, size_t n,
                                struct va_word_score *ret_scores, va_error *error);

/* The same for a whole utterance of any length, as word.h says which spans to give: the best score of each word. */
VA_MUST_CHECK int va_word_judge_utterance(va_context *context, const va_word_model *const *words, size_t n_words, const float *pcm,
                                          size_t n, struct va_word_score *ret_scores, va_error *error);

/* sensitivity 0..1: 0.5 is the usual; more finds the word more often, and also where it was not said. */
static inline int va_word_is_said(const struct va_word_score *score, float sensitivity)
{
    return score->score >= 1.0f - sensitivity;
}

#endif
