/* bench_word.c - enrols words and looks for them in recordings; for own_word.py, which says what to do.
 *
 *   bench_word MODEL VAD_MODEL [THREADS]
 *
 * Standard input: a line an order, fields with tabs between. Standard output: an answer a line, "error TEXT" when it failed.
 *   enrol FILE...            a word from recordings        -> its number and how it is written
 *   text TEXT                a word from its text          -> the same
 *   forget                   all words
 *   noise FILE DB            from now on mixed to all recordings, so much below their speech; "noise" alone: none
 *   first FILE               the first utterance        -> seconds of speech, processor time, and the best score of each word
 *   all FILE                 all of them                -> the same */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audio/decode.h"
#include "base/memory.h"
#include "vad/ear.h"
#include "word/word.h"

enum { MAX_WORDS = 64, MAX_UTTERANCES = 4096, MAX_FIELDS = VA_WORD_MAX_SAMPLES + 1, RATE = VA_SAMPLE_RATE_HZ };

struct recording {
    float *pcm; /* [n] */
    size_t n;
};

struct bench {
    va_context *context;
    va_vad_model *vad;
    va_word_model *words[MAX_WORDS]; /* [n_words] */
    size_t n_words;
    struct recording noise;
    double noise_db;
    struct va_speech_event utterances[MAX_UTTERANCES];
    int n_utterances;
    float best[MAX_WORDS];
};

