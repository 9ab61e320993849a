/* voice-assistant demo - the main job on recorded speech: transcript, confidence, command, the action's result, times. */
#include "daemon/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "action/action.h"
#include "audio/decode.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/yaml.h"
#include "catalog/catalog.h"
#include "daemon/arguments.h"
#include "intent/commands.h"

#define MAX_RECORDING_S 600

struct demo {
    va_model *model;
    va_context *context;
    va_commands *commands;
    va_actions *actions;
    va_yaml *list;
    va_steering *steering;
    int wrong;  /* recordings whose command was not the expected one */
    int obeyed; /* commands carried out */
    double speech_s, work_ms;
};

struct request {
    const char *folder; /* holds recordings.yaml and commands/ */
    const char *model, *models_folder;
    int threads;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant demo [OPTION]... FOLDER\n\n"
          "Transcribes the recordings listed in FOLDER/recordings.yaml, matches them to FOLDER/commands and carries out what matches.\n\n"
          "Options:\n"
          "  --model NAME         a prepared model or a path to one (default: base)\n"
          "  --models-folder DIR  where prepared models are kept\n"
          "  --threads N          threads of one transcription (default: one per core)\n"
          "  -h, --help           print this help\n\n"
          "Exit code: 0 when every recording gave the expected command, 1 when not, 2 when the command line is wrong.\n",
          out);
}

static int parse(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {{"model", required_argument, NULL, 'm'},
                                            {"models-folder", required_argument, NULL, 'f'},
                                            {"threads", required_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case 'm':
            request->model = optarg;
            break;
        case 'f':
            request->models_folder = optarg;
            break;
        case 't': {
            char *end;
            long threads = strtol(optarg, &end, 10);

            if (*end != '\0' || threads < 1 || threads > VA_POOL_MAX_THREADS) {
                fprintf(stderr, "voice-assistant demo: --threads is 1 to %d\n", VA_POOL_MAX_THREADS);
                return VA_EXIT_USAGE;
            }
            request->threads = (int)threads;
            break;
        }
        case 'h':
            print_help(stdout);
            return VA_EXIT_OK;
        default:
            return VA_EXIT_USAGE;
        }
    }
    request->folder = va_arguments_word(argc, argv, "FOLDER", " behind FOLDER");
    return request->folder != NULL ? -1 : VA_EXIT_USAGE;
}

/* A scalar of a mapping, or "". */
static const char *text_of(const va_yaml_node *mapping, const char *key)
{
    const va_yaml_node *node = va_yaml_get(mapping, key);

    return node != NULL && node->type == VA_YAML_SCALAR ? node->text : "";
}

static int open_in_folder(struct demo *demo, const char *folder, va_error *error)
{
    char *list = va_asprintf("%s/recordings.yaml", folder);
    char *commands = va_asprintf("%s/commands", folder);
    int r = list != NULL && commands != NULL ? 0 : va_fail_memory(error);

    if (r == 0)
        r = va_yaml_open(list, &demo->list, error);
    if (r == 0)
        r = va_commands_open(commands, &demo->commands, error);
    va_free(list);
    va_free(commands);
    return r;
}

static int demo_open(struct demo *demo, const struct request *request, va_error *error)
{
    char *path = NULL;
    double start_ms;
    int r = open_in_folder(demo, request->folder, error);

    if (r == 0)
        r = va_actions_new(NULL, &demo->actions, error);
    if (r == 0)
        r = va_catalog_locate(request->models_folder, request->model, &path, error);
    start_ms = va_clock_ms();
    if (r == 0)
        r = va_model_open(path, NULL, &demo->model, error);
    if (r == 0)
        r = va_context_new(demo->model, request->threads, &demo->context, error);
    if (r == 0)
        r = va_steering_new(demo->model, demo->commands, NULL, &demo->steering, error);
    if (r == 0)
        printf("   model %s loaded in %.1f ms; kernels: %s; threads: %d\n   the recogniser is told to expect: %s\n", request->model,
               va_clock_ms() - start_ms, va_model_kernels(demo->model), request->threads, va_steering_prompt(demo->steering));
    va_free(path);
    return r;
}

static void demo_close(struct demo *demo)
{
    va_actions_free(demo->actions);
    va_context_free(demo->context);
    va_steering_free(demo->steering);
    va_commands_free(demo->commands);
    va_model_free(demo->model);
    va_yaml_free(demo->list);
}

static int transcribe(struct demo *demo, const char *path, int raw, va_transcript **ret_transcript, va_error *error)
{
    const struct va_decode_options decode = {.max_seconds = MAX_RECORDING_S, .raw = raw};
    va_transcribe_options options;
    va_audio_decoder *decoder = NULL;
    int r = va_audio_decoder_open(path, &decode, &decoder, error);

    va_transcribe_options_init(&options);
    options.language = "en";
    options.timestamps = VA_TIMESTAMPS_NONE;
    options.steering = demo->steering;
    options.prompt = va_steering_prompt(demo->steering);
    options.temperature_fallback = 0;
    if (r == 0)
        r = va_transcribe_stream(demo->context, va_audio_decoder_read, decoder, va_audio_decoder_total(decoder), &options, ret_transcript,
                                 error);
    va_audio_decoder_free(decoder);
    return r;
}

