/* voice-assistant-helper: does the few things for the assistant that need root, when it is asked over its socket. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/serve.h"

#define FIRST_PASSED_FD 3 /* the system manager's protocol: sd_listen_fds(3) */
#define MAX_IDLE_S 3600

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

static void print_help(void)
{
    fputs("Usage: voice-assistant-helper [OPTION]...\n\n"
          "Sets governor, backlight and Wi-Fi, lets the machine sleep, takes cameras from their drivers and gives them back: for the\n"
          "assistant, which may not do so itself. The system manager starts it with a socket (voice-assistant-helper.socket).\n\n"
          "Options:\n"
          "  --user NAME   who may ask, besides root (default: voice-assistant)\n"
          "  --idle S      seconds without a request until it ends (default: 15)\n"
          "  --folder DIR  remembers which cameras it released (default: $RUNTIME_DIRECTORY; none: cameras are refused)\n"
          "  --root DIR    folder in which /sys, /dev and /etc/passwd are looked for; for tests\n"
          "  --help        print this help\n\n"
          "Exit code: 0 when it was idle, 1 when something failed, 2 when it was started wrongly.\n",
          stdout);
}

/* Returns -1 to go on, or an exit code. */
static int parse_arguments(int argc, char **argv, struct va_helper_server *server, const char **ret_user)
{
    static const struct option options[] = {
        {"user", required_argument, NULL, 'u'}, {"idle", required_argument, NULL, 'i'}, {"folder", required_argument, NULL, 'f'},
        {"root", required_argument, NULL, 'r'}, {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
    };
    char *end;
    long seconds;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'u':
            *ret_user = optarg;
            break;
        case 'i':
            seconds = strtol(optarg, &end, 10);
            if (end == optarg || *end != '\0' || seconds < 1 || seconds > MAX_IDLE_S)
                return EXIT_USAGE;
            server->idle_ms = (int)seconds * 1000;
            break;
        case 'f':
            server->place.folder = optarg;
            break;
        case 'r':
            server->place.root = optarg;
            break;
        case 'h':
            print_help();
            return EXIT_DONE;
        default:
            return EXIT_USAGE;
        }
    }
    return optind == argc ? -1 : EXIT_USAGE;
}

/* Exactly one socket was passed, and to this process. */
static int was_passed_one(void)
{
    const char *process = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

    return process != NULL && n != NULL && strtol(process, NULL, 10) == getpid() && strcmp(n, "1") == 0;
}

int main(int argc, char **argv)
{
    const char *user = "voice-assistant", *folder = getenv("RUNTIME_DIRECTORY");
    struct va_helper_server server = {.place = {.root = "", .folder = folder}, .socket = FIRST_PASSED_FD, .user = 0, .idle_ms = 15000};
    va_error error;
    int exit_code = parse_arguments(argc, argv, &server, &user);

    if (exit_code >= 0)
        return exit_code;
    umask(077);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
        perror("voice-assistant-helper");
        return EXIT_FAILED;
    }
    if (!was_passed_one()) {
        fputs("voice-assistant-helper: must be started with one socket by the system manager; see --help\n", stderr);
        return EXIT_USAGE;
    }
    if (va_helper_check_socket(server.socket, &error) < 0) {
        fprintf(stderr, "voice-assistant-helper: %s\n", error.text);
        return EXIT_USAGE;
    }
    if (va_helper_find_user(server.place.root, user, &server.user) < 0)
        fprintf(stderr, "there is no user %s: only root may ask\n", user);
    if (va_helper_serve(&server, &error) == 0)
        return EXIT_DONE;
    fprintf(stderr, "voice-assistant-helper: %s\n", error.text);
    return EXIT_FAILED;
}
