/* item_confinement.c - what keeps the running assistant from doing harm. */
#include "audit/items.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/parse.h"
#include "base/memory.h"

#define MAX_PASSWD_BYTES ((size_t)1 << 20)

/* ---- AppArmor, SELinux ---- */

/* The label of a process: "NAME (enforce)", "unconfined", "user:role:type:level". */
static int read_label(const struct va_scene *scene, pid_t pid, int is_apparmor, char *ret_text, size_t capacity)
{
    char path[64];
    int r = VA_ENOTFOUND;

    snprintf(path, sizeof path, "/proc/%d/attr/apparmor/current", (int)pid);
    if (is_apparmor)
        r = va_scene_text(scene, path, ret_text, capacity);
    if (r < 0) {
        snprintf(path, sizeof path, "/proc/%d/attr/current", (int)pid);
        r = va_scene_text(scene, path, ret_text, capacity);
    }
    return r;
}

/* 1 when a label confines, 0 when not. */
static int is_confined(int is_apparmor, const char *label)
{
    return is_apparmor ? strstr(label, "(enforce)") != NULL && strstr(label, "voice-assistant") != NULL
                       : strstr(label, ":voice_assistant") != NULL;
}

static void judge_processes(struct va_scene *scene, int is_apparmor, struct va_check_result *result)
{
    const char *system = is_apparmor ? "AppArmor" : "SELinux";
    pid_t daemon = va_scene_daemon(scene), pids[2] = {daemon, scene->process.launcher};
    char label[256] = "", first[256] = "";

    if (daemon == 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s is enforcing, and %s", system, scene->process.problem);
        return;
    }
    for (size_t i = 0; i < 2 && pids[i] != 0; i++) {
        if (read_label(scene, pids[i], is_apparmor, label, sizeof label) < 0) {
            va_check_say(result, VA_CHECK_NOT_CHECKED, "the label of process %d cannot be read: run it as root", (int)pids[i]);
            return;
        }
        if (!is_confined(is_apparmor, label)) {
            va_check_say(result, VA_CHECK_FAIL, "%s: the %s is \"%.100s\"", system, i == 0 ? "assistant" : "launcher", label);
            return;
        }
        if (i == 0)
            snprintf(first, sizeof first, "%s", label);
    }
    va_check_say(result, VA_CHECK_PASS, "%s: %.200s", system, first);
}

void va_item_mandatory_access(struct va_scene *scene, struct va_check_result *result)
{
    char text[16];

    if (va_scene_text(scene, "/sys/fs/selinux/enforce", text, sizeof text) == 0) {
        if (strcmp(text, "1") == 0)
            judge_processes(scene, 0, result);
        else
            va_check_say(result, VA_CHECK_FAIL, "SELinux is permissive");
    } else if (va_scene_text(scene, "/sys/module/apparmor/parameters/enabled", text, sizeof text) == 0 && text[0] == 'Y') {
        judge_processes(scene, 1, result);
    } else {
        va_check_say(result, VA_CHECK_FAIL, "neither AppArmor nor SELinux is on in this kernel");
        va_check_advise(result, "install apparmor, and boot with lsm=...,apparmor where the kernel needs it");
    }
}

/* ---- what the process gave up ---- */

struct status_rule {
    const char *field;
    int base;
    uint64_t wanted;
    const char *complaint;
};

/* "" when all is well. */
static void judge_process(const struct va_scene *scene, pid_t pid, const char *name, char ret_complaint[VA_CHECK_TEXT_BYTES])
{
    static const struct status_rule rules[] = {
        {"Seccomp", 10, 2, "has no filter of system calls"},
        {"NoNewPrivs", 10, 1, "may gain privileges"},
        {"CapEff", 16, 0, "has capabilities"},
        {"CapPrm", 16, 0, "may take capabilities"},
    };
    uint64_t value;

    ret_complaint[0] = '\0';
    if (va_scene_process_number(scene, pid, "Uid", 10, &value) == 0 && value == 0)
        snprintf(ret_complaint, VA_CHECK_TEXT_BYTES, "the %s runs as root", name);
    for (size_t i = 0; ret_complaint[0] == '\0' && i < sizeof rules / sizeof rules[0]; i++)
        if (va_scene_process_number(scene, pid, rules[i].field, rules[i].base, &value) < 0 || value != rules[i].wanted)
            snprintf(ret_complaint, VA_CHECK_TEXT_BYTES, "the %s %s (%s)", name, rules[i].complaint, rules[i].field);
}

