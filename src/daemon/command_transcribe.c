/* voice-assistant transcribe FILE...: recordings to text. */
#include "daemon/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/decode.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/pool.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "daemon/transcribe_live.h"

#define MAX_OUTPUT_BYTES ((size_t)256 << 20)
#define PROGRESS_FROM_S 20.0 /* shorter recordings are done before anyone looks */

struct request {
    const char *model, *vad_model, *kernels;
    int threads, raw, quiet, stream, step_ms, timestamps; /* timestamps -1: not given */
    double pace;
    enum va_output_format format;
    va_transcribe_options options;
    va_config *config; /* where the defaults come from */
};

struct progress {
    const char *file;
    double shown; /* percent */
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant transcribe [OPTION]... FILE...\n\n"
          "Transcribes recordings on this device: WAV of any rate and channel count, FLAC, Ogg (Vorbis, Opus), MP3. '-' is standard "
          "input.\n\n"
          "  --model NAME           a prepared model or a path to one (default: model.name of the configuration)\n"
          "  --language CODE|auto   language spoken, such as en or de (default: model.language of the configuration)\n"
          "  --translate            translate to English\n"
          "  --threads N            threads to use (default: one per core)\n"
          "  --beam N               beam size, 1 is greedy (default: model.beam of the configuration)\n"
          "  --timestamps KIND      none, segment or word (default: segment; none for the text format)\n"
          "  --prompt TEXT          text that came before, or words to expect\n"
          "  --condition            give each window's text to the next as its prompt\n"
          "  --no-fallback          temperature 0 only: keep the first decoding even when it is doubtful\n"
          "  --format FORMAT        text, json (one object a line), srt, vtt or\n"
          "                         verbose_json (as OpenAI's clients read it) (default: text)\n"
          "  --raw                  files are headerless: 16-bit little-endian, 16 kHz, one channel\n"
          "  --stream               as somebody speaks: partial texts, and the final one as soon as it is known (text or json).\n"
          "                         '-' with --raw is a live pipe\n"
          "  --pace FACTOR          with --stream, times as fast as spoken; 0: as fast as possible (default: 1)\n"
          "  --step MS              with --stream, a partial text after so much more audio, 100 to 10000; 0: none (default: 300)\n"
          "  --vad NAME             with --stream, the model that finds speech (default: vad)\n"
          "  --kernels NAME         instruction set to use (default: the best of this processor)\n"
          "  --quiet                no progress\n"
          "  -h, --help             print this help\n\n"
          "Exit code: 0 when every file was transcribed, 1 when one could not be, 2 when the command line is wrong.\n",
          out);
}

/* One line that is written over, on a terminal only. */
static int show_progress(void *user, double done_s, double total_s)
{
    struct progress *progress = user;
    if (total_s < PROGRESS_FROM_S)
        return 0;
    double percent = done_s >= total_s ? 100.0 : 100.0 * done_s / total_s;
    if (percent >= progress->shown + 1.0) {
        fprintf(stderr, "\r%s: %3.0f %%", progress->file, percent);
        progress->shown = percent;
    }
    return 0;
}

static int parse_number(const char *text, int min, int max, int *ret_value)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < min || value > max)
        return VA_EINVAL;
    *ret_value = (int)value;
    return 0;
}

static int usage(const char *what, const char *value)
{
    fprintf(stderr, "voice-assistant transcribe: %s '%s'; see --help\n", what, value);
    return VA_EXIT_USAGE;
}

enum {
    OPT_MODEL = 256,
    OPT_LANGUAGE,
    OPT_TRANSLATE,
    OPT_THREADS,
    OPT_BEAM,
    OPT_TIMESTAMPS,
    OPT_PROMPT,
    OPT_CONDITION,
    OPT_NO_FALLBACK,
    OPT_FORMAT,
    OPT_RAW,
    OPT_STREAM,
    OPT_PACE,
    OPT_STEP,
    OPT_VAD,
    OPT_KERNELS,
    OPT_QUIET
};