/* Carries out what matched and prints it. */
static int obey(struct demo *demo, const va_intent *intent, va_error *error)
{
    const struct va_command *command = va_commands_find(demo->commands, intent->name);
    struct va_action_request request;
    struct va_action_result result;
    int r;

    if (command == NULL)
        return va_fail(error, VA_ENOTFOUND, "there is no command %s", intent->name);
    request = (struct va_action_request){.type = command->action.type,
                                         .command = command->name,
                                         .settings = command->action.settings,
                                         .n_settings = command->action.n_settings,
                                         .arguments = command->action.arguments,
                                         .n_arguments = command->action.n_arguments,
                                         .slots = intent->slots,
                                         .n_slots = intent->n_slots,
                                         .response = intent->response};
    printf("   command     %s", intent->name);
    for (size_t i = 0; i < intent->n_slots; i++)
        printf("%s%s = %s", i == 0 ? " (" : ", ", intent->slots[i].name, intent->slots[i].value);
    printf("%s, score %.2f\n", intent->n_slots > 0 ? ")" : "", (double)intent->score);
    r = va_actions_run(demo->actions, &request, &result, error);
    if (r < 0)
        return r;
    if (result.output != NULL && result.output[0] != '\0')
        printf("   printed     %.*s\n", (int)strcspn(result.output, "\n"), result.output);
    printf("   answer      %s\n", result.response);
    demo->obeyed++;
    va_action_result_clear(&result);
    return 0;
}

/* expected: a command's name, "none", or "" when any will do. */
static int act(struct demo *demo, const va_transcript *transcript, const char *expected, va_error *error)
{
    va_understanding *understanding = NULL;
    int r = va_understand(demo->steering, transcript, &understanding, error);
    const va_intent *intent = r == 0 && understanding->confidence >= VA_CONFIDENCE_DEFAULT ? understanding->intent : NULL;

    if (r == 0 && intent == NULL)
        printf("   command     none fits: nothing is done\n");
    if (intent != NULL && strcmp(understanding->text, transcript->text) != 0)
        printf("   understood  %s\n", understanding->text);
    if (intent != NULL)
        printf("   certainty   %.2f\n", (double)understanding->confidence);
    if (intent != NULL)
        r = obey(demo, intent, error);
    if (r == 0 && expected[0] != '\0' && strcmp(expected, intent != NULL ? intent->name : "none") != 0) {
        printf("   expected    %s\n", expected);
        demo->wrong++;
    }
    va_understanding_free(understanding);
    return r;
}

static int show(struct demo *demo, const char *folder, const va_yaml_node *recording, va_error *error)
{
    const char *file = text_of(recording, "file");
    char *path = va_asprintf("%s/%s", folder, file);
    va_transcript *transcript = NULL;
    int r = path != NULL ? 0 : va_fail_memory(error);

    if (r == 0 && access(path, R_OK) != 0)
        r = va_fail(error, VA_ENOTFOUND, "%s is not there: install the Debian package pocketsphinx-testdata", path);
    if (r == 0)
        r = transcribe(demo, path, strcmp(text_of(recording, "raw"), "true") == 0, &transcript, error);
    if (r == 0) {
        const va_timing *timing = &transcript->timing;

        printf("\n   %s, %.1f s\n   known text  %s\n   heard       %s\n", file, transcript->duration_s, text_of(recording, "text"),
               transcript->text);
        printf("   confidence  %.2f\n", (double)transcript->confidence);
        r = act(demo, transcript, text_of(recording, "command"), error);
        printf("   time        %.0f ms (mel %.0f, encoder %.0f, decoder %.0f)\n", timing->total_ms, timing->mel_ms, timing->encode_ms,
               timing->decode_ms);
        fflush(stdout);
        demo->speech_s += transcript->duration_s;
        demo->work_ms += timing->total_ms;
    }
    va_transcript_free(transcript);
    va_free(path);
    return r;
}

static int show_all(struct demo *demo, va_error *error)
{
    const va_yaml_node *root = va_yaml_root(demo->list);
    const va_yaml_node *recordings = va_yaml_get(root, "recordings");
    int r = 0;

    if (recordings == NULL || recordings->type != VA_YAML_SEQUENCE || recordings->n == 0)
        return va_fail(error, VA_EFORMAT, "recordings.yaml has no list 'recordings'");
    for (size_t i = 0; r == 0 && i < recordings->n; i++)
        r = show(demo, text_of(root, "folder"), recordings->values[i], error);
    if (r == 0)
        printf("\n   %zu recordings, %.1f s of speech in %.2f s (%.0f times faster than spoken); %d commands carried out\n", recordings->n,
               demo->speech_s, demo->work_ms / 1000, demo->speech_s * 1000 / demo->work_ms, demo->obeyed);
    return r;
}

int va_command_demo(int argc, char **argv)
{
    struct request request = {.model = "base", .models_folder = "", .threads = va_pool_share(1)};
    struct demo demo = {0};
    va_error error = {0};
    int r = parse(argc, argv, &request);

    if (r >= 0)
        return r;
    r = demo_open(&demo, &request, &error);
    if (r == 0)
        r = show_all(&demo, &error);
    if (r < 0)
        fprintf(stderr, "voice-assistant demo: %s\n", error.text);
    else if (demo.wrong > 0)
        fprintf(stderr, "voice-assistant demo: %d recordings did not give the expected command\n", demo.wrong);
    demo_close(&demo);
    return r == 0 && demo.wrong == 0 ? VA_EXIT_OK : VA_EXIT_FAILED;
}
