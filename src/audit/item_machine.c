/* item_machine.c - firmware, kernel, disks, units, processors. */
#include "audit/items.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "audit/parse.h"
#include "base/memory.h"
#include "helper/helper.h"
#include "power/power.h"
#include "privacy/encryption.h"

/* ---- secure boot ---- */

void va_item_secure_boot(struct va_scene *scene, struct va_check_result *result)
{
    static const char variable[] = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    char *data;
    size_t size;
    va_error error;

    if (!va_scene_exists(scene, "/sys/firmware/efi")) {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "the machine did not boot by UEFI");
        return;
    }
    int r = va_scene_file(scene, variable, 64, &data, &size, &error);
    if (r == VA_ENOTFOUND) {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "the firmware does not know Secure Boot");
        return;
    }
    if (r < 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", error.text);
        return;
    }
    /* Four bytes of attributes stand before the value. */
    if (size != 5)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "the firmware's variable SecureBoot has %zu bytes", size);
    else
        va_check_say(result, data[4] == 1 ? VA_CHECK_PASS : VA_CHECK_FAIL, "Secure Boot is %s", data[4] == 1 ? "on" : "off");
    va_free(data);
}

/* ---- encryption ---- */

void va_item_encryption(struct va_scene *scene, struct va_check_result *result)
{
    /* What voice-assistant-setup leaves beside the folder until somebody removes it. */
    static const char *const copies[] = {".plain", ".copy"};
    char folder[PATH_MAX], path[PATH_MAX];
    va_error error;

    snprintf(folder, sizeof folder, "%s%s", scene->root, scene->folder);
    int r = va_encryption_check(scene->root, folder, &error);
    for (size_t i = 0; r == 0 && i < sizeof copies / sizeof copies[0]; i++) {
        snprintf(path, sizeof path, "%.2048s%s", folder, copies[i]);
        if (va_encryption_check(scene->root, path, NULL) != VA_EDENIED)
            continue;
        va_check_say(result, VA_CHECK_FAIL, "%.200s%s holds an unencrypted copy", scene->folder, copies[i]);
        va_check_advise(result, "sudo rm -r %.200s%s", scene->folder, copies[i]);
        return;
    }
    if (r == 0)
        va_check_say(result, VA_CHECK_PASS, "%.200s lies on an encrypted disk", scene->folder);
    else
        va_check_say(result, r == VA_ENOTFOUND ? VA_CHECK_NOT_CHECKED : VA_CHECK_FAIL, "%s", error.text);
}

/* ---- the kernel's command line ---- */

void va_item_kernel_parameters(struct va_scene *scene, struct va_check_result *result)
{
    static const char *const wanted[] = {"quiet", "loglevel=1", "logo.nologo", "rootwait", "fsck.repair=yes"};
    char line[4096], missing[128] = "";

    if (va_scene_text(scene, "/proc/cmdline", line, sizeof line) < 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "/proc/cmdline cannot be read");
        return;
    }
    if (va_scene_exists(scene, "/run/systemd/container") || va_scene_exists(scene, "/run/.containerenv") ||
        va_scene_exists(scene, "/.dockerenv")) {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "a container has no kernel of its own");
        return;
    }
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!va_parse_has_word(line, wanted[i]))
            snprintf(missing + strlen(missing), sizeof missing - strlen(missing), " %s", wanted[i]);
    if (missing[0] == '\0')
        va_check_say(result, VA_CHECK_PASS, "quiet loglevel=1 logo.nologo rootwait fsck.repair=yes are there");
    else
        va_check_say(result, VA_CHECK_FAIL, "missing:%s", missing);
}

/* ---- services ---- */

struct process_search {
    const struct va_scene *scene;
    const char *name;
};

static int has_name(void *user, const char *pid)
{
    const struct process_search *search = user;
    char path[64], name[32];

    if (!isdigit((unsigned char)pid[0]))
        return 0;
    snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    return va_scene_text(search->scene, path, name, sizeof name) == 0 && strcmp(name, search->name) == 0;
}

