/* voice-assistant serve: the daemon. */
#include "daemon/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "action/action.h"
#include "assistant/assistant.h"
#include "audio/source.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/paths.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "daemon/notify.h"
#include "daemon/signals.h"
#include "intent/commands.h"
#include "server/api.h"
#include "server/server.h"

#define MAX_OVERRIDES 128
#define BYTES_PER_MB 1048576.0
/* How long answers may take to go out at the end. */
#define GRACE_S 5.0

struct daemon {
    const char *config_path;
    const char *overrides[MAX_OVERRIDES];
    char *made[MAX_OVERRIDES]; /* those that were put together here */
    size_t n_overrides, n_made;

    int signal_fd;
    char *folder;      /* data */
    va_config *config; /* of the start; what needs a restart is read from here */
    va_model *model;
    va_assistant *assistant;
    va_api *api;
    va_server *server;
};

static void print_help(FILE *out)
{
    fputs(
        "Usage: voice-assistant serve [OPTION]...\n\n"
        "Serves the HTTP API on this machine: records, transcribes, runs commands. SIGHUP reads the configuration and the commands again;\n"
        "SIGTERM finishes the work that was accepted and ends, a second one ends at once.\n\n"
        "  --config FILE            the configuration (default: voice-assistant.yaml of the user, else of the system)\n"
        "  --set SECTION.KEY=VALUE  set an option, after the file; may be given again\n"
        "  --model NAME             prepared model or a path to one (model.name)\n"
        "  --microphone NAME        default or an ALSA device, file:PATH to use a recording, or none (audio.microphone)\n"
        "  --listen ADDRESS         address of the API, on this machine only (server.listen)\n"
        "  --port N                 port of the API; 0 picks a free one (server.port)\n"
        "  --commands DIR           folder of command files (commands.folder)\n"
        "  --threads N              threads of one transcription (model.threads)\n"
        "  --workers N              transcriptions at the same time (model.workers)\n"
        "  -h, --help               print this help\n\n"
        "Prints 'listening on http://ADDRESS:PORT' when it is ready. Exit code: 0 after SIGTERM or SIGINT, 1 when it could not start,\n"
        "2 when the command line is wrong.\n",
        out);
}

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"set", required_argument, NULL, 's'},
    {"model", required_argument, NULL, 1},
    {"microphone", required_argument, NULL, 2},
    {"listen", required_argument, NULL, 3},
    {"port", required_argument, NULL, 4},
    {"commands", required_argument, NULL, 5},
    {"threads", required_argument, NULL, 6},
    {"workers", required_argument, NULL, 7},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Indexed by the numbers above. */
static const char *const shorthands[] = {NULL,          "model.name",      "audio.microphone", "server.listen",
                                         "server.port", "commands.folder", "model.threads",    "model.workers"};

static int add_override(struct daemon *daemon, const char *option, const char *value)
{
    if (daemon->n_overrides == MAX_OVERRIDES)
        return VA_ELIMIT;
    if (option != NULL) {
        char *text = va_asprintf("%s=%s", option, value);
        if (text == NULL)
            return VA_ENOMEM;
        daemon->made[daemon->n_made++] = text;
        value = text;
    }
    daemon->overrides[daemon->n_overrides++] = value;
    return 0;
}

