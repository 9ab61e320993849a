/* item_files.c - modes of files, the log, the privacy switch. */
#include "audit/items.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/parse.h"
#include "base/memory.h"
#include "privacy/privacy.h"

/* ---- modes and owners ---- */

struct modes {
    struct va_scene *scene;
    uid_t owner;        /* beside root */
    const char *folder; /* of the entries that are called for */
    unsigned forbidden; /* bits of the mode */
    int n;
    char complaint[VA_CHECK_TEXT_BYTES];
};

/* What is there must have none of the forbidden bits, and belong to root or to the assistant: its owner can change the rest. */
static void judge_mode(struct modes *modes, const char *path, unsigned forbidden)
{
    struct stat status;

    if (path[0] != '/' || modes->complaint[0] != '\0')
        return;
    int r = va_scene_stat(modes->scene, path, &status);
    modes->n += r == 0;
    if (r == 0 && (status.st_mode & forbidden) != 0)
        snprintf(modes->complaint, sizeof modes->complaint, "%.200s has mode %04o: others may %s it", path, status.st_mode & 07777,
                 forbidden & 0004 ? "read or change" : "change");
    else if (r == 0 && status.st_uid != 0 && status.st_uid != modes->owner)
        snprintf(modes->complaint, sizeof modes->complaint, "%.200s belongs to user %u, who is neither root nor the assistant", path,
                 (unsigned)status.st_uid);
}

/* The assistant's user, as far as that can be seen: who runs it, else whose the data folder is. */
static uid_t find_owner(struct va_scene *scene)
{
    pid_t daemon = va_scene_daemon(scene);
    struct stat status;
    uint64_t user;

    if (daemon != 0 && va_scene_process_number(scene, daemon, "Uid", 10, &user) == 0)
        return (uid_t)user;
    return va_scene_stat(scene, scene->folder, &status) == 0 ? status.st_uid : geteuid();
}

static int judge_entry(void *user, const char *name)
{
    struct modes *modes = user;
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", modes->folder, name) < (int)sizeof path)
        judge_mode(modes, path, modes->forbidden);
    return modes->complaint[0] != '\0';
}

static void judge_folder(struct modes *modes, const char *folder, unsigned of_folder, unsigned of_entries)
{
    if (folder[0] != '/')
        return;
    judge_mode(modes, folder, of_folder);
    modes->folder = folder;
    modes->forbidden = of_entries;
    va_scene_each(modes->scene, folder, judge_entry, modes);
}

void va_item_files(struct va_scene *scene, struct va_check_result *result)
{
    static const char *const secret_folders[] = {"access", "tls"};
    const va_config *config = scene->config;
    struct modes modes = {.scene = scene, .owner = find_owner(scene)};
    char path[PATH_MAX];

    judge_mode(&modes, scene->folder, 0007);
    for (size_t i = 0; i < sizeof secret_folders / sizeof secret_folders[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", scene->folder, secret_folders[i]);
        judge_folder(&modes, path, 0077, 0077);
    }
    snprintf(path, sizeof path, "%s/%s", scene->folder, VA_PRIVACY_FILE);
    judge_mode(&modes, path, 0077);
    snprintf(path, sizeof path, "%s/history.db", scene->folder);
    judge_mode(&modes, path, 0007);
    if (scene->log_file[0] != '\0')
        judge_mode(&modes, scene->log_file, 0007);
    if (config != NULL) {
        judge_mode(&modes, config->home_assistant_token_file, 0077);
        judge_mode(&modes, config->mqtt_password_file, 0077);
        judge_mode(&modes, config->remote_token_file, 0077);
        judge_mode(&modes, config->server_key, 0077);
        judge_mode(&modes, va_config_path(config), 0022);
        judge_folder(&modes, config->commands_folder, 0022, 0022);
    }
    judge_folder(&modes, "/etc/voice-assistant", 0022, 0022);
    judge_folder(&modes, "/etc/voice-assistant/commands", 0022, 0022);
    /* What voice-assistant-setup makes: the key of the volume, and those that sign kernels. */
    judge_mode(&modes, "/etc/voice-assistant/data.key", 0077);
    judge_mode(&modes, "/etc/voice-assistant/secure-boot", 0077);
    judge_mode(&modes, "/usr/bin/voice-assistant", 0022);
    judge_folder(&modes, "/usr/libexec/voice-assistant", 0022, 0022);
    if (modes.complaint[0] != '\0')
        va_check_say(result, VA_CHECK_FAIL, "%s", modes.complaint);
    else if (modes.n == 0)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "this user may not look at %.200s", scene->folder);
    else
        va_check_say(result, VA_CHECK_PASS, "%d files and folders have the modes they must have", modes.n);
}

/* ---- the log ---- */

struct open_file {
    const struct va_scene *scene;
    const char *wanted;
    int n; /* descriptors that could be looked at */
    pid_t pid;
};

