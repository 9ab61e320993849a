/* voice-assistant eval MANIFEST: recordings and what was said in them -> how well commands are understood. */
#include "daemon/command.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "audio/decode.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"
#include "base/pool.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "daemon/arguments.h"
#include "daemon/eval_report.h"
#include "daemon/sources.h"
#include "intent/commands.h"

#define MAX_MANIFEST_BYTES ((size_t)64 << 20)
#define MAX_SECONDS 30.0
#define MAX_COLUMNS 16

struct request {
    struct va_sources sources;
    const char *model, *language, *kernels, *prompt;
    int threads, json, details, unsteered;
    float threshold;
};

struct session {
    const struct request *request;
    va_commands *commands;
    va_model *model;
    va_context *context;
    va_steering *steering;
    struct va_eval_report *report;
    float *pcm; /* [MAX_SECONDS * VA_SAMPLE_RATE_HZ] */
};

/* A line of the manifest; strings in the file's text. */
struct row {
    const char *path, *intent, *slots;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant eval [OPTION]... MANIFEST\n\n"
          "Listens to recordings and compares what is understood with what was said. MANIFEST is a table of columns parted by tabs; its "
          "first line\nnames them: 'path' (from the folder of the manifest), 'intent' (empty: no command, to be rejected) and 'slots_json' "
          "({\"slot\": \"value\"}).\nOther columns are not looked at. Right is a command whose intent and named slots are found; further "
          "slots are no mistake.\n\n"
          "  --commands PATH    folder of command files, or one file (default: option commands.folder); several may be given, and what a\n"
          "                     later one defines replaces what an earlier one does\n"
          "  --language CODE    of the speech and of the commands (default: model.language of the configuration)\n"
          "  --model NAME       a prepared model or a path to one (default: model.name of the configuration)\n"
          "  --threshold T      confidence from which a command is accepted, 0 to 1 (default: commands.confidence)\n"
          "  --prompt TEXT      words to expect instead of those of the commands; '' for none\n"
          "  --unsteered        transcribe freely and match the text: no prompt, no search among the commands\n"
          "  --threads N        threads to use (default: one per core)\n"
          "  --kernels NAME     instruction set to use\n"
          "  --details          also print a JSON object for each recording\n"
          "  --json             print the result as JSON\n"
          "  --config FILE      configuration to take defaults from\n"
          "  -h, --help         print this help\n\n"
          "Exit code: 0 when every recording was looked at, 1 when one could not be, 2 when the command line is wrong.\n",
          out);
}

/* ---- the manifest ---- */

/* Cuts a line at its tabs; returns how many columns. */
static size_t split(char *line, char *columns[MAX_COLUMNS])
{
    size_t n = 0;

    while (n < MAX_COLUMNS) {
        columns[n++] = line;
        char *tab = strchr(line, '\t');
        if (tab == NULL)
            break;
        *tab = '\0';
        line = tab + 1;
    }
    return n;
}

static const char *column(char *const columns[MAX_COLUMNS], size_t n, int index)
{
    return index >= 0 && (size_t)index < n ? columns[index] : "";
}

static int find_column(char *const columns[MAX_COLUMNS], size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(columns[i], name) == 0)
            return (int)i;
    return -1;
}

/* ---- one recording ---- */

static int read_recording(const char *path, float *pcm, size_t capacity, size_t *ret_n, va_error *error)
{
    const struct va_decode_options options = {.max_seconds = MAX_SECONDS};
    va_audio_decoder *decoder = NULL;
    size_t n = 0;
    int r = va_audio_decoder_open(path, &options, &decoder, error);

    while (r == 0 && n < capacity) {
        int64_t got = va_audio_decoder_read(decoder, pcm + n, capacity - n);
        if (got < 0 && error != NULL)
            *error = *va_audio_decoder_error(decoder);
        if (got <= 0) {
            r = (int)got;
            break;
        }
        n += (size_t)got;
    }
    va_audio_decoder_free(decoder);
    if (r == 0)
        *ret_n = n;
    return r;
}

