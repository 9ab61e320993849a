/* voice-assistant serve: the daemon. */
#include "daemon/command.h"

#include <stdio.h>
#include <string.h>

#include "action/action.h"
#include "assistant/assistant.h"
#include "audio/source.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/paths.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "daemon/arguments.h"
#include "daemon/confinement.h"
#include "daemon/journal.h"
#include "daemon/notify.h"
#include "daemon/serve_access.h"
#include "daemon/serve_history.h"
#include "daemon/serve_mqtt.h"
#include "daemon/serve_settings.h"
#include "daemon/serve_tls.h"
#include "daemon/serve_wait.h"
#include "daemon/serve_watch.h"
#include "daemon/serve_wyoming.h"
#include "daemon/setup.h"
#include "daemon/signals.h"
#include "intent/commands.h"
#include "server/api.h"
#include "server/server.h"

#define BYTES_PER_MB 1048576.0
/* How long answers may take to go out at the end. */
#define GRACE_S 5.0
/* How often it is asked whether the certificate comes to its end. */
#define RENEW_MS 3600000
/* How often the watchdog is told at least: the server counts as alive for 10 s after it was last asked (va_server_is_alive). */
#define LOOK_MS 4000

struct daemon {
    struct va_overrides overrides;
    int signal_fd;
    struct va_setup setup;
    const va_config *config; /* that holds now: of setup, or what a reload gave the assistant, until the next one */
    va_access *access;
    va_api *api;
    va_server *server;
    struct va_watch watch;
    va_wyoming *wyoming; /* or NULL */
    va_mqtt *mqtt;       /* or NULL */
    struct va_serve_tls tls;
    struct va_serve_settings settings;
};

static void print_help(FILE *out)
{
    fputs(
        "Usage: voice-assistant serve [OPTION]...\n\n"
        "Serves the HTTP API on this machine: records, transcribes, runs commands. SIGHUP reads the configuration and the commands again;\n"
        "SIGTERM finishes the work that was accepted and ends, a second one ends at once.\n\n"
        "  --model NAME             prepared model or a path to one (model.name)\n"
        "  --microphone NAME        default or an ALSA device, file:PATH to use a recording, or none (audio.microphone)\n"
        "  --listen ADDRESS         address of the API; others are sent on to TLS (server.listen)\n"
        "  --port N                 port of the API; 0 picks a free one (server.port)\n"
        "  --commands DIR           folder of command files (commands.folder)\n"
        "  --threads N              threads of one transcription (model.threads)\n"
        "  --workers N              transcriptions at the same time (model.workers)\n" VA_ARGUMENTS_HELP "\n"
        "Prints 'listening on http://ADDRESS:PORT' when it is ready. Exit code: 0 after SIGTERM or SIGINT, 1 when it could not start,\n"
        "2 when the command line is wrong.\n",
        out);
}

/* Returns -1 to go on, or an exit code. */
static int parse_arguments(struct daemon *daemon, int argc, char **argv)
{
    static const struct va_argument rows[] = {{"model", .option = "model.name"},         {"microphone", .option = "audio.microphone"},
                                              {"listen", .option = "server.listen"},     {"port", .option = "server.port"},
                                              {"commands", .option = "commands.folder"}, {"threads", .option = "model.threads"},
                                              {"workers", .option = "model.workers"}};

    return va_arguments_read_all(argc, argv, rows, sizeof rows / sizeof rows[0], &daemon->overrides, print_help);
}

/* ---- starting ---- */

static int open_log(const va_config *config, va_error *error)
{
    struct va_log_options options = {.console = 1, .max_bytes = (uint64_t)config->log_max_size * 1048576u, .keep = (int)config->log_keep};
    char *folder = NULL, *path = NULL;
    int r = va_log_level_parse(config->log_level, &options.level);

    if (r < 0)
        return va_fail(error, r, "log.level: there is no level '%s'", config->log_level);
    if (strcmp(config->log_file, "none") != 0 && config->log_file[0] != '\0') {
        options.path = config->log_file;
    } else if (config->log_file[0] == '\0') {
        if ((r = va_paths_folder(VA_FOLDER_LOG, &folder, error)) < 0 || (r = va_file_make_folder(folder, 0750, error)) < 0)
            goto end;
        options.path = path = va_paths_join(folder, "app.log");
        r = path == NULL ? va_fail_memory(error) : 0;
    }
    if (r == 0)
        r = va_log_open(&options, error);
    if (r == 0)
        va_log_divert(va_journal_is_wanted(config->log_journal) ? va_journal_write : NULL);

end:
    va_free(folder);
    va_free(path);
    return r;
}

