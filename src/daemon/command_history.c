/* voice-assistant history list|search|export|delete */
#include "daemon/command.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "config/config.h"
#include "daemon/arguments.h"
#include "daemon/print_clean.h"
#include "daemon/setup.h"
#include "store/export.h"

#define MAX_LINE_BYTES ((size_t)64 << 20)

enum verb { VERB_LIST, VERB_SEARCH, VERB_EXPORT, VERB_DELETE };

struct request {
    struct va_overrides overrides;
    enum verb verb;
    struct va_history_query query;
    enum va_history_format format;
    int json, all, has_before;
    double since_s, until_s;
    double before_s; /* of delete */
    int64_t id;      /* of delete; 0: none */
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant history list [OPTION]...\n"
          "       voice-assistant history search TEXT [OPTION]...\n"
          "       voice-assistant history export [--format jsonl|csv] [OPTION]...\n"
          "       voice-assistant history delete ID|--before TIME|--all\n\n"
          "  list    the newest entries first\n"
          "  search  those with TEXT in what was said, the command or the response\n"
          "  export  all entries, as JSON lines or CSV, to stdout\n"
          "  delete  one entry, those before a time, or all; nothing of them is left in the file\n\n"
          "Reads and writes the file history.db of the data folder itself, also while the program serves. It is written when the option\n"
          "history.enabled is set.\n\n"
          "Options:\n"
          "  --format FORMAT          of an export: jsonl (default) or csv\n"
          "  --before TIME, --all     what is deleted\n"
          "  --kind KIND              transcription or command\n"
          "  --since TIME             from then on: 2026-01-31, or 2026-01-31T12:00:00Z\n"
          "  --until TIME             before then\n"
          "  --limit N                so many entries, at most 200 (default: 20)\n"
          "  --before-id ID           older than this entry: the next page\n"
          "  --json                   JSON lines instead of text\n" VA_ARGUMENTS_HELP
          "\nExit code: 0 when it was done, 1 when not or nothing was found, 2 when the command line is wrong.\n",
          out);
}

/* ---- the verbs ---- */

struct printing {
    int json;
    size_t n;
};

static void print_text(const struct va_history_entry *entry)
{
    char time[VA_CLOCK_TEXT_SIZE];
    const char *text = entry->text != NULL ? entry->text : entry->command != NULL ? entry->command : "";

    va_clock_text(entry->unix_s, time);
    printf("%-6" PRId64 " %s  %-10s  ", entry->id, time, entry->source);
    va_print_clean(text);
    if (!entry->success)
        fputs("  (failed)", stdout);
    if (entry->response != NULL && entry->response[0] != '\0') {
        fputs("  -> ", stdout);
        va_print_clean(entry->response);
    }
    putchar('\n');
}

static int print_entry(void *user, const struct va_history_entry *entry)
{
    struct printing *printing = user;
    struct va_buffer line;
    struct va_json json = {.out = &line};

    printing->n++;
    if (!printing->json) {
        print_text(entry);
        return 0;
    }
    va_buffer_init(&line, MAX_LINE_BYTES);
    va_history_entry_json(&json, entry);
    if (json.error == 0)
        puts(line.data);
    va_buffer_free(&line);
    return json.error;
}

static int write_out(void *user, const char *data, size_t n)
{
    (void)user;
    return fwrite(data, 1, n, stdout) == n ? 0 : VA_EIO;
}

static int list(va_history *history, const struct request *request, va_error *error)
{
    struct printing printing = {.json = request->json};
    int64_t next;
    int r = va_history_list(history, &request->query, print_entry, &printing, &next, error);

    if (r == 0 && printing.n == 0)
        r = va_fail(error, VA_ENOTFOUND, "there is nothing");
    if (r == 0 && next > 0 && !request->json)
        printf("more: --before-id %" PRId64 "\n", next);
    return r;
}

static int delete (va_history *history, const struct request *request, va_error *error)
{
    int64_t n = 1;
    int r = request->id > 0 ? va_history_delete(history, request->id, error)
                            : va_history_delete_before(history, request->all ? (double)INFINITY : request->before_s, &n, error);

    if (r == 0)
        printf("%" PRId64 " deleted\n", n);
    return r;
}

static int work(va_history *history, const struct request *request, va_error *error)
{
    int r = request->verb == VERB_DELETE   ? delete (history, request, error)
            : request->verb == VERB_EXPORT ? va_history_export(history, &request->query, request->format, write_out, NULL, error)
                                           : list(history, request, error);

    if (r == 0 && fflush(stdout) != 0)
        r = va_fail_errno(error, "cannot write");
    return r;
}

