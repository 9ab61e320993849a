/* voice-assistant worker: transcribes for other machines. */
#include "daemon/command.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"
#include "daemon/arguments.h"
#include "daemon/confinement.h"
#include "daemon/notify.h"
#include "daemon/setup.h"
#include "daemon/signals.h"
#include "remote/bus.h"
#include "remote/node.h"

#define BYTES_PER_MB 1048576.0

struct worker {
    int signal_fd;
    va_config *config;
    char *folder, *model_path;
    va_model *model;
    va_workers *workers;
    va_node *node;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant worker --url URL [OPTION]...\n\n"
          "Transcribes uploads for other machines: takes them from a NATS server, as one of a group of workers, and sends the texts back.\n"
          "On the other machine 'voice-assistant serve' has the same remote.url. SIGTERM finishes the work that was taken and ends; a "
          "second\n"
          "one ends at once.\n\n"
          "  --url URL                nats://HOST:PORT, beyond this machine tls://HOST:PORT (remote.url)\n"
          "  --token-file FILE        file of mode 0600 with the server's token (remote.token_file)\n"
          "  --ca-file FILE           certificates that sign the server's (remote.ca_file)\n"
          "  --model NAME             prepared model or a path to one (model.name); the front must have the same\n"
          "  --threads N              threads of one transcription (model.threads)\n"
          "  --workers N              transcriptions at the same time (model.workers)\n" VA_ARGUMENTS_HELP
          "\nPrints 'working for URL' when it is ready; the server need not be there yet. Exit code: 0 after SIGTERM or SIGINT, 1 when it "
          "could\n"
          "not start, 2 when the command line is wrong.\n",
          out);
}

/* Returns -1 to go on, or an exit code. */
static int parse_arguments(struct va_overrides *overrides, int argc, char **argv)
{
    static const struct va_argument rows[] = {{"url", .option = "remote.url"},         {"token-file", .option = "remote.token_file"},
                                              {"ca-file", .option = "remote.ca_file"}, {"model", .option = "model.name"},
                                              {"threads", .option = "model.threads"},  {"workers", .option = "model.workers"}};

    return va_arguments_read_all(argc, argv, rows, sizeof rows / sizeof rows[0], overrides, print_help);
}

static int start_workers(struct worker *worker, va_error *error)
{
    va_workers_options options;

    va_workers_options_init(&options);
    options.workers = (int)worker->config->model_workers;
    options.threads = (int)worker->config->model_threads;
    return va_workers_new(worker->model, &options, &worker->workers, error);
}

static int start(struct worker *worker, const struct va_overrides *overrides, va_error *error)
{
    int r = va_overrides_load(overrides, &worker->config, error);
    if (r < 0)
        return r;
    const va_config *config = worker->config;
    struct va_log_options log = {.console = 1};
    struct va_confine_state confined;
    const struct va_bus_options bus = {config->remote_url, config->remote_token_file, config->remote_ca_file};
    struct va_node_options options = {
        .bus = &bus,
        .model = config->model_name,
        .n_workers = (unsigned)config->model_workers,
        .max_audio_bytes = (uint64_t)((double)config->server_max_upload * BYTES_PER_MB),
        .max_audio_s = config->server_max_audio,
    };

    if (config->remote_url[0] == '\0')
        return va_fail(error, VA_EINVAL, "where is the NATS server? --url or the option remote.url says it");
    if ((r = va_log_level_parse(config->log_level, &log.level)) < 0 || (r = va_log_open(&log, error)) < 0 ||
        (r = va_setup_folder(config, &worker->folder, error)) < 0 || (r = va_file_make_folder(worker->folder, 0750, error)) < 0 ||
        (r = va_confinement_apply(config, worker->folder, 0, 0, &confined, error)) < 0 ||
        (r = va_setup_check_encryption(config, worker->folder, error)) < 0 ||
        (r = va_setup_model(config, &worker->model, &worker->model_path, error)) < 0 ||
        (r = va_signals_open(&worker->signal_fd, error)) < 0 || (r = start_workers(worker, error)) < 0)
        return r;
    options.folder = worker->folder;
    return va_node_start(&options, worker->workers, &worker->node, error);
}

static void run(const struct worker *worker)
{
    int interval_ms = va_notify_interval_ms();

    printf("working for %s\n", worker->config->remote_url);
    fflush(stdout);
    va_notify("READY=1");
    while (va_signals_wait(worker->signal_fd, -1, interval_ms > 0 ? interval_ms : -1) != VA_SIGNAL_STOP)
        if (interval_ms > 0)
            va_notify("WATCHDOG=1");
    va_log(VA_LOG_INFO, "daemon", "stopping: the work that was taken is finished first, a second signal ends at once");
    va_notify("STOPPING=1");
}

static void stop(struct worker *worker)
{
    if (worker->signal_fd >= 0)
        va_signals_close(worker->signal_fd);
    if (worker->node != NULL)
        va_node_close(worker->node);
    if (worker->workers != NULL)
        va_workers_shutdown(worker->workers, 0);
    va_node_free(worker->node);
    va_workers_free(worker->workers);
    va_model_free(worker->model);
    va_free(worker->model_path);
    va_free(worker->folder);
    va_config_free(worker->config);
    va_log_close();
}

int va_command_worker(int argc, char **argv)
{
    struct va_overrides overrides = {.n = 0};
    struct worker worker = {.signal_fd = -1};
    va_error error;
    int exit_code = parse_arguments(&overrides, argc, argv);

    if (exit_code < 0 && start(&worker, &overrides, &error) < 0) {
        fprintf(stderr, "voice-assistant worker: %s\n", error.text);
        exit_code = worker.config == NULL ? va_overrides_exit_code(&error) : VA_EXIT_FAILED;
    } else if (exit_code < 0) {
        run(&worker);
        exit_code = VA_EXIT_OK;
    }
    stop(&worker);
    va_overrides_free(&overrides);
    return exit_code;
}