/* In privacy mode the device is not opened, not even for a look; who listens has it open, and says what is wrong with it. */
static void look_for_microphone(const va_assistant *assistant, const va_config *config)
{
    va_audio_source *source;
    va_error error;

    if (va_assistant_is_private(assistant) || strcmp(config->listen_mode, "off") != 0)
        return;
    if (va_audio_source_open(config->audio_microphone, &source, &error) < 0)
        va_log(VA_LOG_WARNING, "daemon", "no microphone (%s): uploads work, recordings do not", error.text);
    else
        va_audio_source_free(source);
}

static int take_signals(void *user, va_error *error)
{
    struct daemon *daemon = user;

    return va_signals_open(&daemon->signal_fd, error);
}

static int may_keep(void *user, va_error *error)
{
    return va_assistant_check_storage(user, error);
}

static int start_server(struct daemon *daemon, va_error *error)
{
    const va_config *config = daemon->setup.config;
    struct va_endpoint endpoints[3] = {{.listen = config->server_listen, .port = (int)config->server_port}};
    struct va_server_options options = {
        .n_endpoints = 1,
        .max_connections = (int)config->server_max_connections,
        .timeout_s = config->server_timeout,
        .max_upload_bytes = (uint64_t)((double)config->server_max_upload * BYTES_PER_MB),
        .folder = daemon->setup.folder,
        .may_keep = may_keep,
        .keep_user = daemon->setup.assistant,
    };
    int r = va_api_new(daemon->setup.assistant, daemon->setup.folder, &daemon->api, error);
    if (r < 0)
        return r;
    va_confinement_show(&daemon->setup.confined, daemon->api);
    va_serve_access_api(config, daemon->setup.folder, daemon->access, daemon->api);
    options.access = daemon->access;
    if ((r = va_serve_settings_open(&daemon->settings, &daemon->setup, daemon->api, error)) < 0)
        return r;
    if ((r = va_watch_begin(&daemon->watch, &daemon->setup, daemon->api, daemon->access, error)) < 0)
        return r;
    endpoints[0].routes = va_api_routes(&endpoints[0].n_routes);
    endpoints[0].user = daemon->api;
    if ((r = va_serve_tls_open(&daemon->tls, config, daemon->setup.folder, &options, endpoints, error)) < 0)
        return r;
    options.n_endpoints++;
    va_serve_raise_files((int)config->server_max_connections);
    r = va_watch_serve(&daemon->watch, config, &options, endpoints, &daemon->server, error);
    if (r == 0 && config->server_tls)
        va_api_set_tls_port(daemon->api, va_server_port(daemon->server, 1));
    return r;
}

static int start(struct daemon *daemon, va_error *error)
{
    struct va_setup *setup = &daemon->setup;

    setup->overrides = &daemon->overrides;
    setup->listens = 1;
    setup->launched = take_signals;
    setup->user = daemon;
    int r = va_overrides_load(&daemon->overrides, &setup->config, error);
    if (r < 0 || (r = open_log(setup->config, error)) < 0)
        return r;
    va_serve_wait_model(&daemon->overrides, &setup->config);
    daemon->config = setup->config;
    if ((r = va_watch_open(&daemon->watch, setup, error)) < 0 || (r = va_setup_open(setup, error)) < 0 ||
        (r = va_serve_access_open(setup->config, setup->folder, &daemon->access, error)) < 0 || (r = va_setup_start(setup, error)) < 0)
        return r;
    look_for_microphone(setup->assistant, setup->config);
    r = start_server(daemon, error);
    if (r < 0 || (r = va_serve_wyoming(setup, &daemon->wyoming, error)) < 0)
        return r;
    return va_serve_mqtt(setup, daemon->api, &daemon->mqtt, error);
}

/* ---- running ---- */

static void log_restart(void *user, const char *option, int needs_restart)
{
    (void)user;
    if (needs_restart)
        va_log(VA_LOG_WARNING, "daemon", "%s has changed; this takes effect after a restart", option);
}

/* Takes both over, or leaves all as it was. The settings are shown before the assistant tells that they have changed. */
static int take(struct daemon *daemon, va_config *config, va_commands *commands, va_error *error)
{
    va_error ignored;
    int r = open_log(config, error);

    if (r < 0)
        return r;
    if ((r = va_serve_settings_loaded(&daemon->settings, config, error)) == 0 &&
        (r = va_assistant_reload(daemon->setup.assistant, config, commands, error)) == 0)
        return 0;
    (void)!open_log(daemon->config, &ignored);
    (void)!va_serve_settings_loaded(&daemon->settings, daemon->config, &ignored);
    return r;
}