static int load(const char *path, struct recording *ret, va_error *error)
{
    va_audio_decoder *decoder;
    size_t capacity = 0, n = 0;
    float *pcm = NULL;
    int64_t got;
    int r = va_audio_decoder_open(path, NULL, &decoder, error);

    if (r < 0)
        return r;
    do {
        if (n == capacity) {
            capacity = 2 * capacity + 30 * RATE;
            float *more = va_realloc(pcm, capacity, sizeof *pcm);
            if (more == NULL)
                return va_fail_memory(error); /* the program ends */
            pcm = more;
        }
        got = va_audio_decoder_read(decoder, pcm + n, capacity - n);
        n += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    if (got < 0)
        r = va_fail(error, (int)got, "%s", va_audio_decoder_error(decoder)->text);
    va_audio_decoder_free(decoder);
    *ret = (struct recording){pcm, n};
    return r;
}

static void note(void *user, const struct va_speech_event *event)
{
    struct bench *bench = user;
    if ((event->kind == VA_SPEECH_END || event->kind == VA_SPEECH_TOO_LONG) && bench->n_utterances < MAX_UTTERANCES)
        bench->utterances[bench->n_utterances++] = *event;
}

static int find_utterances(struct bench *bench, const struct recording *recording, va_error *error)
{
    const struct va_ear_options options = VA_EAR_DEFAULTS;
    va_ear *ear;
    int r = va_ear_new(bench->vad, va_kernels_select(NULL), &options, &ear, error);

    if (r < 0)
        return r;
    bench->n_utterances = 0;
    va_ear_push(ear, recording->pcm, recording->n, note, bench);
    va_ear_finish(ear, note, bench);
    va_ear_free(ear);
    return 0;
}

/* Mean power of the utterances. */
static double speech_power(const struct bench *bench, const struct recording *recording)
{
    double sum = 0.0, count = 1e-9;

    for (int u = 0; u < bench->n_utterances; u++)
        for (uint64_t i = bench->utterances[u].start; i < bench->utterances[u].speech_end && i < recording->n; i++, count += 1.0)
            sum += (double)recording->pcm[i] * (double)recording->pcm[i];
    return sum / count;
}

/* Adds the noise, from a place that the recording's length gives; the utterances stay those of the clean recording. */
static void add_noise(const struct bench *bench, const struct recording *recording)
{
    const struct recording *noise = &bench->noise;
    double power = 1e-12;

    if (noise->n == 0)
        return;
    for (size_t i = 0; i < noise->n; i++)
        power += (double)noise->pcm[i] * (double)noise->pcm[i] / (double)noise->n;
    float gain = (float)sqrt(speech_power(bench, recording) / power * pow(10.0, -bench->noise_db / 10.0));
    size_t at = recording->n * 7919u % noise->n;
    for (size_t i = 0; i < recording->n; i++)
        recording->pcm[i] += gain * noise->pcm[(at + i) % noise->n];
}

/* Keeps the best scores of the utterance from start to end. */
static int judge(struct bench *bench, const struct recording *recording, size_t start, size_t end, va_error *error)
{
    struct va_word_score scores[MAX_WORDS];
    size_t n = end < recording->n ? end : recording->n;
    int r = va_word_judge_utterance(bench->context, (const va_word_model *const *)bench->words, bench->n_words, recording->pcm + start,
                                    n - start, scores, error);

    for (size_t i = 0; r == 0 && i < bench->n_words; i++)
        bench->best[i] = scores[i].score > bench->best[i] ? scores[i].score : bench->best[i];
    return r;
}

static int listen(struct bench *bench, const char *path, int only_first, va_error *error)
{
    struct recording recording;
    struct timespec start, end;
    double speech_s = 0.0;
    int r = load(path, &recording, error);

    if (r < 0)
        return r;
    memset(bench->best, 0, sizeof bench->best);
    if ((r = find_utterances(bench, &recording, error)) < 0)
        return r;
    add_noise(bench, &recording);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (int u = 0; r == 0 && u < bench->n_utterances; u++) {
        size_t from = (size_t)bench->utterances[u].start, to = (size_t)bench->utterances[u].end;
        speech_s += (double)(to - from) / RATE;
        r = judge(bench, &recording, from, to, error);
        if (only_first)
            break;
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    va_free(recording.pcm);
    printf("%.3f\t%.4f", speech_s, (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9);
    for (size_t i = 0; i < bench->n_words; i++)
        printf("\t%.6f", (double)bench->best[i]);
    putchar('\n');
    return r;
}

static int enrol(struct bench *bench, char **fields, int n, va_error *error)
{
    struct va_word_sample samples[VA_WORD_MAX_SAMPLES];
    enum va_word_sample_state states[VA_WORD_MAX_SAMPLES];
    struct recording recordings[VA_WORD_MAX_SAMPLES] = {{0}};
    int r = 0;

    for (int i = 0; i < n && r == 0; i++) {
        r = load(fields[i], &recordings[i], error);
        samples[i] = (struct va_word_sample){recordings[i].pcm, recordings[i].n};
    }
    if (r == 0)
        r = va_word_enrol(bench->context, bench->vad, samples, (size_t)n, "en", states, &bench->words[bench->n_words], error);
    for (int i = 0; i < n; i++)
        va_free(recordings[i].pcm);
    return r;
}

static int carry_out(struct bench *bench, char **fields, int n, va_error *error)
{
    const char *order = fields[0];
    int makes_word = strcmp(order, "enrol") == 0 || strcmp(order, "text") == 0, r = 0;

    if (makes_word && bench->n_words == MAX_WORDS)
        return va_fail(error, VA_ELIMIT, "too many words");
    if (strcmp(order, "enrol") == 0)
        r = enrol(bench, fields + 1, n - 1, error);
    else if (strcmp(order, "text") == 0 && n == 2)
        r = va_word_from_text(bench->context, fields[1], "en", &bench->words[bench->n_words], error);
    else if (n == 2 && (strcmp(order, "first") == 0 || strcmp(order, "all") == 0))
        return listen(bench, fields[1], strcmp(order, "first") == 0, error);
    else if (strcmp(order, "noise") == 0) {
        va_free(bench->noise.pcm);
        bench->noise = (struct recording){0};
        bench->noise_db = n > 2 ? atof(fields[2]) : 0.0;
        if (n > 1)
            r = load(fields[1], &bench->noise, error);
    } else if (strcmp(order, "forget") == 0) {
        while (bench->n_words > 0)
            va_word_free(bench->words[--bench->n_words]);
    } else {
        r = va_fail(error, VA_EINVAL, "unknown order");
    }
    if (r == 0 && makes_word) {
        printf("%zu\t%s\n", bench->n_words, va_word_text(bench->words[bench->n_words]));
        bench->n_words++;
    } else if (r == 0) {
        puts("ok");
    }
    return r;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    char line[16384], *fields[MAX_FIELDS];
    va_model *model;
    va_error error;

    if (argc < 3) {
        fprintf(stderr, "usage: bench_word MODEL VAD_MODEL [THREADS]\n");
        return 2;
    }
    if (va_model_open(argv[1], NULL, &model, &error) < 0 ||
        va_context_new(model, argc > 3 ? atoi(argv[3]) : 1, &bench.context, &error) < 0 ||
        va_vad_model_open(argv[2], &bench.vad, &error) < 0) {
        fprintf(stderr, "bench_word: %s\n", error.text);
        return 1;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        int n = 0;
        line[strcspn(line, "\n")] = '\0';
        for (char *at = line, *field; n < MAX_FIELDS && (field = strsep(&at, "\t")) != NULL;)
            fields[n++] = field;
        if (carry_out(&bench, fields, n, &error) < 0)
            printf("error %s\n", error.text);
        fflush(stdout);
    }
    return 0;
}