void va_item_services(struct va_scene *scene, struct va_check_result *result)
{
    static const struct {
        const char *unit, *process;
    } services[] = {
        {"bluetooth.service", "bluetoothd"}, {"avahi-daemon.service", "avahi-daemon"}, {"ModemManager.service", "ModemManager"}};
    char path[VA_SCENE_PATH_BYTES];

    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        const char *unit = services[i].unit;
        struct process_search search = {scene, services[i].process};
        const char *complaint = NULL;
        if (va_scene_each(scene, "/proc", has_name, &search))
            complaint = "runs";
        else if (!va_scene_unit_is_masked(scene, unit) && va_scene_unit(scene, unit, path) == 0 && va_scene_unit_is_enabled(scene, unit))
            complaint = "starts at boot";
        if (complaint != NULL) {
            va_check_say(result, VA_CHECK_FAIL, "%s %s", unit, complaint);
            va_check_advise(result, "sudo systemctl mask --now %s", unit);
            return;
        }
    }
    va_check_say(result, VA_CHECK_PASS, "none of the three starts at boot or runs");
}

/* ---- processors ---- */

struct governors {
    const struct va_scene *scene;
    char first[32], other[32];
    int n;
};

static int note_governor(void *user, const char *name)
{
    struct governors *governors = user;
    char path[VA_SCENE_PATH_BYTES], text[32];

    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpufreq/%.100s/scaling_governor", name);
    if (strncmp(name, "policy", 6) != 0 || va_scene_text(governors->scene, path, text, sizeof text) < 0)
        return 0;
    if (governors->n++ == 0)
        snprintf(governors->first, sizeof governors->first, "%s", text);
    else if (strcmp(text, governors->first) != 0)
        snprintf(governors->other, sizeof governors->other, "%s", text);
    return 0;
}

void va_item_cpu_frequency(struct va_scene *scene, struct va_check_result *result)
{
    struct governors governors = {.scene = scene};
    struct va_power_state state;
    char path[VA_SCENE_PATH_BYTES];

    va_scene_each(scene, "/sys/devices/system/cpu/cpufreq", note_governor, &governors);
    if (governors.n == 0) {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "the kernel cannot set the processor's frequency");
        return;
    }
    va_power_read(scene->root, &state);
    if (governors.other[0] != '\0')
        va_check_say(result, VA_CHECK_FAIL, "the processors have different governors: %s and %s", governors.first, governors.other);
    else if (state.mode == NULL)
        va_check_say(result, VA_CHECK_FAIL, "the governor %s belongs to no power mode", governors.first);
    else if (scene->config != NULL && !scene->config->power_automatic && strcmp(scene->config->power_mode, "keep") != 0 &&
             strcmp(scene->config->power_mode, state.mode) != 0)
        va_check_say(result, VA_CHECK_FAIL, "the governor %s is not that of power.mode %s", governors.first, scene->config->power_mode);
    else if (va_scene_unit(scene, "cpu-governor.service", path) < 0 || !va_scene_unit_is_enabled(scene, "cpu-governor.service"))
        va_check_say(result, VA_CHECK_FAIL, "the governor is %s, but cpu-governor.service does not set it at boot", governors.first);
    else
        va_check_say(result, VA_CHECK_PASS, "governor %s (%s), set at boot", governors.first, state.mode);
}

void va_item_power_modes(struct va_scene *scene, struct va_check_result *result)
{
    struct va_power_state state;
    va_error error;

    va_power_read(scene->root, &state);
    int r = scene->means->knock(scene->means->user, VA_HELPER_SOCKET, &error);
    if (state.governor[0] == '\0' && state.backlight < 0 && !state.can_sleep)
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "there is neither a governor nor a backlight nor a clock that wakes the machine");
    else if (r == VA_EDENIED)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "this user may not reach the helper");
    else if (r < 0)
        va_check_say(result, VA_CHECK_FAIL, "the helper does not answer: %s", error.text);
    else
        va_check_say(result, VA_CHECK_PASS, "mode %s; governors %s; backlight %s; sleep %s; the helper answers",
                     state.mode != NULL ? state.mode : "none", state.governor[0] != '\0' ? state.governors : "not present",
                     state.backlight >= 0 ? "present" : "not present", state.can_sleep ? "possible" : "not possible");
}
