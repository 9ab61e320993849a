/* item_figures.c - times, memory, processors: what is measured here and now. */
#include "audit/items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/parse.h"
#include "base/memory.h"

#define BOOT_S 30.0
#define OWN_BOOT_S 10.0
#define RESIDENT_KB 614400u
#define OWN_KB 122880u
#define CPU_PERCENT 40.0
#define SPEECH_SHARE 0.6 /* 3 s of every 5 */
#define MIN_AUDIO_S 3.0
#define MAX_CPUINFO_BYTES ((size_t)1 << 20)

/* Of a machine without its like in silicon, times say nothing. */
static int is_emulated(const struct va_scene *scene)
{
    char *text;
    size_t size;
    va_error error;

    if (va_scene_file(scene, "/proc/cpuinfo", MAX_CPUINFO_BYTES, &text, &size, &error) < 0)
        return 0;
    int found = strstr(text, "QEMU TCG") != NULL || strstr(text, "QEMU Virtual CPU") != NULL;
    va_free(text);
    return found;
}

static int count_processors(const struct va_scene *scene)
{
    char *text;
    size_t size;
    int n = 0;
    va_error error;

    if (va_scene_file(scene, "/proc/cpuinfo", MAX_CPUINFO_BYTES, &text, &size, &error) < 0)
        return 0;
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL)
        n += strncmp(line, "processor", 9) == 0;
    va_free(text);
    return n;
}

/* ---- the boot ---- */

void va_item_boot_time(struct va_scene *scene, struct va_check_result *result)
{
    static const char *const argv[] = {"/usr/bin/systemctl", "show", "--property=FirmwareTimestampMonotonic,FinishTimestampMonotonic",
                                       NULL};
    char firmware[32], finish[32];
    uint64_t before_us = 0, after_us = 0;
    struct va_buffer out;
    int exit_code = 0;
    va_error error;

    if (!va_scene_has_systemd(scene) || va_scene_exists(scene, "/run/systemd/container")) {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "systemd did not boot this machine");
        return;
    }
    va_buffer_init(&out, VA_SCENE_MAX_OUTPUT_BYTES);
    int r = va_scene_run(scene, argv, &out, &exit_code, &error);
    const char *text = out.data != NULL ? out.data : "";
    if (r < 0 || va_parse_field(text, "FirmwareTimestampMonotonic", '=', firmware, sizeof firmware) < 0 ||
        va_parse_field(text, "FinishTimestampMonotonic", '=', finish, sizeof finish) < 0 || va_parse_number(firmware, 10, &before_us) < 0 ||
        va_parse_number(finish, 10, &after_us) < 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "systemctl: %s", r < 0 ? error.text : "it does not know when the boot ended");
    } else {
        double seconds = (double)(before_us + after_us) / 1e6;
        if (after_us == 0)
            va_check_say(result, VA_CHECK_NOT_CHECKED, "the boot has not ended yet");
        else if (seconds < BOOT_S)
            va_check_say(result, VA_CHECK_PASS, "%.1f s", seconds);
        else if (is_emulated(scene))
            va_check_say(result, VA_CHECK_NOT_APPLICABLE, "%.1f s, but an emulated processor's times say nothing", seconds);
        else
            va_check_say(result, VA_CHECK_FAIL, "%.1f s", seconds);
    }
    va_buffer_free(&out);
}

/* 1, 0 or negative. The critical chain shows only what was waited for longest, and a network that came soon is not in it: the unit's order
 * tells, too. */
static int waits_for_network(struct va_scene *scene, struct va_buffer *waits, int *ret_exit, va_error *error)
{
    static const char *const chain[] = {"/usr/bin/systemd-analyze", "critical-chain", "--no-pager", VA_SERVICE, NULL};
    static const char *const order[] = {"/usr/bin/systemctl", "show", "--property=After", VA_SERVICE, NULL};
    int order_exit = 0, r = va_scene_run(scene, chain, waits, ret_exit, error);

    if (r == 0)
        r = va_scene_run(scene, order, waits, &order_exit, error);
    if (r < 0)
        return r;
    *ret_exit |= order_exit;
    return waits->data != NULL && strstr(waits->data, "network-online.target") != NULL;
}

void va_item_boot_analysed(struct va_scene *scene, struct va_check_result *result)
{
    static const char *const blame[] = {"/usr/bin/systemd-analyze", "blame", "--no-pager", NULL};
    struct va_buffer times, waits;
    char path[VA_SCENE_PATH_BYTES];
    int exit_code = 0, chain_exit_code = 0;
    va_error error;

    if (!va_scene_has_systemd(scene) || va_scene_unit(scene, VA_SERVICE, path) < 0) {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "the assistant is no service of systemd here");
        return;
    }
    va_buffer_init(&times, VA_SCENE_MAX_OUTPUT_BYTES);
    va_buffer_init(&waits, VA_SCENE_MAX_OUTPUT_BYTES);
    int r = va_scene_run(scene, blame, &times, &exit_code, &error);
    if (r == 0)
        r = waits_for_network(scene, &waits, &chain_exit_code, &error);
    double seconds = -1;
    if (r >= 0 && times.data != NULL)
        va_parse_blame(times.data, VA_SERVICE, &seconds);
    if (r < 0 || exit_code != 0 || chain_exit_code != 0)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "systemd-analyze: %s", r < 0 ? error.text : "the boot has not ended yet");
    else if (seconds < 0)
        va_check_say(result, VA_CHECK_FAIL, "systemd-analyze knows no start of %s", VA_SERVICE);
    else if (r > 0)
        va_check_say(result, VA_CHECK_FAIL, "the assistant waits for the network");
    else if (seconds >= OWN_BOOT_S && is_emulated(scene))
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "%.1f s, but an emulated processor's times say nothing", seconds);
    else
        va_check_say(result, seconds < OWN_BOOT_S ? VA_CHECK_PASS : VA_CHECK_FAIL, "the assistant's start took %.1f s", seconds);
    va_buffer_free(&times);
    va_buffer_free(&waits);
}

