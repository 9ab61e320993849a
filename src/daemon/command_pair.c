/* voice-assistant pair: a phone is let in by a code that it reads from the screen. */
#include "daemon/command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "access/certificate.h"
#include "access/pairing.h"
#include "access/qr.h"
#include "daemon/access_command.h"
#include "base/tcp.h"

#define MAX_OUTPUT_BYTES (1 << 18)
#define MAX_LINK_BYTES 512

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant pair [OPTION]...\n\n"
          "Prints a link and a QR code, with which one phone or other device gets a token with the scopes status, transcribe, control and\n"
          "history. It is good for 5 minutes and once. The device is to trust the CA first, whose fingerprint is printed as well;\n"
          "docs/access.md says how.\n\n"
          "Options:\n" VA_ACCESS_COMMAND_HELP "\nExit code: 0 when it worked, 1 when not, 2 when the command line is wrong.\n",
          out);
}

static int print_json(const struct va_access_command *common, const char *link, const char *code, const struct va_certificate_info *ca)
{
    struct va_buffer out;
    struct va_json json = {.out = &out};

    va_buffer_init(&out, MAX_OUTPUT_BYTES);
    va_json_open(&json, NULL, '{');
    va_json_bool(&json, "success", 1);
    va_json_text(&json, "link", link);
    va_json_text(&json, "code", code);
    va_json_text(&json, "ca_sha256", ca->sha256);
    va_json_integer(&json, "seconds", VA_PAIRING_S);
    va_json_close(&json, '}');
    return va_access_command_print(common, &json);
}

static int print_text(const struct va_access_command *common, const char *link, const struct va_certificate_info *ca)
{
    struct va_buffer picture;
    va_error error;

    va_buffer_init(&picture, MAX_OUTPUT_BYTES);
    if (va_qr_terminal(link, isatty(STDOUT_FILENO), &picture, &error) < 0) {
        va_buffer_free(&picture);
        return va_access_command_complain(common, &error);
    }
    printf("%s\n%s\n\nOnce, within %d minutes. SHA-256 of the CA:\n", picture.data, link, VA_PAIRING_S / 60);
    for (const char *p = ca->sha256; *p != '\0'; p += 2)
        printf("%.2s%s", p, p[2] == '\0' ? "\n" : (p - ca->sha256) % 32 == 30 ? "\n" : ":");
    va_buffer_free(&picture);
    return VA_EXIT_OK;
}

static void print_hint(const va_config *config)
{
    int is_local;

    if (va_tcp_check(config->server_tls_listen, &is_local, NULL) == 0 && is_local)
        fputs("\n" VA_ACCESS_LOCAL_HINT "\n", stderr);
}

static int pair(const struct va_access_command *common)
{
    char code[VA_PAIRING_CODE_BYTES], link[MAX_LINK_BYTES], host[256];
    struct va_certificate_info ca;
    va_error error;
    int port = (int)common->config->server_tls_port;

    if (!common->config->server_tls || port == 0) {
        (void)va_fail(&error, VA_ESTATE, "other devices come over TLS: a link needs server.tls, and server.tls_port other than 0");
        return va_access_command_complain(common, &error);
    }
    if (va_certificate_prepare(common->folder, common->names.name, common->names.n, &error) < 0 ||
        va_certificate_describe(common->folder, VA_CERTIFICATE_CA, &ca, &error) < 0 || va_pairing_make(common->folder, code, &error) < 0)
        return va_access_command_complain(common, &error);
    va_certificate_host(common->names.name, common->names.n, host);
    snprintf(link, sizeof link, "https://%s:%d/pair#%s", host, port, code);
    int exit_code = common->json ? print_json(common, link, code, &ca) : print_text(common, link, &ca);
    print_hint(common->config);
    explicit_bzero(code, sizeof code);
    explicit_bzero(link, sizeof link);
    return exit_code;
}

int va_command_pair(int argc, char **argv)
{
    struct va_access_command common = {.name = "pair"};
    const struct va_argument json = {"json", .flag = &common.json};
    int code = va_arguments_read_all(argc, argv, &json, 1, &common.overrides, print_help);

    if (code >= 0 || (code = va_access_command_open(&common)) != VA_EXIT_OK)
        return code;
    code = pair(&common);
    va_access_command_close(&common);
    return code;
}
