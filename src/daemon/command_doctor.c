/* voice-assistant doctor: what is wrong with this installation, and how to mend it. */
#include "daemon/command.h"

#include <stdio.h>

#include "audit/doctor.h"
#include "daemon/arguments.h"
#include "daemon/audit_scene.h"

struct request {
    struct va_overrides overrides;
    const char *token_file, *only;
    int json;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant doctor [OPTION]...\n\n"
          "Says what is wrong with this installation, and how to mend it. Nothing is changed.\n\n"
          "  --json                   print JSON\n"
          "  --only CHECK             this one only\n"
          "  --token-file FILE        file of mode 0600 with a token, where access.local is token\n" VA_ARGUMENTS_HELP
          "\nExit code: 0 when nothing is wrong, 1 when something is, 2 when the command line is wrong.\n",
          out);
}

/* Returns -1 to go on, or an exit code. */
static int parse_arguments(struct request *request, int argc, char **argv)
{
    const struct va_argument rows[] = {
        {"json", .flag = &request->json}, {"only", .text = &request->only}, {"token-file", .text = &request->token_file}};

    return va_arguments_read_all(argc, argv, rows, sizeof rows / sizeof rows[0], &request->overrides, print_help);
}

int va_command_doctor(int argc, char **argv)
{
    struct request request = {0};
    struct va_audit_scene audit = {0};
    struct va_report report = {0};
    size_t n;
    const struct va_check *checks = va_doctor_checks(&n);
    va_error error = {0};
    int exit_code = parse_arguments(&request, argc, argv);

    if (exit_code >= 0)
        return exit_code;
    int r = va_audit_scene_open(&audit, &request.overrides, request.token_file, &error);
    if (r == 0)
        r = va_report_make(checks, n, request.only, &audit.scene, &report, &error);
    if (r == 0)
        r = va_audit_scene_print(&audit, &report, "voice-assistant doctor", request.json, &error);
    if (r < 0)
        fprintf(stderr, "voice-assistant doctor: %s\n", error.text);
    exit_code = r == VA_EINVAL ? VA_EXIT_USAGE : r < 0 || report.counts[VA_CHECK_FAIL] > 0 ? VA_EXIT_FAILED : VA_EXIT_OK;
    va_report_free(&report);
    va_audit_scene_close(&audit);
    return exit_code;
}
