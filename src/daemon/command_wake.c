/* voice-assistant wake: words of the user's own. */
#include "daemon/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "daemon/arguments.h"
#include "daemon/setup.h"
#include "daemon/wake_samples.h"
#include "privacy/privacy.h"
#include "vad/ear.h"
#include "word/store.h"

#define SAMPLES 5
#define MAX_TEST_S 3600.0

struct request {
    const char *model, *vad_model, *language, *microphone, *folder, *config_path;
    int threads;
    float sensitivity;
    va_config *config; /* where the other defaults come from */
};

struct engine {
    va_model *model;
    va_vad_model *vad;
    va_context *context;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant wake enrol [OPTION]... NAME [FILE]...\n"
          "       voice-assistant wake list [OPTION]...\n"
          "       voice-assistant wake remove [OPTION]... NAME\n"
          "       voice-assistant wake test [OPTION]... NAME FILE...\n\n"
          "  enrol   learn a word of your own from 3 to 10 recordings of it, or from the microphone: five times. Nothing is trained, and\n"
          "          nothing leaves this device; kept is what the model makes of the recordings, not the recordings. An old word of\n"
          "          this name is replaced\n"
          "  list    print the words that were enrolled\n"
          "  remove  forget a word\n"
          "  test    look for the word in recordings: prints each file's best score, and where the word ends\n\n"
          "Options:\n"
          "  --model NAME         the prepared Whisper model, or a path to one (default: option model.name). A word is for one model\n"
          "  --vad NAME           the model that finds speech (default: vad)\n"
          "  --language CODE      what the word is written in (default: option model.language, and English for auto)\n"
          "  --microphone NAME    where enrol listens without a FILE (default: option audio.microphone)\n"
          "  --sensitivity S      of test, 0 to 1: more finds the word more often, and also where it was not said (default: 0.5)\n"
          "  --folder FOLDER      where words are kept (default: words in the data folder)\n"
          "  --threads N          threads to use (default: one per core)\n"
          "  --config FILE        the configuration to use\n"
          "  -h, --help           print this help\n\n"
          "Exit code: 0 when it worked (test: when the word was found in every file), 1 when not, 2 when the command line is wrong.\n",
          out);
}

static int complain(const va_error *error)
{
    fprintf(stderr, "voice-assistant wake: %s\n", error->text);
    return VA_EXIT_FAILED;
}

/* ---- the engine ---- */

static void close_engine(struct engine *engine)
{
    va_context_free(engine->context);
    va_vad_model_free(engine->vad);
    va_model_free(engine->model);
}

/* What was opened is to be closed on failure, too. */
static int open_engine(const struct request *request, struct engine *engine, va_error *error)
{
    va_model_options options = {.kernels = request->config->model_kernels};
    char *path = NULL;
    int r = va_catalog_locate(request->config->model_folder, request->model, &path, error);

    if (r == 0)
        r = va_model_open(path, &options, &engine->model, error);
    va_free(path);
    path = NULL;
    if (r == 0)
        r = va_context_new(engine->model, request->threads, &engine->context, error);
    if (r == 0)
        r = va_catalog_locate(request->config->model_folder, request->vad_model, &path, error);
    if (r == 0)
        r = va_vad_model_open(path, &engine->vad, error);
    va_free(path);
    return r;
}

/* ---- enrol ---- */

static void report(const struct va_wake_samples *samples, const enum va_word_sample_state *states, char **files)
{
    static const char *const texts[] = {[VA_WORD_SAMPLE_SILENT] = "no speech was heard in it",
                                        [VA_WORD_SAMPLE_SHORT] = "it is too short",
                                        [VA_WORD_SAMPLE_LONG] = "it is too long: the word alone, please",
                                        [VA_WORD_SAMPLE_UNLIKE] = "it sounds different from the others"};
    char number[32];

    for (size_t i = 0; i < samples->n; i++) {
        snprintf(number, sizeof number, "sample %zu", i + 1);
        if (states[i] != VA_WORD_SAMPLE_USED)
            fprintf(stderr, "voice-assistant wake: %s was not used: %s\n", *files != NULL ? files[i] : number, texts[states[i]]);
    }
}

/* The microphone is not opened in privacy mode, by whichever program. */
static int check_privacy(const va_config *config, va_error *error)
{
    char *folder = NULL;
    va_error reason;
    int r = va_setup_folder(config, &folder, error);

    if (r == 0 && va_privacy_read(folder, &reason))
        r = va_fail(error, VA_EDENIED, "privacy mode is on; 'voice-assistant privacy off' ends it");
    va_free(folder);
    return r;
}

