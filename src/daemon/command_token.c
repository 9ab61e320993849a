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

static int take_option(struct request *request, int option, const char *value)
{
    va_error error;
    char *end;
    long days;

    switch (option) {
    case 'S':
        if (va_scopes_parse(value, &request->scopes, &error) == 0)
            return VA_EXIT_OK;
        return va_access_command_usage(&request->common, error.text);
    case 'e':
        days = strtol(value, &end, 10);
        if (end == value || *end != '\0' || days < 1 || days > VA_TOKEN_MAX_DAYS)
            return va_access_command_usage(&request->common, "--expires takes a number of days from 1 to 36500");
        request->days = (int)days;
        return VA_EXIT_OK;
    default:
        return va_access_command_take(&request->common, option, value);
    }
}

static int run(struct request *request, int n, char **words)
{
    static const struct {
        const char *verb;
        int n_words;
    } verbs[] = {{"add", 2}, {"list", 1}, {"revoke", 2}};
    size_t verb = 0;

    while (n > 0 && verb < 3 && strcmp(words[0], verbs[verb].verb) != 0)
        verb++;
    if (n == 0 || verb == 3)
        return va_access_command_usage(&request->common, "say add, list or revoke");
    if (n != verbs[verb].n_words)
        return va_access_command_usage(&request->common, verbs[verb].n_words == 2 ? "one NAME is needed" : "list takes nothing more");
    int code = va_access_command_open(&request->common);
    if (code != VA_EXIT_OK)
        return code;
    code = verb == 0 ? add(request, words[1]) : verb == 1 ? list(request) : forget(request, words[1]);
    va_access_command_close(&request->common);
    return code;
}

int va_command_token(int argc, char **argv)
{
    static const struct option options[] = {
        {"scopes", required_argument, NULL, 'S'},
        {"expires", required_argument, NULL, 'e'},
        VA_ACCESS_COMMAND_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    struct request request = {.common.name = "token", .scopes = VA_PAIRING_SCOPES};
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            print_help(stdout);
            return VA_EXIT_OK;
        }
        if (take_option(&request, c, optarg) != VA_EXIT_OK)
            return VA_EXIT_USAGE;
    }
    return run(&request, argc - optind, argv + optind);
}
