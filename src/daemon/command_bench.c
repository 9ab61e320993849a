/* voice-assistant bench [FILE]...: how fast this machine transcribes. */
#include "daemon/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "assistant/assistant.h"
#include "audio/decode.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/pool.h"
#include "daemon/arguments.h"
#include "daemon/median.h"
#include "daemon/setup.h"
#include "server/process.h"
#include "speech/speech.h"

#define MAX_ROUNDS 1000
#define MAX_OUTPUT_BYTES ((size_t)64 << 20)
#define BYTES_PER_MB 1048576.0

/* What is said where no recording is given: as short as a command, and as long as something dictated. */
#define SPOKEN_LANGUAGE "en"
static const char *const sentences[] = {
    "Please make it a little warmer in here.",
    "We walked along the river until it grew dark, and on the way home we talked about the old house, the garden behind it, and what our "
    "neighbours had planted there in spring.",
};

#define N_SENTENCES (sizeof sentences / sizeof sentences[0])

enum figure { MEL_MS, ENCODE_MS, DECODE_MS, TOTAL_MS, CPU_MS, N_FIGURES };

struct clip {
    const char *name;         /* the file, or the sentence */
    float *pcm;               /* [n_samples] of a sentence; NULL: a file, which is read each time */
    size_t n_samples;         /* at 16 kHz */
    double audio_s;           /* how long it is */
    double *times[N_FIGURES]; /* [rounds] each */
    double median[N_FIGURES];
};

struct bench {
    int rounds, json;
    struct va_overrides overrides;
    va_config *config;
    char *model_path;
    va_model *model;
    va_context *context;
    int threads;
    struct clip *clips; /* [n_clips] */
    size_t n_clips;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant bench [OPTION]... [FILE]...\n\n"
          "Measures how fast this machine transcribes, with the engine and the options of the service. Each FILE is a recording as for\n"
          "'transcribe'; without one, speech.command says two English sentences. Every recording is transcribed once unmeasured, then\n"
          "once in each round. Printed are medians: milliseconds of each step and of the whole, how many times faster that is than it was\n"
          "spoken, and seconds of processor time for a second of audio.\n\n"
          "  --model NAME             prepared model or a path to one (model.name)\n"
          "  --threads N              threads to use (model.threads; 0: one per core)\n"
          "  --rounds N               1 to 1000 (default: 5)\n"
          "  --json                   print the figures as JSON\n" VA_ARGUMENTS_HELP
          "\nExit code: 0 when all was measured, 1 when not, 2 when the command line is wrong.\n",
          out);
}

/* ---- the speech ---- */

static int make_clips(struct bench *bench, size_t n, va_error *error)
{
    bench->clips = va_calloc(n, sizeof *bench->clips);
    if (bench->clips == NULL)
        return va_fail_memory(error);
    bench->n_clips = n;
    for (size_t i = 0; i < n; i++)
        for (int f = 0; f < N_FIGURES; f++)
            if ((bench->clips[i].times[f] = va_alloc((size_t)bench->rounds, sizeof(double))) == NULL)
                return va_fail_memory(error);
    return 0;
}

static int say(va_speaker *speaker, const char *text, struct clip *clip, va_error *error)
{
    const struct va_utterance utterance = {.text = text, .language = SPOKEN_LANGUAGE};
    int16_t *samples;
    int r = va_speaker_render(speaker, &utterance, -1, &samples, &clip->n_samples, error);

    if (r < 0)
        return r;
    clip->name = text;
    clip->pcm = va_alloc(clip->n_samples, sizeof *clip->pcm);
    for (size_t i = 0; clip->pcm != NULL && i < clip->n_samples; i++)
        clip->pcm[i] = (float)samples[i] / 32768.0f;
    va_free(samples);
    return clip->pcm == NULL ? va_fail_memory(error) : 0;
}

static int say_sentences(struct bench *bench, va_error *error)
{
    const struct va_speaker_options options = va_assistant_speaker_options(bench->config);
    va_speaker *speaker = NULL;
    va_error reason;
    int r = va_speaker_new(&options, &speaker, &reason);

    for (size_t i = 0; r == 0 && i < N_SENTENCES; i++)
        r = say(speaker, sentences[i], &bench->clips[i], &reason);
    va_speaker_free(speaker);
    return r == 0 ? 0 : va_fail(error, r, "%s; or give a recording: voice-assistant bench FILE", reason.text);
}

static int open_bench(struct bench *bench, char **files, size_t n_files, va_error *error)
{
    int r = va_setup_model(bench->config, &bench->model, &bench->model_path, error);

    bench->threads = bench->config->model_threads > 0 ? (int)bench->config->model_threads : va_pool_share(1);
    if (r == 0)
        r = va_context_new(bench->model, bench->threads, &bench->context, error);
    if (r == 0)
        r = make_clips(bench, n_files > 0 ? n_files : N_SENTENCES, error);
    for (size_t i = 0; r == 0 && i < n_files; i++)
        bench->clips[i].name = files[i];
    return r == 0 && n_files == 0 ? say_sentences(bench, error) : r;
}