static const struct option long_options[] = {
    {"model", required_argument, NULL, OPT_MODEL},
    {"language", required_argument, NULL, OPT_LANGUAGE},
    {"translate", no_argument, NULL, OPT_TRANSLATE},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"beam", required_argument, NULL, OPT_BEAM},
    {"timestamps", required_argument, NULL, OPT_TIMESTAMPS},
    {"prompt", required_argument, NULL, OPT_PROMPT},
    {"condition", no_argument, NULL, OPT_CONDITION},
    {"no-fallback", no_argument, NULL, OPT_NO_FALLBACK},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"raw", no_argument, NULL, OPT_RAW},
    {"stream", no_argument, NULL, OPT_STREAM},
    {"pace", required_argument, NULL, OPT_PACE},
    {"step", required_argument, NULL, OPT_STEP},
    {"vad", required_argument, NULL, OPT_VAD},
    {"kernels", required_argument, NULL, OPT_KERNELS},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int parse_timestamps(const char *name, int *ret_kind)
{
    static const char *const names[] = {"none", "segment", "word"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            *ret_kind = i;
            return 0;
        }
    return VA_EINVAL;
}

/* A factor of 0, or from 0.01 to 1000. */
static int parse_pace(const char *text, double *ret_pace)
{
    char *end;
    double pace = strtod(text, &end);
    if (end == text || *end != '\0' || !(pace == 0.0 || (pace >= 0.01 && pace <= 1000.0)))
        return VA_EINVAL;
    *ret_pace = pace;
    return 0;
}

/* VA_EINVAL: wrong value. */
static int set_option(struct request *request, int option, const char *value)
{
    switch (option) {
    case OPT_MODEL:
        request->model = value;
        return 0;
    case OPT_LANGUAGE:
        request->options.language = value;
        return 0;
    case OPT_TRANSLATE:
        request->options.translate = 1;
        return 0;
    case OPT_THREADS:
        return parse_number(value, 1, 64, &request->threads);
    case OPT_BEAM:
        return parse_number(value, 1, 8, &request->options.beam_size);
    case OPT_TIMESTAMPS:
        return parse_timestamps(value, &request->timestamps);
    case OPT_PROMPT:
        request->options.prompt = value;
        return 0;
    case OPT_CONDITION:
        request->options.condition_on_previous_text = 1;
        return 0;
    case OPT_NO_FALLBACK:
        request->options.temperature_fallback = 0;
        return 0;
    case OPT_FORMAT:
        return va_output_format_parse(value, &request->format);
    case OPT_RAW:
        request->raw = 1;
        return 0;
    case OPT_STREAM:
        request->stream = 1;
        return 0;
    case OPT_PACE:
        return parse_pace(value, &request->pace);
    case OPT_STEP:
        return strcmp(value, "0") == 0 ? (request->step_ms = 0) : parse_number(value, 100, 10000, &request->step_ms);
    case OPT_VAD:
        request->vad_model = value;
        return 0;
    case OPT_KERNELS:
        request->kernels = value;
        return 0;
    case OPT_QUIET:
        request->quiet = 1;
        return 0;
    }
    return VA_EINVAL;
}

/* Fills the request; returns -1 to go on, or an exit code. */
static int parse_arguments(int argc, char **argv, struct request *request)
{
    int c;

    while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (c == 'h') {
            print_help(stdout);
            return VA_EXIT_OK;
        }
        if (c == '?')
            return VA_EXIT_USAGE;
        if (set_option(request, c, optarg) < 0)
            return usage("wrong value", optarg);
    }
    if (optind == argc)
        return usage("no file given to", "transcribe");
    if (request->stream && (request->format != VA_OUTPUT_TEXT && request->format != VA_OUTPUT_JSON))
        return usage("only the formats text and json with", "--stream");
    request->options.timestamps = request->timestamps >= 0                               ? request->timestamps
                                  : request->stream || request->format == VA_OUTPUT_TEXT ? VA_TIMESTAMPS_NONE
                                                                                         : VA_TIMESTAMPS_SEGMENT;
    return -1;
}

static int open_model(const struct request *request, va_model **ret_model, va_error *error)
{
    char *path = NULL;
    va_model_options options = {.kernels = request->kernels};

    int r = va_catalog_locate(request->config->model_folder, request->model, &path, error);
    if (r == 0)
        r = va_model_open(path, &options, ret_model, error);
    va_free(path);
    return r;
}

static int open_vad_model(const struct request *request, va_vad_model **ret_model, va_error *error)
{
    char *path = NULL;

    int r = va_catalog_locate(request->config->model_folder, request->vad_model, &path, error);
    if (r == 0)
        r = va_vad_model_open(path, ret_model, error);
    va_free(path);
    return r;
}

