/* voice-assistant audit: every item of docs/checklists.md, pass or fail. */
#include "daemon/command.h"

#include <stdio.h>
#include <string.h>

#include "audit/audit.h"
#include "base/file.h"
#include "base/memory.h"
#include "daemon/arguments.h"
#include "daemon/audit_scene.h"

#define EXIT_NOT_CHECKED 3

struct request {
    struct va_overrides overrides;
    const char *only, *output, *debsecan, *token_file;
    int json, list, strict;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant audit [OPTION]...\n\n"
          "Looks at this machine and says for each item of its lists whether it holds: success, performance tuning, security hardening.\n"
          "Nothing is changed. Run it as root: other users cannot see all of it, and what cannot be seen is not checked.\n\n"
          "  --json                   print JSON\n"
          "  --only ITEM              this one only\n"
          "  --list                   list the items\n"
          "  --strict                 exit with 3 when something was not checked\n"
          "  --output FILE            keep the report there as JSON, too\n"
          "  --debsecan FILE          a report of debsecan, see docs/audit.md\n"
          "  --token-file FILE        file of mode 0600 with a token, where access.local is token\n" VA_ARGUMENTS_HELP
          "\nExit code: 0 when every item holds or is not applicable, 1 when one does not, 2 when the command line is wrong; 3 with "
          "--strict.\n",
          out);
}

/* Returns -1 to go on, or an exit code. */
static int parse_arguments(struct request *request, int argc, char **argv)
{
    const struct va_argument rows[] = {{"json", .flag = &request->json},
                                       {"only", .text = &request->only},
                                       {"list", .flag = &request->list},
                                       {"strict", .flag = &request->strict},
                                       {"output", .text = &request->output},
                                       {"debsecan", .text = &request->debsecan},
                                       {"token-file", .text = &request->token_file}};

    return va_arguments_read_all(argc, argv, rows, sizeof rows / sizeof rows[0], &request->overrides, print_help);
}

static void print_list(void)
{
    size_t n;
    const struct va_check *items = va_audit_items(&n);

    for (size_t i = 0; i < n; i++)
        printf("%-18s %c%c%c  %s\n", items[i].name, items[i].lists & VA_LIST_SUCCESS ? 'S' : '-',
               items[i].lists & VA_LIST_TUNING ? 'P' : '-', items[i].lists & VA_LIST_HARDENING ? 'H' : '-', items[i].about);
    puts("\nS: success, P: performance tuning, H: security hardening");
}

/* root writes it, and the assistant, which is another user, serves it: who may read it is for the folder to say. */
static int keep(const struct va_audit_scene *audit, const struct va_report *report, const char *path, va_error *error)
{
    struct va_buffer out;

    va_buffer_init(&out, VA_AUDIT_MAX_REPORT_BYTES);
    struct va_json json = {.out = &out};
    va_json_open(&json, NULL, '{');
    va_report_json(report, audit->scene.now_unix_s, &json);
    va_json_close(&json, '}');
    int r = json.error < 0 ? va_fail(error, json.error, "the report: %s", va_status_text(json.error))
                           : va_file_write(path, out.data, out.size, 0644, error);
    va_buffer_free(&out);
    return r;
}

static int exit_code_of(const struct request *request, const struct va_report *report)
{
    if (report->counts[VA_CHECK_FAIL] > 0)
        return VA_EXIT_FAILED;
    return request->strict && report->counts[VA_CHECK_NOT_CHECKED] > 0 ? EXIT_NOT_CHECKED : VA_EXIT_OK;
}

static int run(const struct request *request)
{
    struct va_audit_scene audit = {0};
    struct va_report report = {0};
    size_t n;
    const struct va_check *items = va_audit_items(&n);
    va_error error = {0};
    int r = va_audit_scene_open(&audit, &request->overrides, request->token_file, &error), exit_code = VA_EXIT_FAILED;

    audit.scene.debsecan = request->debsecan;
    audit.scene.writes_report = request->output != NULL;
    if (r == 0)
        r = va_report_make(items, n, request->only, &audit.scene, &report, &error);
    if (r == 0)
        r = va_audit_scene_print(&audit, &report, "voice-assistant audit", request->json, &error);
    if (r == 0 && request->output != NULL)
        r = keep(&audit, &report, request->output, &error);
    if (r < 0)
        fprintf(stderr, "voice-assistant audit: %s\n", error.text);
    exit_code = r == VA_EINVAL ? VA_EXIT_USAGE : r < 0 ? VA_EXIT_FAILED : exit_code_of(request, &report);
    va_report_free(&report);
    va_audit_scene_close(&audit);
    return exit_code;
}

int va_command_audit(int argc, char **argv)
{
    struct request request = {0};
    int exit_code = parse_arguments(&request, argc, argv);

    if (exit_code >= 0)
        return exit_code;
    if (request.list) {
        print_list();
        return VA_EXIT_OK;
    }
    return run(&request);
}
