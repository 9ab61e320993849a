/* voice-assistant token: who may use the API. */
#include "daemon/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/pairing.h"
#include "access/token_json.h"
#include "base/clock.h"
#include "base/memory.h"
#include "daemon/access_command.h"

#define MAX_OUTPUT_BYTES (1 << 18)
#define DATE_BYTES 10 /* "2026-01-31" */

struct request {
    struct va_access_command common;
    unsigned scopes;
    int days;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant token add [OPTION]... NAME\n"
          "       voice-assistant token list [OPTION]...\n"
          "       voice-assistant token revoke [OPTION]... NAME|ID\n\n"
          "  add     make a token and print it, this once: only its hash is kept. Programs send it as 'Authorization: Bearer TOKEN'\n"
          "  list    print the tokens and client certificates that are known, without secrets\n"
          "  revoke  forget one: it is refused from now on\n\n"
          "They count at once, also while the program serves.\n\n"
          "Options:\n"
          "  --scopes LIST            what it is for: status, transcribe, control, history, admin, with commas between, or all\n"
          "                           (default: status,transcribe,control,history)\n"
          "  --expires DAYS           it ends after so many days (default: never)\n" VA_ACCESS_COMMAND_HELP
          "\nExit code: 0 when it worked, 1 when not, 2 when the command line is wrong.\n",
          out);
}

static int print_json(const struct request *request, const struct va_token *token, const char *text)
{
    struct va_buffer out;
    struct va_json json = {.out = &out};

    va_buffer_init(&out, MAX_OUTPUT_BYTES);
    va_json_open(&json, NULL, '{');
    va_json_bool(&json, "success", 1);
    va_token_json(&json, token);
    if (text != NULL)
        va_json_text(&json, "token", text);
    va_json_close(&json, '}');
    return va_access_command_print(&request->common, &json);
}

static int add(const struct request *request, const char *name)
{
    char text[VA_TOKEN_TEXT_BYTES];
    struct va_token token;
    va_error error;

    if (va_tokens_add(request->common.folder, name, request->scopes, request->days, &token, text, &error) < 0)
        return va_access_command_complain(&request->common, &error);
    int code = VA_EXIT_OK;
    if (request->common.json) {
        code = print_json(request, &token, text);
    } else {
        puts(text);
        fputs("Keep it now: it is not shown again.\n", stderr);
    }
    explicit_bzero(text, sizeof text);
    return code;
}

static int forget(const struct request *request, const char *which)
{
    struct va_token token;
    va_error error;

    if (va_tokens_revoke(request->common.folder, which, &token, &error) < 0)
        return va_access_command_complain(&request->common, &error);
    if (request->common.json)
        return print_json(request, &token, NULL);
    printf("%s %s: revoked\n", token.id, token.name);
    return VA_EXIT_OK;
}

static const char *date(int64_t unix_s, char ret_text[VA_CLOCK_TEXT_SIZE])
{
    va_clock_text((double)unix_s, ret_text);
    ret_text[DATE_BYTES] = '\0';
    return unix_s > 0 ? ret_text : "-";
}

static void print_line(const struct va_token *token)
{
    char scopes[VA_SCOPES_TEXT_BYTES], created[VA_CLOCK_TEXT_SIZE], expires[VA_CLOCK_TEXT_SIZE], used[VA_CLOCK_TEXT_SIZE];

    va_scopes_text(token->scopes, scopes);
    printf("%-8s  %-11s  %-10s  %-10s  %-10s  %-41s  %s\n", token->id, token->kind == VA_TOKEN_BEARER ? "token" : "certificate",
           date(token->created_unix_s, created), date(token->expires_unix_s, expires), date(token->used_unix_s, used), scopes, token->name);
}

static int list(const struct request *request)
{
    struct va_tokens *tokens = NULL;
    struct va_buffer out;
    struct va_json json = {.out = &out};
    va_error error;
    int code = VA_EXIT_OK;

    if (va_tokens_load(request->common.folder, &tokens, &error) < 0)
        return va_access_command_complain(&request->common, &error);
    if (request->common.json) {
        va_buffer_init(&out, MAX_OUTPUT_BYTES);
        va_json_open(&json, NULL, '{');
        va_json_bool(&json, "success", 1);
        va_json_open(&json, "tokens", '[');
        for (size_t i = 0; i < tokens->n; i++) {
            va_json_open(&json, NULL, '{');
            va_token_json(&json, &tokens->token[i]);
            va_json_close(&json, '}');
        }
        va_json_close(&json, ']');
        va_json_close(&json, '}');
        code = va_access_command_print(&request->common, &json);
    } else if (tokens->n > 0) {
        printf("%-8s  %-11s  %-10s  %-10s  %-10s  %-41s  %s\n", "ID", "KIND", "CREATED", "EXPIRES", "USED", "SCOPES", "NAME");
        for (size_t i = 0; i < tokens->n; i++)
            print_line(&tokens->token[i]);
    }
    va_free(tokens);
    return code;
}

/* ---- the command line ---- */

static int read_days(const char *text, int *ret_days)
{
    char *end;
    long days = strtol(text, &end, 10);

    if (end == text || *end != '\0' || days < 1 || days > VA_TOKEN_MAX_DAYS)
        return va_arguments_wrong("token", "--expires takes a number of days from 1 to %d, not '%s'", VA_TOKEN_MAX_DAYS, text);
    *ret_days = (int)days;
    return VA_EXIT_OK;
}

int va_command_token(int argc, char **argv)
{
    static const struct va_verb verbs[] = {{"add", "NAME", 0}, {.name = "list"}, {"revoke", "NAME or ID", 0}};
    struct request request = {.common.name = "token", .scopes = VA_PAIRING_SCOPES};
    const char *scopes = NULL, *days = NULL;
    const struct va_argument rows[] = {{"scopes", .text = &scopes}, {"expires", .text = &days}, {"json", .flag = &request.common.json}};
    va_error error;
    int code = va_arguments_read(argc, argv, rows, sizeof rows / sizeof rows[0], &request.common.overrides, print_help);

    if (code >= 0)
        return code;
    if (scopes != NULL && va_scopes_parse(scopes, &request.scopes, &error) < 0)
        return va_arguments_wrong("token", "--scopes: %s", error.text);
    if (days != NULL && (code = read_days(days, &request.days)) != VA_EXIT_OK)
        return code;
    int verb = va_arguments_verb(argc, argv, verbs, sizeof verbs / sizeof verbs[0]);
    if (verb < 0)
        return VA_EXIT_USAGE;
    if ((code = va_access_command_open(&request.common)) != VA_EXIT_OK)
        return code;
    code = verb == 0 ? add(&request, argv[optind + 1]) : verb == 1 ? list(&request) : forget(&request, argv[optind + 1]);
    va_access_command_close(&request.common);
    return code;
}