/* Whether it is the user of a person, who has other things to lose than the assistant's: by the shell in /etc/passwd. */
static int logs_in(const struct va_scene *scene, uint64_t uid, char ret_name[64])
{
    char *text;
    size_t size;
    int found = 0;
    va_error error;

    if (va_scene_file(scene, "/etc/passwd", MAX_PASSWD_BYTES, &text, &size, &error) < 0)
        return 0;
    FILE *file = fmemopen(text, size, "r");
    for (const struct passwd *entry; file != NULL && !found && (entry = fgetpwent(file)) != NULL;) {
        const char *slash = strrchr(entry->pw_shell, '/'), *shell = slash != NULL ? slash + 1 : entry->pw_shell;
        found = entry->pw_uid == uid && strcmp(shell, "nologin") != 0 && strcmp(shell, "false") != 0;
        snprintf(ret_name, 64, "%.63s", entry->pw_name);
    }
    if (file != NULL)
        fclose(file);
    va_free(text);
    return found;
}

void va_item_sandbox(struct va_scene *scene, struct va_check_result *result)
{
    pid_t daemon = va_scene_daemon(scene), launcher = scene->process.launcher;
    char complaint[VA_CHECK_TEXT_BYTES] = "", name[64];
    uint64_t uid = 0;

    if (daemon == 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", scene->process.problem);
        return;
    }
    judge_process(scene, daemon, "assistant", complaint);
    if (complaint[0] == '\0' && launcher != 0)
        judge_process(scene, launcher, "launcher", complaint);
    if (complaint[0] != '\0') {
        va_check_say(result, VA_CHECK_FAIL, "%s", complaint);
        return;
    }
    va_scene_process_number(scene, daemon, "Uid", 10, &uid);
    if (logs_in(scene, uid, name))
        va_check_say(result, VA_CHECK_FAIL, "the assistant runs as %s, who can log in: it has no user of its own", name);
    else
        va_check_say(result, VA_CHECK_PASS, "user %llu, no capabilities, no new privileges, seccomp filter", (unsigned long long)uid);
}

/* ---- what systemd says of the service ---- */

void va_item_exposure(struct va_scene *scene, struct va_check_result *result)
{
    static const char *const argv[] = {"/usr/bin/systemd-analyze", "security", "--no-pager", "--threshold=20", VA_SERVICE, NULL};
    struct va_buffer out;
    char path[VA_SCENE_PATH_BYTES];
    int exit_code = 0;
    va_error error;

    if (!va_scene_has_systemd(scene) || va_scene_unit(scene, VA_SERVICE, path) < 0) {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "the assistant is no service of systemd here");
        return;
    }
    va_buffer_init(&out, VA_SCENE_MAX_OUTPUT_BYTES);
    int r = va_scene_run(scene, argv, &out, &exit_code, &error);
    const char *found = r == 0 && out.data != NULL ? strstr(out.data, "exposure level for ") : NULL;
    const char *colon = found != NULL ? strstr(found, ": ") : NULL;
    if (r < 0)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", error.text);
    else if (colon == NULL)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "systemd-analyze says nothing of %s", VA_SERVICE);
    else
        va_check_say(result, exit_code == 0 ? VA_CHECK_PASS : VA_CHECK_FAIL, "%.*s of 10", (int)strcspn(colon + 2, " \n"), colon + 2);
    va_buffer_free(&out);
}
