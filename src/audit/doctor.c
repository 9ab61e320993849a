/* doctor.c - the installation: configuration, folders, service, disk, clock. What is said and heard is in doctor_parts.c. */
#include "audit/doctor.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "audit/doctor_parts.h"
#include "audit/items.h"
#include "audit/parse.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/paths.h"
#include "helper/helper.h"

#define RECENT_ERRORS_S 86400.0

/* ---- configuration ---- */

static void check_configuration(struct va_scene *scene, struct va_check_result *result)
{
    if (scene->config == NULL) {
        va_check_say(result, VA_CHECK_FAIL, "%s", scene->config_error.text);
        return;
    }
    const char *path = va_config_path(scene->config), *notice = va_config_notice(scene->config);
    if (notice[0] != '\0')
        va_check_say(result, VA_CHECK_FAIL, "settings.yaml: %s", notice);
    else
        va_check_say(result, VA_CHECK_PASS, "%s", path[0] != '\0' ? path : "no file: the defaults");
}

/* ---- folders ---- */

/* The owner must be who runs the assistant. own: this user's. */
static int judge_owner(struct va_scene *scene, const char *path, struct va_check_result *result)
{
    struct stat status;
    pid_t daemon = va_scene_daemon(scene);
    uint64_t uid = (uint64_t)geteuid();
    int r = va_scene_stat(scene, path, &status);

    if (r == VA_ENOTFOUND) {
        va_check_say(result, VA_CHECK_NOTE, "%.200s is not there yet: the assistant makes it", path);
        return 1;
    }
    if (r < 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "this user may not look at %.200s", path);
        return 1;
    }
    if (daemon != 0)
        va_scene_process_number(scene, daemon, "Uid", 10, &uid);
    if (!S_ISDIR(status.st_mode))
        va_check_say(result, VA_CHECK_FAIL, "%.200s is no folder", path);
    else if ((uint64_t)status.st_uid != uid && uid != 0 && (daemon != 0 || !scene->is_root))
        va_check_say(result, VA_CHECK_FAIL, "%.150s belongs to user %u, and the assistant is user %llu", path, (unsigned)status.st_uid,
                     (unsigned long long)uid);
    else if ((status.st_mode & 0700) != 0700)
        va_check_say(result, VA_CHECK_FAIL, "%.200s: its owner may not write there", path);
    else
        return 0;
    va_check_advise(result, "chown and chmod u+rwx %.200s", path);
    return 1;
}

static void check_folders(struct va_scene *scene, struct va_check_result *result)
{
    char path[VA_SCENE_PATH_BYTES];

    if (judge_owner(scene, scene->folder, result))
        return;
    snprintf(path, sizeof path, "%s", scene->log_file);
    char *slash = strrchr(path, '/');
    if (slash != NULL && slash != path) {
        *slash = '\0';
        if (judge_owner(scene, path, result))
            return;
    }
    va_check_say(result, VA_CHECK_PASS, "%.100s%s%.100s", scene->folder, slash != NULL ? ", " : "", slash != NULL ? path : "");
}

static void check_disk(struct va_scene *scene, struct va_check_result *result)
{
    char full[PATH_MAX];
    struct statvfs disk;

    if (scene->config == NULL || snprintf(full, sizeof full, "%s%s", scene->root, scene->folder) >= (int)sizeof full ||
        statvfs(full, &disk) != 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%.200s cannot be looked at", scene->folder);
        return;
    }
    double free_mb = (double)disk.f_bavail * (double)disk.f_frsize / 1048576,
           size_mb = (double)disk.f_blocks * (double)disk.f_frsize / 1048576;
    double percent = size_mb > 0 ? 100 * (1 - free_mb / size_mb) : 0;
    int is_full = free_mb < (double)scene->config->health_disk_free || percent > scene->config->health_disk;
    va_check_say(result, is_full ? VA_CHECK_FAIL : VA_CHECK_PASS, "%.1f GB free of %.1f GB", free_mb / 1024, size_mb / 1024);
}