static int reload(void *user, va_error *error)
{
    struct daemon *daemon = user;
    va_config *config = NULL;
    va_commands *commands = NULL;
    int r = va_overrides_load(&daemon->overrides, &config, error);

    if (r == 0)
        r = va_setup_commands(config, daemon->setup.launcher, &commands, error);
    if (r == 0)
        r = take(daemon, config, commands, error);
    if (r < 0) {
        va_log(VA_LOG_ERROR, "daemon", "%s; the old configuration and commands stay", error->text);
        va_commands_free(commands);
        va_config_free(config);
        return r;
    }
    const struct va_history_options history = va_serve_history_options(config);
    daemon->config = config;
    va_config_changes(daemon->setup.config, config, log_restart, NULL);
    va_watch_limits(config, daemon->api);
    va_history_configure(daemon->setup.history, &history);
    va_server_set_limits(daemon->server, config->server_timeout, (uint64_t)((double)config->server_max_upload * BYTES_PER_MB));
    va_log(VA_LOG_INFO, "daemon", "configuration and commands have been read again");
    return 0;
}

static void run(struct daemon *daemon)
{
    int interval_ms = va_notify_interval_ms() < LOOK_MS ? va_notify_interval_ms() : LOOK_MS;
    enum va_signal signal;
    va_error error;

    printf("listening on %s\n", va_server_url(daemon->server, 0));
    if (daemon->setup.config->server_tls)
        printf("listening on %s\n", va_server_url(daemon->server, 1));
    if (daemon->watch.url != NULL)
        printf("metrics on %s/metrics\n", daemon->watch.url);
    if (daemon->wyoming != NULL)
        printf("wyoming on port %d\n", va_wyoming_port(daemon->wyoming));
    fflush(stdout);
    va_notify("READY=1");
    double renew_ms = va_clock_ms() + RENEW_MS, offset_s = 0.0;
    (void)va_clock_was_set(&offset_s);
    while ((signal = va_signals_wait(daemon->signal_fd, daemon->settings.wake_fd, interval_ms > 0 ? interval_ms : RENEW_MS)) !=
           VA_SIGNAL_STOP) {
        if (signal == VA_SIGNAL_RELOAD)
            (void)reload(daemon, &error); /* it is logged */
        else if (signal == VA_SIGNAL_WAKE)
            va_serve_settings_work(&daemon->settings, reload, daemon);
        /* A board without a clock of its own may have made its certificates years ago. */
        if (va_clock_was_set(&offset_s) || signal == VA_SIGNAL_RELOAD || va_clock_ms() >= renew_ms) {
            va_serve_access_renew(daemon->setup.config, daemon->setup.folder);
            va_server_renew(daemon->server);
            renew_ms = va_clock_ms() + RENEW_MS;
        }
        if (interval_ms > 0 && va_server_is_alive(daemon->server))
            va_notify("WATCHDOG=1");
    }
    va_log(VA_LOG_INFO, "daemon", "stopping: accepted work is finished first, a second signal ends at once");
    va_notify("STOPPING=1");
}

/* From the outside in: no new connections, then no new work, then the last answers, then the rest. */
static void stop(struct daemon *daemon)
{
    if (daemon->signal_fd >= 0)
        va_signals_close(daemon->signal_fd);
    va_serve_settings_stop(&daemon->settings);
    if (daemon->server != NULL)
        va_server_stop(daemon->server);
    va_wyoming_stop(daemon->wyoming);
    va_mqtt_free(daemon->mqtt);
    if (daemon->setup.assistant != NULL)
        va_assistant_stop(daemon->setup.assistant);
    va_server_free(daemon->server, GRACE_S);
    va_wyoming_free(daemon->wyoming);
    va_api_free(daemon->api);
    va_serve_settings_close(&daemon->settings);
    va_access_free(daemon->access);
    va_serve_tls_close(&daemon->tls);
    va_setup_close(&daemon->setup);
    va_watch_close(&daemon->watch);
    va_overrides_free(&daemon->overrides);
    va_log_close();
}

int va_command_serve(int argc, char **argv)
{
    struct daemon daemon = {.signal_fd = -1};
    va_error error;
    int exit_code = parse_arguments(&daemon, argc, argv);

    if (exit_code < 0 && start(&daemon, &error) < 0) {
        fprintf(stderr, "voice-assistant serve: %s\n", error.text);
        exit_code = daemon.setup.config == NULL ? va_overrides_exit_code(&error) : VA_EXIT_FAILED;
    } else if (exit_code < 0) {
        run(&daemon);
        exit_code = VA_EXIT_OK;
    }
    stop(&daemon);
    return exit_code;
}