/* Returns -1 to go on, or an exit code. */
static int parse_arguments(struct daemon *daemon, int argc, char **argv)
{
    int c, r = 0;

    while (r == 0 && (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        switch (c) {
        case 'c':
            daemon->config_path = optarg;
            break;
        case 's':
            r = add_override(daemon, NULL, optarg);
            break;
        case 'h':
            print_help(stdout);
            return VA_EXIT_OK;
        case '?':
            return VA_EXIT_USAGE;
        default:
            r = add_override(daemon, shorthands[c], optarg);
            break;
        }
    }
    if (r < 0 || optind < argc) {
        fprintf(stderr, "voice-assistant serve: %s; see --help\n", r < 0 ? "too many options" : "too many arguments");
        return VA_EXIT_USAGE;
    }
    return -1;
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

end:
    va_free(folder);
    va_free(path);
    return r;
}

static int open_folder(struct daemon *daemon, va_error *error)
{
    int r = 0;

    if (daemon->config->data_folder[0] != '\0') {
        daemon->folder = va_strdup(daemon->config->data_folder);
        r = daemon->folder == NULL ? va_fail_memory(error) : 0;
    } else {
        r = va_paths_folder(VA_FOLDER_DATA, &daemon->folder, error);
    }
    return r < 0 ? r : va_file_make_folder(daemon->folder, 0750, error);
}

static int open_model(struct daemon *daemon, va_error *error)
{
    const char *kernels = daemon->config->model_kernels;
    const va_model_options options = {.kernels = kernels[0] != '\0' ? kernels : NULL};
    char *folder = NULL, *path = NULL;
    int r = va_catalog_folder(daemon->config->model_folder, &folder, error);

    if (r == 0)
        r = va_catalog_find(folder, daemon->config->model_name, &path, error);
    if (r == 0)
        r = va_model_open(path, &options, &daemon->model, error);
    va_free(folder);
    va_free(path);
    return r;
}

/* Says which commands will not work, and why; they do not keep the others from working. */
static void check_actions(const va_commands *commands)
{
    va_error error;

    for (size_t i = 0; i < va_commands_count(commands); i++) {
        const struct va_command *command = va_commands_at(commands, i);
        const struct va_command_action *action = &command->action;
        if (va_actions_check(action->type, action->settings, action->n_settings, action->arguments, action->n_arguments, &error) < 0)
            va_log(VA_LOG_WARNING, "daemon", "%s:%d: command %s will fail: %s", command->file, command->line, command->name, error.text);
    }
}

static int open_commands(const va_config *config, va_commands **ret_commands, va_error *error)
{
    char *path = NULL;
    int r = va_commands_folder(config->commands_folder, &path, error);
    if (r < 0)
        return r;
    r = va_commands_open(path, ret_commands, error);
    if (r == VA_ENOTFOUND && config->commands_folder[0] == '\0') {
        va_log(VA_LOG_WARNING, "daemon", "there are no commands: %s", error->text);
        r = va_commands_parse("no commands", "", 0, ret_commands, error);
    }
    va_free(path);
    if (r == 0)
        check_actions(*ret_commands);
    return r;
}

static int start_assistant(struct daemon *daemon, va_error *error)
{
    va_config *config = NULL;
    va_commands *commands = NULL;
    int r = open_commands(daemon->config, &commands, error);
    if (r < 0)
        return r;
    /* The assistant replaces its configuration on reload; ours stays as it was at the start. */
    r = va_config_load(daemon->config_path, daemon->overrides, daemon->n_overrides, &config, error);
    if (r == 0)
        r = va_assistant_new(daemon->model, daemon->config->model_name, config, commands, &daemon->assistant, error);
    if (r < 0) {
        va_config_free(config);
        va_commands_free(commands);
        return r;
    }
    va_log(VA_LOG_INFO, "daemon", "model %s with %s kernels, %zu commands", daemon->config->model_name, va_model_kernels(daemon->model),
           va_commands_count(commands));
    return 0;
}

static void look_for_microphone(const va_config *config)
{
    va_audio_source *source;
    va_error error;

    if (va_audio_source_open(config->audio_microphone, &source, &error) < 0)
        va_log(VA_LOG_WARNING, "daemon", "no microphone (%s): uploads work, recordings do not", error.text);
    else
        va_audio_source_free(source);
}

static int start_server(struct daemon *daemon, va_error *error)
{
    const va_config *config = daemon->config;
    struct va_server_options options = {
        .listen = config->server_listen,
        .port = (int)config->server_port,
        .max_connections = (int)config->server_max_connections,
        .timeout_s = config->server_timeout,
        .max_upload_bytes = (uint64_t)((double)config->server_max_upload * BYTES_PER_MB),
        .folder = daemon->folder,
    };
    int r = va_api_new(daemon->assistant, daemon->folder, &daemon->api, error);
    if (r < 0)
        return r;
    options.routes = va_api_routes(&options.n_routes);
    options.user = daemon->api;
    return va_server_start(&options, &daemon->server, error);
}

static int start(struct daemon *daemon, va_error *error)
{
    int r = va_config_load(daemon->config_path, daemon->overrides, daemon->n_overrides, &daemon->config, error);

    if (r < 0 || (r = open_log(daemon->config, error)) < 0 || (r = va_signals_open(&daemon->signal_fd, error)) < 0 ||
        (r = open_folder(daemon, error)) < 0 || (r = open_model(daemon, error)) < 0 || (r = start_assistant(daemon, error)) < 0)
        return r;
    look_for_microphone(daemon->config);
    return start_server(daemon, error);
}

/* ---- running ---- */

static void log_restart(void *user, const char *option, int needs_restart)
{
    (void)user;
    if (needs_restart)
        va_log(VA_LOG_WARNING, "daemon", "%s has changed; this takes effect after a restart", option);
}

static void reload(struct daemon *daemon)
{
    va_config *config = NULL;
    va_commands *commands = NULL;
    va_error error;
    int r = va_config_load(daemon->config_path, daemon->overrides, daemon->n_overrides, &config, &error);

    if (r == 0)
        r = open_commands(config, &commands, &error);
    if (r == 0)
        r = open_log(config, &error);
    if (r < 0)
        goto fail;
    double timeout_s = config->server_timeout, max_upload = (double)config->server_max_upload;
    va_config_changes(daemon->config, config, log_restart, NULL);
    if ((r = va_assistant_reload(daemon->assistant, config, commands, &error)) < 0)
        goto fail;
    va_server_set_limits(daemon->server, timeout_s, (uint64_t)(max_upload * BYTES_PER_MB));
    va_log(VA_LOG_INFO, "daemon", "configuration and commands have been read again");
    return;

fail:
    va_log(VA_LOG_ERROR, "daemon", "%s; the old configuration and commands stay", error.text);
    va_commands_free(commands);
    va_config_free(config);
}

static void run(struct daemon *daemon)
{
    int interval_ms = va_notify_interval_ms();
    enum va_signal signal;

    printf("listening on %s\n", va_server_url(daemon->server));
    fflush(stdout);
    va_notify("READY=1");
    while ((signal = va_signals_wait(daemon->signal_fd, interval_ms > 0 ? interval_ms : -1)) != VA_SIGNAL_STOP) {
        if (signal == VA_SIGNAL_RELOAD)
            reload(daemon);
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
    if (daemon->server != NULL)
        va_server_stop(daemon->server);
    if (daemon->assistant != NULL)
        va_assistant_stop(daemon->assistant);
    va_server_free(daemon->server, GRACE_S);
    va_api_free(daemon->api);
    va_assistant_free(daemon->assistant);
    va_model_free(daemon->model);
    va_config_free(daemon->config);
    va_free(daemon->folder);
    for (size_t i = 0; i < daemon->n_made; i++)
        va_free(daemon->made[i]);
    va_log_close();
}

int va_command_serve(int argc, char **argv)
{
    struct daemon daemon = {.signal_fd = -1};
    va_error error;
    int exit_code = parse_arguments(&daemon, argc, argv);

    if (exit_code < 0 && start(&daemon, &error) < 0) {
        fprintf(stderr, "voice-assistant serve: %s\n", error.text);
        exit_code = VA_EXIT_FAILED;
    } else if (exit_code < 0) {
        run(&daemon);
        exit_code = VA_EXIT_OK;
    }
    stop(&daemon);
    return exit_code;
}