/* ---- time ---- */

static void check_clock(struct va_scene *scene, struct va_check_result *result)
{
    struct timex clock = {.modes = 0};
    struct stat program;
    char time[VA_CLOCK_TEXT_SIZE];

    va_clock_text(scene->now_unix_s, time);
    if (va_scene_stat(scene, "/proc/self/exe", &program) == 0 && (double)program.st_mtime > scene->now_unix_s + 60)
        va_check_say(result, VA_CHECK_FAIL, "%.19s is before this program was made", time);
    else if (scene->root[0] == '\0' && adjtimex(&clock) == TIME_ERROR)
        va_check_say(result, VA_CHECK_NOTE, "%.19s UTC; no time server keeps it right", time);
    else
        va_check_say(result, VA_CHECK_PASS, "%.19s UTC", time);
}

static void check_time_zone(struct va_scene *scene, struct va_check_result *result)
{
    char target[PATH_MAX];

    if (!va_scene_exists(scene, "/etc/localtime") && va_scene_link(scene, "/etc/localtime", target, sizeof target) == VA_ENOTFOUND) {
        va_check_say(result, VA_CHECK_NOTE, "none is set, so alarms ring by UTC");
        va_check_advise(result, "sudo timedatectl set-timezone Europe/Berlin");
        return;
    }
    const char *name = va_scene_link(scene, "/etc/localtime", target, sizeof target) == 0 ? strstr(target, "zoneinfo/") : NULL;
    va_check_say(result, VA_CHECK_PASS, "%.100s", name != NULL ? name + sizeof "zoneinfo/" - 1 : "/etc/localtime");
}

/* ---- the service ---- */

static void judge_service(const char *text, struct va_check_result *result)
{
    char active[32] = "", restarts[32] = "", reason[64] = "", enabled[32] = "";
    uint64_t n_restarts = 0;

    if (va_parse_field(text, "ActiveState", '=', active, sizeof active) < 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "systemctl says nothing of it");
        return;
    }
    va_parse_field(text, "Result", '=', reason, sizeof reason);
    va_parse_field(text, "UnitFileState", '=', enabled, sizeof enabled);
    if (va_parse_field(text, "NRestarts", '=', restarts, sizeof restarts) == 0)
        va_parse_number(restarts, 10, &n_restarts);
    if (strcmp(active, "active") != 0) {
        va_check_say(result, VA_CHECK_FAIL, "it is %s (%s)", active, reason);
        /* "activating": it fails again and again, with five seconds between. */
        va_check_advise(result, "%s",
                        strcmp(active, "inactive") == 0 ? "sudo systemctl enable --now voice-assistant"
                                                        : "journalctl -u voice-assistant -n 30 says why");
    } else if (n_restarts > 0) {
        va_check_say(result, VA_CHECK_NOTE, "active, but restarted %llu times since it was started", (unsigned long long)n_restarts);
        va_check_advise(result, "journalctl -u voice-assistant -p warning says why");
    } else if (strcmp(enabled, "enabled") != 0) {
        va_check_say(result, VA_CHECK_NOTE, "active, but not at the next boot");
        va_check_advise(result, "sudo systemctl enable voice-assistant");
    } else {
        va_check_say(result, VA_CHECK_PASS, "active, starts at boot");
    }
}