/* Case and blanks at the ends do not matter. */
static int is_same_value(const char *a, const char *b)
{
    size_t n, m;

    a += strspn(a, " ");
    b += strspn(b, " ");
    for (n = strlen(a); n > 0 && a[n - 1] == ' '; n--)
        ;
    for (m = strlen(b); m > 0 && b[m - 1] == ' '; m--)
        ;
    return n == m && strncasecmp(a, b, n) == 0;
}

static int has_slots(const va_intent *intent, const json_t *expected)
{
    for (void *at = json_object_iter((json_t *)expected); at != NULL; at = json_object_iter_next((json_t *)expected, at)) {
        const json_t *value = json_object_iter_value(at);
        char number[40];
        const char *text = json_string_value(value);
        int found = 0;
        if (text == NULL) {
            snprintf(number, sizeof number, "%.10g", json_number_value(value));
            text = number;
        }
        for (size_t i = 0; i < intent->n_slots; i++)
            found |= strcmp(intent->slots[i].name, json_object_iter_key(at)) == 0 && is_same_value(intent->slots[i].value, text);
        if (!found)
            return 0;
    }
    return 1;
}

static json_t *slots_json(const va_intent *intent)
{
    json_t *slots = json_object();

    for (size_t i = 0; intent != NULL && i < intent->n_slots; i++)
        json_object_set_new(slots, intent->slots[i].name, json_string(intent->slots[i].value));
    return slots;
}

static void print_details(const struct row *row, const va_transcript *transcript, const va_understanding *understanding, int right,
                          double time_ms)
{
    const va_intent *intent = understanding->intent;
    json_t *object =
        json_pack("{s:s, s:s, s:b, s:s, s:s?, s:s?, s:o, s:f, s:f, s:f, s:f, s:f, s:f}", "path", row->path, "expected", row->intent,
                  "right", right, "text", transcript->text, "command_text", transcript->command_text, "intent",
                  intent == NULL ? NULL : intent->name, "slots", slots_json(intent), "confidence", (double)understanding->confidence,
                  "text_logprob", (double)transcript->text_logprob, "command_logprob", (double)transcript->command_logprob, "command_loss",
                  (double)transcript->command_loss, "no_speech_prob", (double)transcript->no_speech_prob, "time_ms", time_ms);

    if (object != NULL) {
        json_dumpf(object, stdout, JSON_REAL_PRECISION(5));
        putchar('\n');
        fflush(stdout);
    }
    json_decref(object);
}

static int judge(struct session *session, const struct row *row, const va_transcript *transcript, double time_ms, va_error *error)
{
    va_understanding *understanding = NULL;
    json_t *expected = row->slots[0] == '\0' ? json_object() : json_loads(row->slots, 0, NULL);
    int r = json_is_object(expected) ? 0 : va_fail(error, VA_EFORMAT, "%s: slots_json is no JSON object", row->path);

    if (r == 0)
        r = va_understand(session->steering, transcript, &understanding, error);
    if (r == 0) {
        const va_intent *intent = understanding->intent;
        int right = intent != NULL && strcmp(intent->name, row->intent) == 0 && has_slots(intent, expected);
        struct va_eval_case result = {
            .is_command = row->intent[0] != '\0',
            .is_right = right,
            .confidence = understanding->confidence,
            .time_ms = time_ms,
            .duration_s = transcript->duration_s,
            .expected = row->intent,
            .found = intent == NULL ? "" : intent->name,
        };
        if (session->request->details)
            print_details(row, transcript, understanding, right, time_ms);
        if (va_eval_report_add(session->report, &result) < 0)
            r = va_fail_memory(error);
    }
    va_understanding_free(understanding);
    json_decref(expected);
    return r;
}