static void close_bench(struct bench *bench)
{
    for (size_t i = 0; i < bench->n_clips; i++) {
        va_free(bench->clips[i].pcm);
        for (int f = 0; f < N_FIGURES; f++)
            va_free(bench->clips[i].times[f]);
    }
    va_free(bench->clips);
    va_context_free(bench->context);
    va_model_free(bench->model);
    va_free(bench->model_path);
    va_config_free(bench->config);
    va_overrides_free(&bench->overrides);
}

/* ---- measuring ---- */

static int transcribe(const struct bench *bench, const struct clip *clip, va_transcript **ret_transcript, va_error *error)
{
    va_transcribe_options options;
    va_audio_decoder *decoder = NULL;

    va_transcribe_options_init(&options);
    options.language = clip->pcm != NULL ? SPOKEN_LANGUAGE : bench->config->model_language;
    options.beam_size = (int)bench->config->model_beam;
    if (clip->pcm != NULL)
        return va_transcribe(bench->context, clip->pcm, clip->n_samples, &options, ret_transcript, error);
    int r = va_audio_decoder_open(clip->name, NULL, &decoder, error);
    if (r < 0)
        return r;
    r = va_transcribe_stream(bench->context, va_audio_decoder_read, decoder, va_audio_decoder_total(decoder), &options, ret_transcript,
                             error);
    if (r < 0 && va_audio_decoder_error(decoder)->code < 0)
        *error = *va_audio_decoder_error(decoder);
    va_audio_decoder_free(decoder);
    return r;
}

/* round 0 is not kept: it finds pages and buffers as they never are again. */
static int measure(const struct bench *bench, struct clip *clip, int round, va_error *error)
{
    va_transcript *transcript = NULL;
    clock_t start = clock();
    int r = transcribe(bench, clip, &transcript, error);

    if (r < 0)
        return r;
    const va_timing *timing = &transcript->timing;
    const double figures[N_FIGURES] = {
        [MEL_MS] = timing->mel_ms,
        [ENCODE_MS] = timing->encode_ms,
        [DECODE_MS] = timing->decode_ms,
        [TOTAL_MS] = timing->total_ms,
        [CPU_MS] = 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC,
    };
    clip->audio_s = transcript->duration_s;
    for (int f = 0; round > 0 && f < N_FIGURES; f++)
        clip->times[f][round - 1] = figures[f];
    va_transcript_free(transcript);
    return clip->audio_s > 0 ? 0 : va_fail(error, VA_EINVAL, "%s: there is no sound in it", clip->name);
}

static int measure_all(const struct bench *bench, va_error *error)
{
    int is_watched = isatty(STDERR_FILENO), r = 0;

    for (int round = 0; r == 0 && round <= bench->rounds; round++)
        for (size_t i = 0; r == 0 && i < bench->n_clips; i++) {
            if (is_watched)
                fprintf(stderr, "\rround %d of %d, recording %zu of %zu ", round, bench->rounds, i + 1, bench->n_clips);
            r = measure(bench, &bench->clips[i], round, error);
        }
    if (is_watched)
        fputs("\r\033[K", stderr);
    for (size_t i = 0; r == 0 && i < bench->n_clips; i++)
        for (int f = 0; f < N_FIGURES; f++)
            bench->clips[i].median[f] = va_median(bench->clips[i].times[f], (size_t)bench->rounds);
    return r;
}

/* ---- the report ---- */

static struct clip sum(const struct bench *bench)
{
    struct clip total = {.name = "total"};

    for (size_t i = 0; i < bench->n_clips; i++) {
        total.audio_s += bench->clips[i].audio_s;
        for (int f = 0; f < N_FIGURES; f++)
            total.median[f] += bench->clips[i].median[f];
    }
    return total;
}

static double times_faster(const struct clip *clip)
{
    return 1e3 * clip->audio_s / clip->median[TOTAL_MS];
}

static double cpu_per_second(const struct clip *clip)
{
    return 1e-3 * clip->median[CPU_MS] / clip->audio_s;
}

static void print_row(const struct clip *clip)
{
    printf("%7.2f %7.1f %11.1f %11.1f %9.1f %13.1f %8.3f  %s\n", clip->audio_s, clip->median[MEL_MS], clip->median[ENCODE_MS],
           clip->median[DECODE_MS], clip->median[TOTAL_MS], times_faster(clip), cpu_per_second(clip), clip->name);
}