static int run(const struct request *request)
{
    const struct va_history_options options = {0};
    va_config *config = NULL;
    va_history *history = NULL;
    char *folder = NULL;
    va_error error;
    int r = va_overrides_load(&request->overrides, &config, &error);

    if (r == 0 && (r = va_setup_folder(config, &folder, &error)) == 0)
        r = va_history_open(folder, &options, &history, &error);
    if (r == 0)
        r = work(history, request, &error);
    if (r < 0)
        fprintf(stderr, "voice-assistant history: %s\n", error.text);
    va_history_close(history);
    va_free(folder);
    va_config_free(config);
    return r == 0 ? VA_EXIT_OK : r == VA_EINVAL ? VA_EXIT_USAGE : VA_EXIT_FAILED;
}

/* ---- the command line ---- */

/* From 1 on. */
static int read_number(const char *text, int64_t *ret_value)
{
    char *end;

    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < 1)
        return VA_EINVAL;
    *ret_value = value;
    return 0;
}

static int read_limit(const char *text, int *ret_limit)
{
    int64_t value;

    if (read_number(text, &value) < 0 || value > VA_HISTORY_MAX_PAGE)
        return VA_EINVAL;
    *ret_limit = (int)value;
    return 0;
}

static int read_kind(const char *text, const char **ret_kind)
{
    *ret_kind = text;
    return strcmp(text, "transcription") == 0 || strcmp(text, "command") == 0 ? 0 : VA_EINVAL;
}

static int read_format(const char *text, enum va_history_format *ret_format)
{
    *ret_format = strcmp(text, "csv") == 0 ? VA_HISTORY_CSV : VA_HISTORY_JSONL;
    return strcmp(text, "csv") == 0 || strcmp(text, "jsonl") == 0 ? 0 : VA_EINVAL;
}

/* One option; negative when its value makes no sense. */
static int take_option(struct request *request, int option, const char *value)
{
    switch (option) {
    case 'c':
        request->overrides.config_path = value;
        return 0;
    case 's':
        return va_overrides_add(&request->overrides, NULL, value);
    case 'j':
        request->json = 1;
        return 0;
    case 'a':
        request->all = 1;
        return 0;
    case 'k':
        return read_kind(value, &request->query.kind);
    case 'f':
        return read_format(value, &request->format);
    case 'S':
        request->query.since_s = &request->since_s;
        return va_clock_parse(value, &request->since_s);
    case 'U':
        request->query.until_s = &request->until_s;
        return va_clock_parse(value, &request->until_s);
    case 'b':
        request->has_before = 1;
        return va_clock_parse(value, &request->before_s);
    case 'l':
        return read_limit(value, &request->query.limit);
    case 'i':
        return read_number(value, &request->query.before_id);
    default:
        return VA_EINVAL;
    }
}

/* The verb, and what belongs to it. An exit code. */
static int take_arguments(struct request *request, int argc, char **argv)
{
    int is_many = request->all || request->has_before;
    const struct va_verb verbs[] = {
        {.name = "list"}, {"search", "TEXT", 0}, {.name = "export"}, {"delete", is_many ? NULL : "an ID, --before or --all", 0}};
    int verb = va_arguments_verb(argc, argv, verbs, sizeof verbs / sizeof verbs[0]);

    if (verb < 0)
        return VA_EXIT_USAGE;
    request->verb = (enum verb)verb;
    if (is_many && verb != VERB_DELETE)
        return va_arguments_wrong("history", "--%s is of delete", request->all ? "all" : "before");
    if (request->all && request->has_before)
        return va_arguments_wrong("history", "say --before or --all, not both");
    if (verb == VERB_SEARCH)
        request->query.search = argv[optind + 1];
    if (verb == VERB_DELETE && !is_many && read_number(argv[optind + 1], &request->id) < 0)
        return va_arguments_wrong("history", "'%s' is no ID", argv[optind + 1]);
    return VA_EXIT_OK;
}

int va_command_history(int argc, char **argv)
{
    static const struct option options[] = {
        {"kind", required_argument, NULL, 'k'},
        {"since", required_argument, NULL, 'S'},
        {"until", required_argument, NULL, 'U'},
        {"limit", required_argument, NULL, 'l'},
        {"json", no_argument, NULL, 'j'},
        {"format", required_argument, NULL, 'f'},
        {"before-id", required_argument, NULL, 'i'},
        {"before", required_argument, NULL, 'b'},
        {"all", no_argument, NULL, 'a'},
        {"config", required_argument, NULL, 'c'},
        {"set", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct request request = {.query = {.limit = 20}};
    int c, index = 0;

    while ((c = getopt_long(argc, argv, "h", options, &index)) != -1) {
        if (c == 'h') {
            print_help(stdout);
            return VA_EXIT_OK;
        }
        if (c == '?')
            return VA_EXIT_USAGE;
        if (take_option(&request, c, optarg) < 0) {
            fprintf(stderr, "voice-assistant history: --%s: '%s' makes no sense; see --help\n", options[index].name, optarg);
            return VA_EXIT_USAGE;
        }
    }
    int code = take_arguments(&request, argc, argv);
    return code != VA_EXIT_OK ? code : run(&request);
}