static int eval_row(struct session *session, const char *folder, const struct row *row, va_error *error)
{
    const struct request *request = session->request;
    va_transcribe_options options;
    va_transcript *transcript = NULL;
    size_t n = 0;
    char *path = row->path[0] == '/' ? va_strdup(row->path) : va_paths_join(folder, row->path);
    int r = path == NULL ? va_fail_memory(error) : read_recording(path, session->pcm, (size_t)(MAX_SECONDS * VA_SAMPLE_RATE_HZ), &n, error);

    va_free(path);
    if (r < 0)
        return r;
    va_transcribe_options_init(&options);
    options.language = request->language;
    options.timestamps = VA_TIMESTAMPS_NONE;
    options.temperature_fallback = 0;
    if (!request->unsteered) {
        options.steering = session->steering;
        options.prompt = request->prompt != NULL ? request->prompt : va_steering_prompt(session->steering);
    }
    double start_ms = va_clock_ms();
    r = va_transcribe(session->context, session->pcm, n, &options, &transcript, error);
    if (r == 0)
        r = judge(session, row, transcript, va_clock_ms() - start_ms, error);
    va_transcript_free(transcript);
    return r;
}

/* Goes on after a recording that cannot be read. Returns the exit code. */
static int eval_rows(struct session *session, const char *manifest, char *text)
{
    char *columns[MAX_COLUMNS], *folder = va_strdup(manifest), *slash = folder == NULL ? NULL : strrchr(folder, '/'), *save = NULL;
    char *line = strtok_r(text, "\r\n", &save);
    size_t n = line == NULL ? 0 : split(line, columns);
    int path = find_column(columns, n, "path"), intent = find_column(columns, n, "intent"), slots = find_column(columns, n, "slots_json");
    int code = VA_EXIT_OK;
    va_error error;

    if (slash != NULL)
        slash[1] = '\0';
    if (path < 0 || intent < 0) {
        fprintf(stderr, "voice-assistant eval: %s:1: the first line must name the columns 'path' and 'intent', parted by tabs\n", manifest);
        va_free(folder);
        return VA_EXIT_FAILED;
    }
    while ((line = strtok_r(NULL, "\r\n", &save)) != NULL) {
        n = split(line, columns);
        struct row row = {column(columns, n, path), column(columns, n, intent), column(columns, n, slots)};
        if (eval_row(session, slash == NULL ? "." : folder, &row, &error) < 0) {
            fprintf(stderr, "voice-assistant eval: %s: %s\n", row.path, error.text);
            code = VA_EXIT_FAILED;
        }
    }
    va_free(folder);
    return code;
}

/* ---- the whole ---- */

static int open_session(const struct request *request, const va_config *config, struct session *session, va_error *error)
{
    const va_model_options options = {.kernels = request->kernels};
    char *model = NULL;
    int r = va_catalog_locate(config->model_folder, request->model, &model, error);

    if (r == 0)
        r = va_sources_load(&request->sources, (struct va_commands_request){0}, &session->commands, error);
    if (r == 0)
        r = va_model_open(model, &options, &session->model, error);
    if (r == 0)
        r = va_context_new(session->model, request->threads, &session->context, error);
    if (r == 0)
        r = va_steering_new(session->model, session->commands, NULL, &session->steering, error);
    if (r == 0 && (session->pcm = va_alloc((size_t)(MAX_SECONDS * VA_SAMPLE_RATE_HZ), sizeof(float))) == NULL)
        r = va_fail_memory(error);
    if (r == 0 && va_eval_report_new(request->threshold, &session->report) < 0)
        r = va_fail_memory(error);
    va_free(model);
    return r;
}

static void close_session(struct session *session)
{
    va_eval_report_free(session->report);
    va_free(session->pcm);
    va_steering_free(session->steering);
    va_context_free(session->context);
    va_model_free(session->model);
    va_commands_free(session->commands);
}

static int run(const struct request *request, const va_config *config, const char *manifest)
{
    struct session session = {.request = request};
    char *text = NULL;
    size_t size;
    va_error error;
    int code = VA_EXIT_FAILED, r = va_file_read(manifest, MAX_MANIFEST_BYTES, &text, &size, &error);

    if (r == 0)
        r = open_session(request, config, &session, &error);
    if (r == 0)
        code = eval_rows(&session, manifest, text);
    json_t *summary = r < 0 ? NULL : va_eval_report_json(session.report);
    if (r == 0 && summary == NULL)
        r = va_fail_memory(&error);
    if (r < 0) {
        fprintf(stderr, "voice-assistant eval: %s\n", error.text);
        code = VA_EXIT_FAILED;
    }
    if (summary != NULL)
        json_object_set_new(summary, "prompt",
                            json_string(request->prompt != NULL ? request->prompt : va_steering_prompt(session.steering)));
    if (summary != NULL && request->json) {
        json_dumpf(summary, stdout, JSON_REAL_PRECISION(5));
        putchar('\n');
    } else if (summary != NULL) {
        va_eval_report_print(summary, stdout);
    }
    json_decref(summary);
    va_free(text);
    close_session(&session);
    return code;
}