static int take_samples(const struct request *request, const struct engine *engine, char **files, size_t n,
                        struct va_wake_samples *ret_samples, va_error *error)
{
    if (n > 0)
        return va_wake_samples_from_files(files, n, ret_samples, error);
    int r = check_privacy(request->config, error);
    if (r < 0)
        return r;
    return va_wake_samples_from_source(request->microphone, engine->vad, engine->model->kernels, SAMPLES, ret_samples, error);
}

/* What a voice sounds like is kept there, and is not to lie on a plain disk where the options say so. */
static int check_place(const va_config *config, const char *path, va_error *error)
{
    char *folder = va_strdup(path);
    int r = folder == NULL ? va_fail_memory(error) : 0;

    if (r == 0) {
        *strrchr(folder, '/') = '\0';
        r = va_setup_check_encryption(config, folder[0] != '\0' ? folder : "/", error);
    }
    va_free(folder);
    return r;
}

static int enrol(const struct request *request, const char *name, char **files, size_t n)
{
    struct engine engine = {0};
    struct va_wake_samples samples = {0};
    enum va_word_sample_state states[VA_WORD_MAX_SAMPLES];
    va_word_model *word = NULL;
    char *path = NULL;
    va_error error;

    int r = va_word_path_for_writing(request->folder, name, &path, &error);
    if (r == 0)
        r = check_place(request->config, path, &error);
    if (r == 0)
        r = open_engine(request, &engine, &error);
    if (r == 0)
        r = take_samples(request, &engine, files, n, &samples, &error);
    if (r == 0) {
        r = va_word_enrol(engine.context, engine.vad, samples.samples, samples.n, request->language, states, &word, &error);
        report(&samples, states, files);
    }
    if (r == 0)
        r = va_word_save(word, path, &error);
    if (r == 0)
        printf("%s: enrolled, heard as '%s'\n", name, va_word_text(word));
    va_word_free(word);
    va_wake_samples_free(&samples);
    close_engine(&engine);
    va_free(path);
    return r < 0 ? complain(&error) : VA_EXIT_OK;
}

/* ---- list, remove ---- */

static int list(const struct request *request)
{
    struct va_word_names *names = va_calloc(1, sizeof *names);
    va_error error;
    int r = names == NULL ? va_fail_memory(&error) : va_word_list(request->folder, names, &error);

    for (size_t i = 0; r == 0 && i < names->n; i++)
        puts(names->names[i]);
    va_free(names);
    return r < 0 ? complain(&error) : VA_EXIT_OK;
}

static int forget(const struct request *request, const char *name)
{
    va_error error;

    return va_word_remove(request->folder, name, &error) < 0 ? complain(&error) : VA_EXIT_OK;
}

/* ---- test ---- */

struct test {
    const struct request *request;
    const struct engine *engine;
    const va_word_model *word;
    const float *pcm; /* [n] of the file */
    size_t n;
    struct va_word_score best;
    int status;
    va_error error;
};

static void judge_utterance(void *user, const struct va_speech_event *event)
{
    struct test *test = user;
    struct va_word_score score;
    size_t end = event->end < test->n ? (size_t)event->end : test->n;

    if ((event->kind != VA_SPEECH_END && event->kind != VA_SPEECH_TOO_LONG) || test->status < 0)
        return;
    test->status = va_word_judge_utterance(test->engine->context, &test->word, 1, test->pcm + event->start, end - (size_t)event->start,
                                           &score, &test->error);
    if (test->status == 0 && score.score > test->best.score)
        test->best = (struct va_word_score){score.score, (size_t)event->start + score.end_samples};
}

static int test_file(struct test *test, const char *file, va_error *error)
{
    const struct va_ear_options options = VA_EAR_DEFAULTS;
    float *pcm = NULL;
    va_ear *ear = NULL;

    int r = va_wake_read_file(file, MAX_TEST_S, &pcm, &test->n, error);
    if (r == 0)
        r = va_ear_new(test->engine->vad, test->engine->model->kernels, &options, &ear, error);
    if (r == 0) {
        test->pcm = pcm;
        test->best = (struct va_word_score){0};
        va_ear_push(ear, pcm, test->n, judge_utterance, test);
        va_ear_finish(ear, judge_utterance, test);
        if ((r = test->status) < 0)
            *error = test->error;
    }
    va_ear_free(ear);
    va_free(pcm);
    return r;
}