static void check_service(struct va_scene *scene, struct va_check_result *result)
{
    static const char *const argv[] = {"/usr/bin/systemctl", "show", "--property=ActiveState,Result,UnitFileState,NRestarts", VA_SERVICE,
                                       NULL};
    struct va_buffer out;
    char path[VA_SCENE_PATH_BYTES];
    int exit_code = 0;
    va_error error;

    if (!va_scene_has_systemd(scene) || va_scene_unit(scene, VA_SERVICE, path) < 0) {
        pid_t daemon = va_scene_daemon(scene);
        if (daemon != 0)
            va_check_say(result, VA_CHECK_PASS, "no service of systemd; it runs as process %d", (int)daemon);
        else
            va_check_say(result, VA_CHECK_NOTE, "no service of systemd, and %s", scene->process.problem);
        if (daemon == 0)
            va_check_advise(result, "voice-assistant serve");
        return;
    }
    va_buffer_init(&out, VA_SCENE_MAX_OUTPUT_BYTES);
    if (va_scene_run(scene, argv, &out, &exit_code, &error) < 0)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", error.text);
    else
        judge_service(out.data != NULL ? out.data : "", result);
    va_buffer_free(&out);
}

/* Text of the reasons for which GET /health answers 503. */
static void check_health(struct va_scene *scene, struct va_check_result *result)
{
    json_t *answer;
    va_error error;

    if (va_scene_daemon(scene) == 0) {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "%s", scene->process.problem);
        return;
    }
    int r = va_scene_ask(scene, "/health", &answer, &error);
    if (r < 0) {
        va_check_say(result, r == VA_EDENIED ? VA_CHECK_NOT_CHECKED : VA_CHECK_FAIL, "%s", error.text);
        return;
    }
    const char *status = json_string_value(json_object_get(answer, "status"));
    const json_t *reason = json_array_get(json_object_get(answer, "reasons"), 0);
    const char *message = json_string_value(json_object_get(reason, "message"));
    if (status != NULL && strcmp(status, "healthy") == 0)
        va_check_say(result, VA_CHECK_PASS, "healthy");
    else
        va_check_say(result, VA_CHECK_FAIL, "%s", message != NULL ? message : "it does not say that it is healthy");
    json_decref(answer);
}

static void check_version(struct va_scene *scene, struct va_check_result *result)
{
    const json_t *status = va_scene_status(scene);
    const char *version = json_string_value(json_object_get(status, "version"));
    pid_t daemon = va_scene_daemon(scene);
    char path[64], target[PATH_MAX];

    if (daemon == 0 && status == NULL) {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "%s", scene->process.problem);
        return;
    }
    snprintf(path, sizeof path, "/proc/%d/exe", (int)daemon);
    int is_replaced = daemon != 0 && va_scene_link(scene, path, target, sizeof target) == 0 && strstr(target, " (deleted)") != NULL;
    if (version != NULL && strcmp(version, va_version()) != 0)
        va_check_say(result, VA_CHECK_FAIL, "the assistant that runs is %.30s, this program %s", version, va_version());
    else if (is_replaced)
        va_check_say(result, VA_CHECK_FAIL, "the program was replaced since the assistant started");
    else if (version == NULL)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", scene->status.problem);
    else
        va_check_say(result, VA_CHECK_PASS, "%s", version);
}

static void check_helper(struct va_scene *scene, struct va_check_result *result)
{
    static const char unit[] = "voice-assistant-helper.socket";
    char path[VA_SCENE_PATH_BYTES];
    va_error error;

    if (va_scene_unit(scene, unit, path) < 0) {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "it is not installed: power modes need root");
        return;
    }
    int r = scene->means->knock(scene->means->user, VA_HELPER_SOCKET, &error);
    if (r == VA_EDENIED)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "this user may not reach it");
    else if (r < 0)
        va_check_say(result, VA_CHECK_FAIL, "%s", error.text);
    else
        va_check_say(result, VA_CHECK_PASS, "it answers");
}

static void check_sandbox(struct va_scene *scene, struct va_check_result *result)
{
    char path[VA_SCENE_PATH_BYTES];

    if (va_scene_unit(scene, VA_SERVICE, path) < 0)
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "the assistant is no service here");
    else
        va_item_sandbox(scene, result);
}

/* ---- the log ---- */

