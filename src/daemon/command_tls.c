/* voice-assistant tls: the local CA and its certificates. */
#include "daemon/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "access/certificate.h"
#include "access/pairing.h"
#include "access/token_json.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "daemon/access_command.h"

#define MAX_OUTPUT_BYTES (1 << 18)

struct request {
    struct va_access_command common;
    unsigned scopes;
    const char *output;
    int pem, new_ca;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant tls show [OPTION]...\n"
          "       voice-assistant tls renew [--ca] [OPTION]...\n"
          "       voice-assistant tls ca [--output FILE] [OPTION]...\n"
          "       voice-assistant tls client [--scopes LIST] [--pem] [--output FILE] [OPTION]... NAME\n\n"
          "  show    print names, fingerprints and ends of this machine's CA and certificate\n"
          "  renew   make the certificate anew. serve does so by itself 30 days before its end and when names change\n"
          "  ca      print the CA's certificate, which clients are to trust\n"
          "  client  make a key and certificate for a device, which is let in with it: a PKCS #12 file, whose password is printed this\n"
          "          once. 'voice-assistant token revoke NAME' shuts it out\n\n"
          "Options:\n"
          "  --ca                     of renew: the CA, too. Every device must be given the new one, and certificates of devices end\n"
          "  --output FILE            where to write (default: of ca, standard output; of client, NAME.p12 or NAME.pem)\n"
          "  --pem                    of client: PEM without a password\n"
          "  --scopes LIST            of client: what it is for (default: status,transcribe,control,history)\n" VA_ACCESS_COMMAND_HELP
          "\nExit code: 0 when it worked, 1 when not, 2 when the command line is wrong.\n",
          out);
}

/* ---- show, renew ---- */

static void print_json(struct va_json *json, const char *key, const struct va_certificate_info *info)
{
    char begins[VA_CLOCK_TEXT_SIZE], ends[VA_CLOCK_TEXT_SIZE];

    va_clock_text((double)info->begins_unix_s, begins);
    va_clock_text((double)info->ends_unix_s, ends);
    va_json_open(json, key, '{');
    va_json_text(json, "subject", info->subject);
    va_json_text(json, "sha256", info->sha256);
    va_json_text(json, "begins", begins);
    va_json_text(json, "ends", ends);
    if (info->names[0] != '\0')
        va_json_text(json, "names", info->names);
    va_json_close(json, '}');
}

static void print_text(const char *what, const struct va_certificate_info *info)
{
    char ends[VA_CLOCK_TEXT_SIZE];

    va_clock_text((double)info->ends_unix_s, ends);
    printf("%s: %s, until %.10s\n  SHA-256 ", what, info->subject, ends);
    for (const char *p = info->sha256; *p != '\0'; p += 2)
        printf("%.2s%s", p, p[2] != '\0' ? ":" : "\n");
    if (info->names[0] != '\0')
        printf("  names %s\n", info->names);
}

static int show(const struct request *request)
{
    struct va_certificate_info ca, server;
    struct va_buffer out;
    struct va_json json = {.out = &out};
    va_error error;

    int r = va_certificate_describe(request->common.folder, VA_CERTIFICATE_CA, &ca, &error);
    if (r == 0)
        r = va_certificate_describe(request->common.folder, VA_CERTIFICATE_SERVER, &server, &error);
    if (r == VA_ENOTFOUND)
        (void)va_fail(
            &error, r,
            "there are no certificates yet: 'voice-assistant serve' makes them at its start, and 'voice-assistant tls renew' now");
    if (r < 0)
        return va_access_command_complain(&request->common, &error);
    if (!request->common.json) {
        print_text("CA", &ca);
        print_text("certificate", &server);
        return VA_EXIT_OK;
    }
    va_buffer_init(&out, MAX_OUTPUT_BYTES);
    va_json_open(&json, NULL, '{');
    va_json_bool(&json, "success", 1);
    print_json(&json, "ca", &ca);
    print_json(&json, "certificate", &server);
    va_json_close(&json, '}');
    return va_access_command_print(&request->common, &json);
}

static int renew(const struct request *request)
{
    const struct va_access_command *common = &request->common;
    va_error error;

    if (va_certificate_renew(common->folder, common->names.name, common->names.n, request->new_ca, &error) < 0)
        return va_access_command_complain(common, &error);
    return show(request);
}

/* ---- ca, client ---- */