enum {
    OPT_COMMANDS = 256,
    OPT_LANGUAGE,
    OPT_MODEL,
    OPT_THRESHOLD,
    OPT_PROMPT,
    OPT_UNSTEERED,
    OPT_THREADS,
    OPT_KERNELS,
    OPT_DETAILS,
    OPT_JSON
};

static const struct option long_options[] = {
    {"commands", required_argument, NULL, OPT_COMMANDS},
    {"language", required_argument, NULL, OPT_LANGUAGE},
    {"model", required_argument, NULL, OPT_MODEL},
    {"threshold", required_argument, NULL, OPT_THRESHOLD},
    {"prompt", required_argument, NULL, OPT_PROMPT},
    {"unsteered", no_argument, NULL, OPT_UNSTEERED},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"kernels", required_argument, NULL, OPT_KERNELS},
    {"details", no_argument, NULL, OPT_DETAILS},
    {"json", no_argument, NULL, OPT_JSON},
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* VA_EINVAL: wrong value. */
static int set_option(struct request *request, int option, const char *value)
{
    char *end = NULL;

    switch (option) {
    case OPT_COMMANDS:
        return va_sources_add(&request->sources, "eval", value);
    case OPT_LANGUAGE:
        request->language = value;
        return 0;
    case OPT_MODEL:
        request->model = value;
        return 0;
    case OPT_THRESHOLD:
        request->threshold = strtof(value, &end);
        return end != value && *end == '\0' && request->threshold >= 0 && request->threshold <= 1 ? 0 : VA_EINVAL;
    case OPT_PROMPT:
        request->prompt = value;
        return 0;
    case OPT_UNSTEERED:
        request->unsteered = 1;
        return 0;
    case OPT_THREADS:
        request->threads = (int)strtol(value, &end, 10);
        return end != value && *end == '\0' && request->threads >= 1 && request->threads <= 64 ? 0 : VA_EINVAL;
    case OPT_KERNELS:
        request->kernels = value;
        return 0;
    case OPT_DETAILS:
        request->details = 1;
        return 0;
    case 'c':
        request->sources.config = value;
        return 0;
    default: /* OPT_JSON */
        request->json = 1;
        return 0;
    }
}

/* What the command line does not say. */
static void take_defaults(struct request *request, const va_config *config)
{
    if (request->threads == 0)
        request->threads = va_pool_share(1);
    if (request->model == NULL)
        request->model = config->model_name;
    if (request->language == NULL)
        request->language = config->model_language;
    if (request->kernels == NULL)
        request->kernels = config->model_kernels;
    if (request->threshold < 0)
        request->threshold = (float)config->commands_confidence;
    request->sources.language = strcmp(request->language, "auto") == 0 ? NULL : request->language;
}

int va_command_eval(int argc, char **argv)
{
    struct request request = {.threshold = -1};
    va_config *config;
    va_error error;
    int c;

    while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (c == 'h') {
            print_help(stdout);
            return VA_EXIT_OK;
        }
        if (c == '?')
            return VA_EXIT_USAGE;
        if (set_option(&request, c, optarg) < 0) {
            fprintf(stderr, "voice-assistant eval: wrong value '%s'; see --help\n", optarg);
            return VA_EXIT_USAGE;
        }
    }
    const char *manifest = va_arguments_word(argc, argv, "MANIFEST", " behind MANIFEST");
    if (manifest == NULL)
        return VA_EXIT_USAGE;
    if (va_config_load(request.sources.config, NULL, 0, &config, &error) < 0) {
        fprintf(stderr, "voice-assistant eval: %s\n", error.text);
        return VA_EXIT_FAILED;
    }
    take_defaults(&request, config);
    int code = run(&request, config, manifest);
    va_config_free(config);
    return code;
}
