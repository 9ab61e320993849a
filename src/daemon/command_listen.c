/* voice-assistant listen: the whole assistant in a terminal. */
#include "daemon/command.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/arguments.h"
#include "daemon/listen_view.h"
#include "daemon/setup.h"
#include "daemon/signals.h"

#define REFRESH_MS 80

struct listen {
    struct va_overrides overrides;
    int is_json;
    int signal_fd;
    va_listen_view *view;
    struct va_setup setup;
};

static void print_help(FILE *out)
{
    fputs(
        "Usage: voice-assistant listen [OPTION]...\n\n"
        "Listens to the microphone and does what is said, with a level meter, what it is doing, and the text as it is heard. Without "
        "--wake\n"
        "or --button everything that is said may be a command. Space talks without a wake word, q or Ctrl+C ends.\n\n"
        "  --wake WORDS             listen behind these wake words: okay_nabu, or alexa:0.6 with a sensitivity of 0 to 1 (listen.words)\n"
        "  --button                 listen after a press of the space bar only\n"
        "  --microphone NAME        default or an ALSA device, file:PATH in real time, file-fast:PATH, or - for raw 16-bit 16 kHz samples\n"
        "                           on standard input (audio.microphone)\n"
        "  --model NAME             prepared model or a path to one (model.name)\n"
        "  --commands DIR           folder of command files (commands.folder)\n"
        "  --dry-run                say what would be done, but do nothing (actions.dry_run)\n"
        "  --quiet                  say no replies (speech.enabled)\n"
        "  --json                   print what happens as JSON lines\n" VA_ARGUMENTS_HELP "\n"
        "Ends with the audio of a file. Exit code: 0 at the end, 1 when it could not start, 2 when the command line is wrong.\n",
        out);
}

/* Returns -1 to go on, or an exit code. */
static int parse_arguments(struct listen *listen, int argc, char **argv)
{
    const struct va_argument rows[] = {{"wake", .option = "listen.words", .set = "listen.mode=wake"},
                                       {"button", .set = "listen.mode=button"},
                                       {"microphone", .option = "audio.microphone"},
                                       {"model", .option = "model.name"},
                                       {"commands", .option = "commands.folder"},
                                       {"dry-run", .set = "actions.dry_run=true"},
                                       {"quiet", .set = "speech.enabled=false"},
                                       {"json", .flag = &listen->is_json}};

    return va_arguments_read_all(argc, argv, rows, sizeof rows / sizeof rows[0], &listen->overrides, print_help);
}

static int take_signals(void *user, va_error *error)
{
    struct listen *listen = user;

    return va_signals_open(&listen->signal_fd, error);
}

static int start(struct listen *listen, va_error *error)
{
    const struct va_log_options log = {.level = VA_LOG_WARNING, .console = 1};
    struct va_setup *setup = &listen->setup;

    setup->overrides = &listen->overrides;
    setup->launched = take_signals;
    setup->user = listen;
    setup->on_event = va_listen_view_event;
    setup->event_user = listen->view;
    int r = va_log_open(&log, error);
    if (r == 0)
        r = va_overrides_load(&listen->overrides, &setup->config, error);
    if (r == 0)
        r = va_setup_open(setup, error);
    return r < 0 ? r : va_setup_start(setup, error);
}

/* Whoever sits in front of the terminal wants to know at once that there is no microphone. */
static int is_without_microphone(const struct listen *listen, va_error *error)
{
    struct va_microphone_status microphone;

    va_assistant_get_microphone(listen->setup.assistant, &microphone);
    if (strcmp(microphone.state, "lost") != 0 || microphone.rate_hz != 0)
        return 0;
    (void)va_fail(error, VA_ENOTFOUND, "%s", microphone.error);
    return 1;
}

/* Until the audio or the user's patience ends. */
static int run(struct listen *listen, va_error *error)
{
    struct va_assistant_status status;

    do {
        if (va_signals_wait(listen->signal_fd, -1, REFRESH_MS) == VA_SIGNAL_STOP)
            return 0;
        if (is_without_microphone(listen, error))
            return VA_ENOTFOUND;
        switch (va_listen_view_key(listen->view)) {
        case VA_KEY_TALK:
            if (va_assistant_talk(listen->setup.assistant, 1, error) < 0) /* in privacy mode */
                va_log(VA_LOG_WARNING, "daemon", "%s", error->text);
            break;
        case VA_KEY_QUIT:
            return 0;
        case VA_KEY_NONE:
            break;
        }
        va_listen_view_refresh(listen->view, listen->setup.assistant);
        va_assistant_get_status(listen->setup.assistant, &status);
    } while (strcmp(status.state, "off") != 0);
    return 0;
}

int va_command_listen(int argc, char **argv)
{
    /* Everything may be a command, unless a row says otherwise; and somebody reads the partial texts. */
    struct listen listen = {.signal_fd = -1, .overrides = {.items = {"listen.mode=always", "listen.partial=400"}, .n = 2}};
    va_error error;
    int exit_code = parse_arguments(&listen, argc, argv);

    if (exit_code >= 0)
        goto end;
    if (va_listen_view_new(listen.is_json, &listen.view, &error) < 0 || start(&listen, &error) < 0 || run(&listen, &error) < 0) {
        fprintf(stderr, "voice-assistant listen: %s\n", error.text);
        exit_code = listen.setup.config == NULL ? va_overrides_exit_code(&error) : VA_EXIT_FAILED;
    } else {
        exit_code = VA_EXIT_OK;
    }
    if (listen.setup.assistant != NULL)
        va_assistant_stop(listen.setup.assistant);
    if (listen.signal_fd >= 0)
        va_signals_close(listen.signal_fd);
    va_setup_close(&listen.setup);
    va_listen_view_free(listen.view); /* until now there are events: a reply that is cut */
    va_log_close();

end:
    va_overrides_free(&listen.overrides);
    return exit_code;
}