static int print_ca(const struct request *request)
{
    const struct va_access_command *common = &request->common;
    struct va_buffer pem;
    va_error error;

    va_buffer_init(&pem, VA_CERTIFICATE_MAX_BYTES);
    int r = va_certificate_prepare(common->folder, common->names.name, common->names.n, &error);
    if (r == 0)
        r = va_certificate_ca_pem(common->folder, &pem, &error);
    va_access_command_as_caller(common);
    if (r == 0 && request->output != NULL)
        r = va_file_write(request->output, pem.data, pem.size, 0644, &error);
    else if (r == 0)
        fputs(pem.data, stdout);
    va_buffer_free(&pem);
    return r < 0 ? va_access_command_complain(common, &error) : VA_EXIT_OK;
}

static int tell_client(const struct request *request, const struct va_token *token, const char *path, const char *password)
{
    struct va_buffer out;
    struct va_json json = {.out = &out};

    if (!request->common.json) {
        printf("%s: for %s\n", path, token->name);
        if (password != NULL)
            printf("password: %s\n", password);
        return VA_EXIT_OK;
    }
    va_buffer_init(&out, MAX_OUTPUT_BYTES);
    va_json_open(&json, NULL, '{');
    va_json_bool(&json, "success", 1);
    va_token_json(&json, token);
    va_json_text(&json, "file", path);
    va_json_text(&json, "password", password);
    va_json_close(&json, '}');
    return va_access_command_print(&request->common, &json);
}

/* The device is listed before its file is written: what is not listed is not let in, so no file can be of more use than it says. */
static int make_client(const struct request *request, const char *name)
{
    const struct va_access_command *common = &request->common;
    char code[VA_PAIRING_CODE_BYTES];
    const char *password = request->pem ? NULL : code;
    struct va_buffer file;
    struct va_token token;
    uint8_t sha256[32];
    int64_t ends_unix_s;
    va_error error;

    if (request->output == NULL && (strchr(name, '/') != NULL || name[0] == '.' || name[0] == '-'))
        return va_arguments_wrong("tls", "'%s' cannot be the name of a file: say --output FILE", name);
    va_buffer_init(&file, VA_CERTIFICATE_MAX_BYTES);
    char *path = request->output != NULL ? va_strdup(request->output) : va_asprintf("%s.%s", name, request->pem ? "pem" : "p12");
    int r = path == NULL ? va_fail_memory(&error) : va_pairing_random(code, &error);
    if (r == 0)
        r = va_certificate_prepare(common->folder, common->names.name, common->names.n, &error);
    if (r == 0)
        r = va_certificate_make_client(common->folder, name, password, &file, sha256, &ends_unix_s, &error);
    if (r == 0)
        r = va_tokens_add_certificate(common->folder, name, request->scopes, ends_unix_s, sha256, &token, &error);
    if (r == 0) {
        va_access_command_as_caller(common);
        r = va_file_write(path, file.data, file.size, 0600, &error);
    }
    int exit_code = r < 0 ? va_access_command_complain(common, &error) : tell_client(request, &token, path, password);
    explicit_bzero(code, sizeof code);
    va_buffer_free(&file);
    va_free(path);
    return exit_code;
}

/* ---- the command line ---- */

int va_command_tls(int argc, char **argv)
{
    static const struct va_verb verbs[] = {{.name = "show"}, {.name = "renew"}, {.name = "ca"}, {"client", "NAME", 0}};
    struct request request = {.common.name = "tls", .scopes = VA_PAIRING_SCOPES};
    const char *scopes = NULL;
    const struct va_argument rows[] = {{"scopes", .text = &scopes},
                                       {"output", .text = &request.output},
                                       {"pem", .flag = &request.pem},
                                       {"ca", .flag = &request.new_ca},
                                       {"json", .flag = &request.common.json}};
    va_error error;
    int code = va_arguments_read(argc, argv, rows, sizeof rows / sizeof rows[0], &request.common.overrides, print_help);

    if (code >= 0)
        return code;
    if (scopes != NULL && va_scopes_parse(scopes, &request.scopes, &error) < 0)
        return va_arguments_wrong("tls", "--scopes: %s", error.text);
    int verb = va_arguments_verb(argc, argv, verbs, sizeof verbs / sizeof verbs[0]);
    if (verb < 0)
        return VA_EXIT_USAGE;
    if ((code = va_access_command_open(&request.common)) != VA_EXIT_OK)
        return code;
    code = verb == 0   ? show(&request)
           : verb == 1 ? renew(&request)
           : verb == 2 ? print_ca(&request)
                       : make_client(&request, argv[optind + 1]);
    va_access_command_close(&request.common);
    return code;
}