static int test(const struct request *request, const char *name, char **files)
{
    struct engine engine = {0};
    va_word_model *word = NULL;
    char *path = NULL;
    va_error error;
    int code = VA_EXIT_OK;

    int r = va_word_path(request->folder, name, &path, &error);
    if (r == 0)
        r = open_engine(request, &engine, &error);
    if (r == 0)
        r = va_word_load(engine.model, path, &word, &error);
    for (; r == 0 && *files != NULL; files++) {
        struct test test = {.request = request, .engine = &engine, .word = word};
        if (test_file(&test, *files, &error) < 0) {
            code = complain(&error);
            continue;
        }
        int is_said = va_word_is_said(&test.best, request->sensitivity);
        printf("%s: %s, %.3f", *files, is_said ? "said" : "not said", (double)test.best.score);
        if (is_said)
            printf(", until %.2f s", (double)test.best.end_samples / VA_SAMPLE_RATE_HZ);
        putchar('\n');
        code = is_said ? code : VA_EXIT_FAILED;
    }
    va_word_free(word);
    close_engine(&engine);
    va_free(path);
    return r < 0 ? complain(&error) : code;
}

/* ---- the command line ---- */

/* Returns 0, or VA_EXIT_USAGE. */
static int take_number(const char *text, double least, double most, double *ret_value)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= least && value <= most)) {
        fprintf(stderr, "voice-assistant wake: '%s' is not a number from %g to %g\n", text, least, most);
        return VA_EXIT_USAGE;
    }
    *ret_value = value;
    return 0;
}

/* Returns 0, or VA_EXIT_USAGE. */
static int take_option(struct request *request, int c, const char *argument)
{
    double value = 0.0;
    int r = 0;

    switch (c) {
    case 'm':
        request->model = argument;
        break;
    case 'v':
        request->vad_model = argument;
        break;
    case 'l':
        request->language = argument;
        break;
    case 'i':
        request->microphone = argument;
        break;
    case 'f':
        request->folder = argument;
        break;
    case 't':
        r = take_number(argument, 1, 64, &value);
        request->threads = (int)value;
        break;
    case 's':
        r = take_number(argument, 0, 1, &value);
        request->sensitivity = (float)value;
        break;
    case 'c':
        request->config_path = argument;
        break;
    default:
        return VA_EXIT_USAGE;
    }
    return r;
}

static int run(const struct request *request, int verb, int n, char **words)
{
    switch (verb) {
    case 0:
        return enrol(request, words[1], words + 2, (size_t)n - 2);
    case 1:
        return list(request);
    case 2:
        return forget(request, words[1]);
    default:
        return test(request, words[1], words + 2);
    }
}

int va_command_wake(int argc, char **argv)
{
    static const struct va_verb verbs[] = {{"enrol", "NAME", 1}, {.name = "list"}, {"remove", "NAME", 0}, {"test", "NAME", 1}};
    static const struct option options[] = {
        {"model", required_argument, NULL, 'm'},
        {"vad", required_argument, NULL, 'v'},
        {"language", required_argument, NULL, 'l'},
        {"microphone", required_argument, NULL, 'i'},
        {"folder", required_argument, NULL, 'f'},
        {"threads", required_argument, NULL, 't'},
        {"sensitivity", required_argument, NULL, 's'},
        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct request request = {.vad_model = "vad", .threads = va_pool_share(1), .sensitivity = 0.5f};
    va_error error;
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            print_help(stdout);
            return VA_EXIT_OK;
        }
        if (take_option(&request, c, optarg) != 0)
            return VA_EXIT_USAGE;
    }
    int verb = va_arguments_verb(argc, argv, verbs, sizeof verbs / sizeof verbs[0]);
    if (verb < 0)
        return VA_EXIT_USAGE;
    if (verb == 3 && argc - optind == 2)
        return va_arguments_wrong("wake", "test needs a FILE behind %s", argv[optind + 1]);
    if (va_config_load(request.config_path, NULL, 0, &request.config, &error) < 0)
        return complain(&error);
    request.model = request.model != NULL ? request.model : request.config->model_name;
    request.language = request.language != NULL ? request.language : request.config->model_language;
    request.microphone = request.microphone != NULL ? request.microphone : request.config->audio_microphone;
    int code = run(&request, verb, argc - optind, argv + optind);
    va_config_free(request.config);
    return code;
}