/* ---- memory ---- */

/* Adds what a process has, in kB. */
static int add_memory(const struct va_scene *scene, pid_t pid, uint64_t *resident, uint64_t *own)
{
    uint64_t anonymous, shared, file;

    if (va_scene_process_number(scene, pid, "RssAnon", 10, &anonymous) < 0 ||
        va_scene_process_number(scene, pid, "RssShmem", 10, &shared) < 0 || va_scene_process_number(scene, pid, "RssFile", 10, &file) < 0)
        return VA_ENOTFOUND;
    *resident += anonymous + shared + file;
    *own += anonymous + shared;
    return 0;
}

void va_item_memory_idle(struct va_scene *scene, struct va_check_result *result)
{
    pid_t daemon = va_scene_daemon(scene);
    uint64_t resident = 0, own = 0;

    if (daemon == 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", scene->process.problem);
        return;
    }
    if (add_memory(scene, daemon, &resident, &own) < 0 ||
        (scene->process.launcher != 0 && add_memory(scene, scene->process.launcher, &resident, &own) < 0))
        va_check_say(result, VA_CHECK_NOT_CHECKED, "the kernel does not say what the assistant's memory is");
    else
        va_check_say(result, resident < RESIDENT_KB && own < OWN_KB ? VA_CHECK_PASS : VA_CHECK_FAIL,
                     "%.1f MB resident with the model's pages, %.1f MB of it the program's own", (double)resident / 1024,
                     (double)own / 1024);
}

/* ---- processors ---- */

/* Threads of one transcription, as model.threads says. */
static int threads_of(const va_config *config, int n_processors)
{
    int share = (int)(n_processors / config->model_workers);

    return config->model_threads > 0 ? (int)config->model_threads : share > 1 ? share : 1;
}

void va_item_cpu_active(struct va_scene *scene, struct va_check_result *result)
{
    int n_processors = count_processors(scene), n_threads;
    double worked_s = 0, audio_s = 0;

    if (scene->config == NULL || n_processors == 0 || va_scene_metric(scene, "transcription_duration_seconds_sum", &worked_s) < 0 ||
        va_scene_metric(scene, "voice_assistant_transcribed_audio_seconds_total", &audio_s) < 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s",
                     scene->metrics.problem[0] != '\0' ? scene->metrics.problem : "the assistant's metrics say nothing of it");
        return;
    }
    if (audio_s < MIN_AUDIO_S) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "it has transcribed only %.1f s since its start", audio_s);
        return;
    }
    n_threads = threads_of(scene->config, n_processors);
    n_threads = n_threads < n_processors ? n_threads : n_processors;
    double percent = 100 * worked_s * n_threads / audio_s * SPEECH_SHARE / n_processors;
    if (percent < CPU_PERCENT)
        va_check_say(result, VA_CHECK_PASS, "at most %.1f %% of the machine", percent);
    else if (is_emulated(scene))
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "at most %.1f %%, but an emulated processor's times say nothing", percent);
    else
        va_check_say(result, VA_CHECK_FAIL, "up to %.1f %% of the machine", percent);
}

void va_item_threads(struct va_scene *scene, struct va_check_result *result)
{
    int n_processors = count_processors(scene);
    const json_t *status = va_scene_status(scene);
    int64_t workers = json_integer_value(json_object_get(status, "workers"));
    uint64_t running = 0;
    pid_t daemon = va_scene_daemon(scene);

    if (n_processors == 1) {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "the machine has one processor");
        return;
    }
    if (status == NULL || scene->config == NULL) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", status == NULL ? scene->status.problem : scene->config_error.text);
        return;
    }
    if (daemon != 0)
        va_scene_process_number(scene, daemon, "Threads", 10, &running);
    int each = threads_of(scene->config, n_processors);
    va_check_say(result, workers * each > 1 ? VA_CHECK_PASS : VA_CHECK_FAIL,
                 "%lld workers with %d threads each, on %d processors; %llu threads run", (long long)workers, each, n_processors,
                 (unsigned long long)running);
}

/* ---- buffers ---- */

void va_item_buffer_pool(struct va_scene *scene, struct va_check_result *result)
{
    double n_free = 0, n_used = 0, fallbacks = 0;

    if (scene->config == NULL || va_scene_metric(scene, "voice_assistant_audio_buffers{state=\"free\"}", &n_free) < 0 ||
        va_scene_metric(scene, "voice_assistant_audio_buffers{state=\"used\"}", &n_used) < 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s",
                     scene->metrics.problem[0] != '\0' ? scene->metrics.problem : "the assistant's metrics say nothing of buffers");
        return;
    }
    va_scene_metric(scene, "voice_assistant_audio_buffer_fallbacks_total", &fallbacks);
    int64_t wanted = scene->config->audio_pool_size;
    va_check_say(result, (int64_t)(n_free + n_used) == wanted ? VA_CHECK_PASS : VA_CHECK_FAIL,
                 "%.0f buffers, %lld are configured; %.0f free; %.0f times none was left", n_free + n_used, (long long)wanted, n_free,
                 fallbacks);
}