/* Counts the errors since a time; ret_last: what the last one says. */
static int count_errors(char *text, double since_s, char ret_last[200])
{
    char *rest = NULL;
    int n = 0;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        const char *level = json_string_value(json_object_get(object, "level")),
                   *time = json_string_value(json_object_get(object, "timestamp"));
        const char *message = json_string_value(json_object_get(object, "message"));
        double at_s;
        if (level != NULL && strcasecmp(level, "error") == 0 && time != NULL && va_clock_parse(time, &at_s) == 0 && at_s >= since_s) {
            n++;
            snprintf(ret_last, 200, "%.199s", message != NULL ? message : "");
        }
        json_decref(object);
    }
    return n;
}

static void check_log(struct va_scene *scene, struct va_check_result *result)
{
    char *text, last[200] = "";
    size_t size;
    va_error error;

    if (scene->log_file[0] == '\0') {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "there is no log file (log.file)");
        return;
    }
    int r = va_scene_tail(scene, scene->log_file, &text, &size, &error);
    if (r == VA_ENOTFOUND || r == VA_EDENIED) {
        va_check_say(result, r == VA_ENOTFOUND ? VA_CHECK_NOTE : VA_CHECK_NOT_CHECKED,
                     r == VA_ENOTFOUND ? "%s is not there yet" : "this user may not read %s", scene->log_file);
        return;
    }
    if (r < 0) {
        va_check_say(result, VA_CHECK_FAIL, "%s", error.text);
        return;
    }
    int n = count_errors(text, scene->now_unix_s - RECENT_ERRORS_S, last);
    va_free(text);
    if (n > 0)
        va_check_say(result, VA_CHECK_FAIL, "%d error%s in the last 24 hours: %s", n, n == 1 ? "" : "s", last);
    else
        va_check_say(result, VA_CHECK_PASS, "no errors in the last 24 hours");
}

/* ---- the table ---- */

static const struct va_check checks[] = {
    {"configuration", "it can be read", 0, "voice-assistant config check", check_configuration},
    {"folders", "data and log can be written", 0, "", check_folders},
    {"disk", "there is space", 0, "make space, or lower history.max_size and speech.cache", check_disk},
    {"model", "the speech model is there and intact", 0, "voice-assistant model fetch base", va_doctor_model},
    {"words", "what listening needs is there", 0, "voice-assistant model fetch wake", va_doctor_words},
    {"commands", "the command files can be read", 0, "voice-assistant commands check", va_doctor_commands},
    {"microphone", "it is there and can be opened", 0, "voice-assistant devices lists what there is", va_doctor_microphone},
    {"loudspeaker", "it is there and can be opened", 0, "voice-assistant devices lists what there is", va_doctor_loudspeaker},
    {"voice", "the program that speaks is there", 0, "sudo apt-get install espeak-ng", va_doctor_voice},
    {"ports", "they are free, or the assistant's", 0, "end the other program, or choose another port", va_doctor_ports},
    {"service", "it runs, and starts at boot", 0, "", check_service},
    {"health", "it says that it is healthy", 0, "journalctl -u voice-assistant -n 30 says more", check_health},
    {"version", "what runs is what is installed", 0, "sudo systemctl restart voice-assistant", check_version},
    {"helper", "power modes can be set", 0, "sudo systemctl enable --now voice-assistant-helper.socket", check_helper},
    {"sandbox", "the service is confined", 0, "see systemctl cat voice-assistant for what was changed", check_sandbox},
    {"privacy", "privacy mode", 0, "", va_doctor_privacy},
    {"log", "it has no errors of late", 0, "see the log", check_log},
    {"clock", "it is right", 0, "sudo timedatectl set-ntp true, or set it by hand", check_clock},
    {"time-zone", "it is set", 0, "", check_time_zone},
};

const struct va_check *va_doctor_checks(size_t *ret_n)
{
    *ret_n = sizeof checks / sizeof checks[0];
    return checks;
}
