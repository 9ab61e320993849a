/* main.c - finds the command and runs it. */
#include "daemon/command.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/crypto.h>
#include <voice_assistant.h>

#include "base/memory.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"serve", va_command_serve, "serve the HTTP API: record, transcribe, run commands"},
    {"listen", va_command_listen, "listen to the microphone and do what is said, in this terminal"},
    {"worker", va_command_worker, "transcribe uploads for other machines"},
    {"transcribe", va_command_transcribe, "recordings to text"},
    {"model", va_command_model, "fetch, import, list and check models"},
    {"match", va_command_match, "find the command that a text means"},
    {"commands", va_command_commands, "check and list the commands"},
    {"eval", va_command_eval, "measure how well commands are understood"},
    {"bench", va_command_bench, "measure how fast this machine transcribes"},
    {"say", va_command_say, "say a text, or write it to a WAV file"},
    {"wake", va_command_wake, "words of your own that wake it: enrol, list, remove, test"},
    {"devices", va_command_devices, "list microphones and loudspeakers"},
    {"home", va_command_home, "read the names of a Home Assistant"},
    {"privacy", va_command_privacy, "switch privacy mode: no microphone, no cameras, nothing kept"},
    {"history", va_command_history, "list, search, export and delete what was transcribed and carried out"},
    {"health", va_command_health, "ask the running program whether all is well"},
    {"power", va_command_power, "show or set the power mode, or sleep for a while"},
    {"battery", va_command_battery, "show how full the battery is"},
    {"token", va_command_token, "tokens for the API: add, list, revoke"},
    {"tls", va_command_tls, "the local CA and certificates: show, renew, print, make one for a device"},
    {"pair", va_command_pair, "let a phone in by a QR code"},
    {"doctor", va_command_doctor, "what is wrong with this installation, and how to mend it"},
    {"audit", va_command_audit, "check this machine against the lists of success, tuning and hardening"},
    {"config", va_command_config, "check, show and explain the configuration"},
    {"demo", va_command_demo, "show transcripts and commands of recorded speech"},
    {NULL, NULL, NULL},
};

static void print_help(FILE *out)
{
    fprintf(out, "Usage: voice-assistant COMMAND [OPTION]...\n\n"
                 "A private voice assistant: hears a command, transcribes it on this device, acts and answers.\n\nCommands:\n");
    for (size_t i = 0; commands[i].name != NULL; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\n'voice-assistant COMMAND --help' explains one. 'voice-assistant --version' prints the version.\n");
}

static void *take(size_t n)
{
    return va_alloc(n, 1);
}

/* Libraries through which texts pass are given memory that is wiped when it is freed, before they take any (docs/adr/017). */

static void *take_for_openssl(size_t n, const char *file, int line)
{
    return va_alloc(n, 1);
}

static void *retake_for_openssl(void *old, size_t n, const char *file, int line)
{
    return va_realloc(old, n, 1);
}

static void free_for_openssl(void *p, const char *file, int line)
{
    va_free(p);
}

static void give_memory(void)
{
    json_set_alloc_funcs(take, va_free);
    (void)CRYPTO_set_mem_functions(take_for_openssl, retake_for_openssl, free_for_openssl); /* fails only when it has taken some */
}

/* So that no file or socket takes the place of one that is closed, and messages go into it. */
static void fill_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return VA_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return VA_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("voice-assistant %s\n", va_version());
        return VA_EXIT_OK;
    }
    for (size_t i = 0; commands[i].name != NULL; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "voice-assistant: there is no command '%s'; 'voice-assistant --help' lists them\n", argv[1]);
    return VA_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    va_memory_return_large();
    give_memory();
    fill_standard_files();
    int exit_code = run(argc, argv);
    /* What was not written was not done: a token is printed once. */
    if (exit_code == VA_EXIT_OK && (fflush(stdout) != 0 || ferror(stdout))) {
        fputs("voice-assistant: cannot write to standard output\n", stderr);
        exit_code = VA_EXIT_FAILED;
    }
    return exit_code;
}