static int is_open(void *user, const char *name)
{
    struct open_file *file = user;
    char path[96], target[PATH_MAX];

    snprintf(path, sizeof path, "/proc/%d/fd/%.20s", (int)file->pid, name);
    if (va_scene_link(file->scene, path, target, sizeof target) < 0)
        return 0;
    file->n++;
    return strcmp(target, file->wanted) == 0;
}

/* The last line must be an object with what every line has. NULL: all is well. */
static const char *judge_last_line(char *text, size_t n)
{
    static const char *const members[] = {"timestamp", "level", "module", "message"};
    const char *complaint = NULL;

    while (n > 0 && text[n - 1] == '\n')
        text[--n] = '\0';
    char *line = strrchr(text, '\n');
    json_t *object = json_loads(line != NULL ? line + 1 : text, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object))
        complaint = "its last line is no JSON object";
    for (size_t i = 0; complaint == NULL && i < sizeof members / sizeof members[0]; i++)
        if (!json_is_string(json_object_get(object, members[i])))
            complaint = "its last line lacks timestamp, level, module or message";
    json_decref(object);
    return complaint;
}

void va_item_log(struct va_scene *scene, struct va_check_result *result)
{
    struct open_file file = {.scene = scene, .wanted = scene->log_file, .pid = va_scene_daemon(scene)};
    char path[64], *text;
    const char *complaint;
    double lost = 0;
    size_t size;
    va_error error;

    if (scene->log_file[0] == '\0') {
        va_check_say(result, VA_CHECK_FAIL, "there is no log file: log.file is none");
        return;
    }
    int r = va_scene_tail(scene, scene->log_file, &text, &size, &error);
    if (r < 0) {
        va_check_say(result, r == VA_EDENIED ? VA_CHECK_NOT_CHECKED : VA_CHECK_FAIL, "%s", error.text);
        return;
    }
    complaint = size == 0 ? "it is empty" : judge_last_line(text, size);
    va_free(text);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)file.pid);
    int is_written = file.pid != 0 && va_scene_each(scene, path, is_open, &file);
    if (complaint == NULL && file.pid != 0 && file.n > 0 && !is_written)
        complaint = "the assistant does not write to it";
    if (complaint == NULL && va_scene_metric(scene, "voice_assistant_log_lines_lost_total", &lost) == 0 && lost > 0)
        complaint = "lines were lost";
    if (complaint != NULL)
        va_check_say(result, VA_CHECK_FAIL, "%.200s: %s", scene->log_file, complaint);
    else if (!is_written)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s",
                     file.pid == 0 ? scene->process.problem : "whether it is written to can only be seen as root");
    else
        va_check_say(result, VA_CHECK_PASS, "%.200s: JSON lines, written by the assistant, none lost", scene->log_file);
}

/* ---- privacy ---- */

static int is_capture(void *user, const char *name)
{
    struct open_file *file = user;
    char path[96], target[PATH_MAX];

    snprintf(path, sizeof path, "/proc/%d/fd/%.20s", (int)file->pid, name);
    if (va_scene_link(file->scene, path, target, sizeof target) < 0)
        return 0;
    file->n++;
    size_t n = strlen(target);
    return strncmp(target, "/dev/snd/pcm", 12) == 0 && target[n - 1] == 'c';
}

/* The switch of the data folder: 1 on, 0 off, -1 not known. */
static int read_switch(const struct va_scene *scene)
{
    char path[PATH_MAX], text[16];

    snprintf(path, sizeof path, "%s/%s", scene->folder, VA_PRIVACY_FILE);
    int r = va_scene_text(scene, path, text, sizeof text);
    if (r == VA_ENOTFOUND)
        return 0;
    return r < 0 ? -1 : strcmp(text, "off") != 0;
}

void va_item_privacy(struct va_scene *scene, struct va_check_result *result)
{
    struct open_file file = {.scene = scene, .pid = va_scene_daemon(scene)};
    char path[64];
    json_t *answer;
    va_error error;

    int r = va_scene_ask(scene, "/privacy", &answer, &error);
    if (r < 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", error.text);
        return;
    }
    const json_t *mode = json_object_get(answer, "privacy_mode");
    int is_known = json_is_boolean(mode), on = json_is_true(mode), wanted = read_switch(scene);
    json_decref(answer);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)file.pid);
    int is_heard = on && file.pid != 0 && va_scene_each(scene, path, is_capture, &file);
    if (!is_known)
        va_check_say(result, VA_CHECK_FAIL, "the assistant does not say whether privacy mode is on");
    else if (wanted >= 0 && wanted != on)
        va_check_say(result, VA_CHECK_FAIL, "the switch in the data folder says %s, the assistant %s", wanted ? "on" : "off",
                     on ? "on" : "off");
    else if (is_heard)
        va_check_say(result, VA_CHECK_FAIL, "privacy mode is on, and a microphone is open");
    else if (on && file.n == 0)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "privacy mode is on; whether a microphone is open can only be seen as root");
    else
        va_check_say(result, VA_CHECK_PASS, "it is %s%s", on ? "on, and no microphone is open" : "off",
                     wanted < 0 ? "" : ", and the switch says the same");
}