static int print_transcript(const struct request *request, const char *file, const va_transcript *transcript, double load_ms,
                            va_error *error)
{
    struct va_buffer out;
    va_buffer_init(&out, MAX_OUTPUT_BYTES);
    int r = va_output_transcript(request->format, file, transcript, load_ms, &out);
    if (r < 0)
        r = va_fail(error, r, "cannot print the transcript: %s", va_status_text(r));
    else if (va_buffer_print(&out) < 0)
        r = va_fail_errno(error, "cannot write to standard output");
    va_buffer_free(&out);
    return r;
}

static int transcribe_file(struct request *request, va_context *context, const char *file, double load_ms, va_error *error)
{
    struct va_decode_options decode = {.raw = request->raw};
    struct progress progress = {.file = file};
    va_audio_decoder *decoder = NULL;
    va_transcript *transcript = NULL;

    int r = va_audio_decoder_open(file, &decode, &decoder, error);
    if (r < 0)
        return r;
    if (!request->quiet && isatty(STDERR_FILENO)) {
        request->options.progress = show_progress;
        request->options.progress_user = &progress;
    }
    r = va_transcribe_stream(context, va_audio_decoder_read, decoder, va_audio_decoder_total(decoder), &request->options, &transcript,
                             error);
    if (progress.shown > 0.0)
        fputs("\r\033[K", stderr);
    if (r < 0 && va_audio_decoder_error(decoder)->code < 0)
        *error = *va_audio_decoder_error(decoder);
    if (r == 0)
        r = print_transcript(request, file, transcript, load_ms, error);
    va_transcript_free(transcript);
    va_audio_decoder_free(decoder);
    return r;
}

static void complain(const va_error *error)
{
    fprintf(stderr, "voice-assistant transcribe: %s\n", error->text);
}

static int run(struct request *request, char **files)
{
    va_model *model = NULL;
    va_context *context = NULL;
    va_error error;
    int failed = 0;

    double start_ms = va_clock_ms();
    int r = open_model(request, &model, &error);
    if (r == 0)
        r = va_context_new(model, request->threads, &context, &error);
    if (r < 0) {
        complain(&error);
        failed = 1;
        goto out;
    }
    double load_ms = va_clock_ms() - start_ms;
    for (; *files != NULL; files++)
        if (transcribe_file(request, context, *files, load_ms, &error) < 0) {
            complain(&error);
            failed = 1;
        }

out:
    va_context_free(context);
    va_model_free(model);
    return failed ? VA_EXIT_FAILED : VA_EXIT_OK;
}

static int run_live(struct request *request, char **files)
{
    va_model *model = NULL;
    va_vad_model *vad_model = NULL;
    va_error error;
    int failed = 0;

    int r = open_model(request, &model, &error);
    if (r == 0)
        r = open_vad_model(request, &vad_model, &error);
    if (r < 0) {
        complain(&error);
        failed = 1;
        goto out;
    }
    struct va_live_options options = {
        .model = model, .vad_model = vad_model, .format = request->format, .pace = request->pace, .raw = request->raw};
    va_stream_options_init(&options.stream);
    options.stream.transcribe = &request->options;
    options.stream.threads = request->threads;
    options.stream.step_ms = request->step_ms;
    for (; *files != NULL; files++)
        if (va_transcribe_live(&options, *files, &error) < 0) {
            complain(&error);
            failed = 1;
        }

out:
    va_vad_model_free(vad_model);
    va_model_free(model);
    return failed ? VA_EXIT_FAILED : VA_EXIT_OK;
}

int va_command_transcribe(int argc, char **argv)
{
    struct request request = {.vad_model = "vad", .step_ms = 300, .pace = 1.0, .timestamps = -1};
    va_error error;

    if (va_config_load(NULL, NULL, 0, &request.config, &error) < 0) {
        fprintf(stderr, "voice-assistant transcribe: %s\n", error.text);
        return VA_EXIT_FAILED;
    }
    request.model = request.config->model_name;
    request.kernels = request.config->model_kernels;
    request.threads = va_pool_share(1);
    va_transcribe_options_init(&request.options);
    request.options.language = request.config->model_language;
    request.options.beam_size = (int)request.config->model_beam;
    int code = parse_arguments(argc, argv, &request);
    if (code < 0)
        code = request.stream ? run_live(&request, argv + optind) : run(&request, argv + optind);
    va_config_free(request.config);
    return code;
}