static void print_report(const struct bench *bench, const struct clip *total, double peak_bytes)
{
    puts("audio s  mel ms  encoder ms  decoder ms  whole ms  times faster  CPU s/s  recording");
    for (size_t i = 0; i < bench->n_clips; i++)
        print_row(&bench->clips[i]);
    print_row(total);
    printf("model %s, kernels %s, threads: %d, rounds: %d, memory at its peak: %.1f MB\n", bench->config->model_name,
           va_model_kernels(bench->model), bench->threads, bench->rounds, peak_bytes / BYTES_PER_MB);
}

static void add_figures(struct va_json *json, const struct clip *clip)
{
    va_json_number(json, "audio_s", clip->audio_s, 3);
    va_json_number(json, "mel_ms", clip->median[MEL_MS], 2);
    va_json_number(json, "encode_ms", clip->median[ENCODE_MS], 2);
    va_json_number(json, "decode_ms", clip->median[DECODE_MS], 2);
    va_json_number(json, "total_ms", clip->median[TOTAL_MS], 2);
    va_json_number(json, "times_faster", times_faster(clip), 2);
    va_json_number(json, "cpu_s_per_audio_s", cpu_per_second(clip), 4);
    va_json_close(json, '}');
}

static int print_json(const struct bench *bench, const struct clip *total, double peak_bytes, va_error *error)
{
    struct va_buffer out;
    struct va_json json = {.out = &out};

    va_buffer_init(&out, MAX_OUTPUT_BYTES);
    va_json_open(&json, NULL, '{');
    va_json_text(&json, "model", bench->config->model_name);
    va_json_text(&json, "kernels", va_model_kernels(bench->model));
    va_json_integer(&json, "threads", bench->threads);
    va_json_integer(&json, "rounds", bench->rounds);
    va_json_number(&json, "peak_resident_bytes", peak_bytes, 0);
    va_json_open(&json, "recordings", '[');
    for (size_t i = 0; i < bench->n_clips; i++) {
        va_json_open(&json, NULL, '{');
        va_json_text(&json, "recording", bench->clips[i].name);
        add_figures(&json, &bench->clips[i]);
    }
    va_json_close(&json, ']');
    va_json_open(&json, "total", '{');
    add_figures(&json, total);
    va_json_close(&json, '}');
    int r = json.error < 0 ? json.error : va_buffer_append(&out, "\n", 1);
    if (r < 0)
        r = va_fail(error, r, "cannot print the figures: %s", va_status_text(r));
    else if (va_buffer_print(&out) < 0)
        r = va_fail_errno(error, "cannot write to standard output");
    va_buffer_free(&out);
    return r;
}

static int report(const struct bench *bench, va_error *error)
{
    const struct clip total = sum(bench);
    struct va_process_numbers process;

    va_process_read(&process);
    if (bench->json)
        return print_json(bench, &total, process.peak_resident, error);
    print_report(bench, &total, process.peak_resident);
    return 0;
}

/* ---- the command line ---- */

static int usage(const char *what)
{
    fprintf(stderr, "voice-assistant bench: %s; see --help\n", what);
    return VA_EXIT_USAGE;
}

static int parse_rounds(const char *text, int *ret_rounds)
{
    char *end;
    long rounds = strtol(text, &end, 10);

    if (end == text || *end != '\0' || rounds < 1 || rounds > MAX_ROUNDS)
        return VA_EINVAL;
    *ret_rounds = (int)rounds;
    return 0;
}

/* Returns -1 to go on, or an exit code. */
static int parse_arguments(struct bench *bench, int argc, char **argv)
{
    const char *rounds = NULL;
    const struct va_argument rows[] = {{"model", .option = "model.name"},
                                       {"threads", .option = "model.threads"},
                                       {"rounds", .text = &rounds},
                                       {"json", .flag = &bench->json}};
    int code = va_arguments_read(argc, argv, rows, sizeof rows / sizeof rows[0], &bench->overrides, print_help);

    if (code >= 0)
        return code;
    if (rounds != NULL && parse_rounds(rounds, &bench->rounds) < 0)
        return usage("--rounds is 1 to 1000");
    for (int i = optind; i < argc; i++)
        if (strcmp(argv[i], "-") == 0)
            return usage("a recording is read again in each round, which standard input cannot be");
    return -1;
}

int va_command_bench(int argc, char **argv)
{
    struct bench bench = {.rounds = 5};
    va_error error;
    int code = parse_arguments(&bench, argc, argv);

    if (code < 0) {
        int r = va_overrides_load(&bench.overrides, &bench.config, &error);
        code = r == 0 ? VA_EXIT_OK : r == VA_EINVAL ? VA_EXIT_USAGE : VA_EXIT_FAILED;
        if (r == 0 && ((r = open_bench(&bench, argv + optind, (size_t)(argc - optind), &error)) < 0 ||
                       (r = measure_all(&bench, &error)) < 0 || (r = report(&bench, &error)) < 0))
            code = VA_EXIT_FAILED;
        if (r < 0)
            fprintf(stderr, "voice-assistant bench: %s\n", error.text);
    }
    close_bench(&bench);
    return code;
}
