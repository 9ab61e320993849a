#include "helper/verbs.h"

#include <errno.h>
#include <limits.h>
#include <linux/rfkill.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sysfs.h"

#define POLICIES "/sys/devices/system/cpu/cpufreq"
#define BACKLIGHTS "/sys/class/backlight"
#define RADIOS "/sys/class/rfkill"
#define RADIO_DEVICE "/dev/rfkill"
#define CLOCK "/sys/class/rtc/rtc0"
#define STATES "/sys/power/state"
#define ALARM_SLACK_S 3

/* ---- the governor ---- */

struct policies {
    const char *root, *governor;
    int is_check, n, result;
    va_error *error;
};

static int change_policy(void *user, const char *name)
{
    struct policies *policies = user;
    char path[VA_SYSFS_PATH_BYTES];

    if (strncmp(name, "policy", 6) != 0)
        return 0;
    policies->n++;
    snprintf(path, sizeof path, POLICIES "/%.100s/scaling_governor", name);
    policies->result = policies->is_check ? va_sysfs_check_writable(policies->root, path, policies->error)
                                          : va_sysfs_write(policies->root, path, policies->governor, policies->error);
    return policies->result < 0;
}

static int run_governor(const struct va_helper_place *place, const struct va_helper_request *request, int is_check, va_error *error)
{
    struct policies policies = {.root = place->root, .governor = request->words[0], .is_check = is_check, .error = error};

    (void)va_sysfs_each(place->root, POLICIES, change_policy, &policies);
    return policies.n > 0 ? policies.result : va_fail(error, VA_ENOTFOUND, "not present: CPU frequency scaling");
}

/* ---- the panel ---- */

static int run_brightness(const struct va_helper_place *place, const struct va_helper_request *request, int is_check, va_error *error)
{
    char path[VA_SYSFS_PATH_BYTES], text[24];

    if (va_sysfs_first(place->root, BACKLIGHTS, "", "brightness", path) < 0)
        return va_fail(error, VA_ENOTFOUND, "not present: a panel's backlight");
    snprintf(text, sizeof text, "%lld", (long long)request->number);
    return is_check ? va_sysfs_check_writable(place->root, path, error) : va_sysfs_write(place->root, path, text, error);
}

/* ---- Wi-Fi ---- */

static int is_wifi(void *user, const char *name)
{
    char path[VA_SYSFS_PATH_BYTES], type[32];

    snprintf(path, sizeof path, RADIOS "/%.100s/type", name);
    return va_sysfs_read(user, path, type, sizeof type, NULL) == 0 && strcmp(type, "wlan") == 0;
}

/* One event for all Wi-Fi radios. Their files in sysfs would want a capability; the device wants permission to write only. */
static int run_wifi(const struct va_helper_place *place, const struct va_helper_request *request, int is_check, va_error *error)
{
    const struct rfkill_event event = {.type = RFKILL_TYPE_WLAN, .op = RFKILL_OP_CHANGE_ALL, .soft = strcmp(request->words[0], "off") == 0};

    if (!va_sysfs_each(place->root, RADIOS, is_wifi, (void *)place->root))
        return va_fail(error, VA_ENOTFOUND, "not present: Wi-Fi");
    if (!is_check)
        return va_sysfs_write_bytes(place->root, RADIO_DEVICE, &event, sizeof event, error);
    int r = va_sysfs_check_writable(place->root, RADIO_DEVICE, error);
    /* There are radios, so there is a device: a sandbox hides it. */
    return r == VA_ENOTFOUND ? va_fail(error, VA_EDENIED, "needs permission to write " RADIO_DEVICE) : r;
}

/* ---- sleep ---- */

/* "mem", or what comes near it; NULL: none. */
static const char *sleep_state(const char *root)
{
    static const char *const states[] = {"mem", "standby", "freeze"};
    char text[128];

    if (va_sysfs_read(root, STATES, text, sizeof text, NULL) < 0)
        return NULL;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        const char *at = strstr(text, states[i]), *end = at == NULL ? NULL : at + strlen(states[i]);
        if (at != NULL && (at == text || at[-1] == ' ') && (*end == ' ' || *end == '\0'))
            return states[i];
    }
    return NULL;
}

/* A machine that would not wake is not put to sleep: the alarm is read back, and must be as far from the clock's time as it should be. */
static int set_alarm(const char *root, int64_t seconds, va_error *error)
{
    int64_t now, alarm;
    char text[32];
    int r;

    snprintf(text, sizeof text, "+%lld", (long long)seconds);
    if ((r = va_sysfs_write(root, CLOCK "/wakealarm", "0", error)) < 0 || (r = va_sysfs_write(root, CLOCK "/wakealarm", text, error)) < 0)
        return r;
    if ((r = va_sysfs_read_number(root, CLOCK "/since_epoch", &now, error)) < 0 ||
        (r = va_sysfs_read_number(root, CLOCK "/wakealarm", &alarm, error)) < 0)
        return r;
    if (alarm < now + seconds - ALARM_SLACK_S || alarm > now + seconds + ALARM_SLACK_S)
        return va_fail(error, VA_EIO, "the real-time clock did not take the alarm: it is at %lld, the alarm at %lld", (long long)now,
                       (long long)alarm);
    return 0;
}

static int run_sleep(const struct va_helper_place *place, const struct va_helper_request *request, int is_check, va_error *error)
{
    const char *state = sleep_state(place->root);
    char text[64];
    int r;

    if (va_sysfs_read(place->root, CLOCK "/wakealarm", text, sizeof text, NULL) < 0)
        return va_fail(error, VA_ENOTFOUND, "not present: a real-time clock that can wake this machine");
    if (state == NULL)
        return va_fail(error, VA_ENOTFOUND, "not present: a state that this machine can sleep in");
    if ((r = va_sysfs_check_writable(place->root, CLOCK "/wakealarm", error)) < 0 ||
        (r = va_sysfs_check_writable(place->root, STATES, error)) < 0 || is_check)
        return r;
    r = set_alarm(place->root, request->number, error);
    return r < 0 ? r : va_sysfs_write(place->root, STATES, state, error);
}

/* ---- cameras ---- */

struct camera {
    char device[PATH_MAX]; /* below root */
    char record[PATH_MAX]; /* a link in the folder, that leads to the driver's name */
    char driver[VA_HELPER_WORD_BYTES];
};

static int is_any(void *user, const char *name)
{
    return 1;
}

static int find_camera(const struct va_helper_place *place, const struct va_helper_request *request, struct camera *ret_camera,
                       va_error *error)
{
    if (place->folder == NULL)
        return va_fail(error, VA_EDENIED, "cameras are not handled here");
    snprintf(ret_camera->device, sizeof ret_camera->device, "/sys/bus/%s/devices/%s", request->words[0], request->words[1]);
    /* Neither name has a blank. */
    snprintf(ret_camera->record, sizeof ret_camera->record, "%.2048s/%s %s", place->folder, request->words[0], request->words[1]);
    return 0;
}

/* The last part of what a link leads to. */
static int read_link(const char *path, char ret_name[VA_HELPER_WORD_BYTES])
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof target - 1);

    if (n <= 0)
        return VA_ENOTFOUND;
    target[n] = '\0';
    const char *slash = strrchr(target, '/'), *name = slash == NULL ? target : slash + 1;
    if (name[0] == '\0' || name[0] == '.' || strlen(name) >= VA_HELPER_WORD_BYTES)
        return VA_ENOTFOUND;
    memcpy(ret_name, name, strlen(name) + 1);
    return 0;
}

static int tell_driver(const struct va_helper_place *place, const struct va_helper_request *request, const struct camera *camera,
                       const char *file, va_error *error)
{
    char path[VA_SYSFS_PATH_BYTES];

    snprintf(path, sizeof path, "/sys/bus/%s/drivers/%s/%s", request->words[0], camera->driver, file);
    return va_sysfs_write(place->root, path, request->words[1], error);
}

/* Only what is a camera is taken from its driver: whoever asks cannot switch off a disk or the network with it. */
static int run_release(const struct va_helper_place *place, const struct va_helper_request *request, int is_check, va_error *error)
{
    struct camera camera;
    char path[VA_SYSFS_PATH_BYTES], link[PATH_MAX + 16];
    int r = find_camera(place, request, &camera, error);

    if (r < 0)
        return r;
    snprintf(path, sizeof path, "%.400s/video4linux", camera.device);
    if (!va_sysfs_each(place->root, path, is_any, NULL))
        return va_fail(error, VA_EDENIED, "%s of the bus %s is no camera", request->words[1], request->words[0]);
    snprintf(link, sizeof link, "%.2048s%.2000s/driver", place->root, camera.device);
    if (read_link(link, camera.driver) < 0)
        return va_fail(error, VA_ENOTFOUND, "%s of the bus %s has no driver", request->words[1], request->words[0]);
    if (is_check)
        return 0;
    (void)unlink(camera.record);
    if (symlink(camera.driver, camera.record) < 0)
        return va_fail_errno(error, "%s", camera.record);
    if ((r = tell_driver(place, request, &camera, "unbind", error)) < 0)
        (void)unlink(camera.record);
    return r;
}

/* Only what was released here is bound, and to the driver it had. */
static int run_bind(const struct va_helper_place *place, const struct va_helper_request *request, int is_check, va_error *error)
{
    struct camera camera;
    int r = find_camera(place, request, &camera, error);

    if (r < 0)
        return r;
    if (read_link(camera.record, camera.driver) < 0)
        return va_fail(error, VA_EDENIED, "%s of the bus %s was not released by the helper", request->words[1], request->words[0]);
    if (is_check)
        return 0;
    if ((r = tell_driver(place, request, &camera, "bind", error)) == 0)
        (void)unlink(camera.record);
    return r;
}

int va_helper_run(const struct va_helper_place *place, const struct va_helper_request *request, int is_check, va_error *error)
{
    static int (*const run[])(const struct va_helper_place *, const struct va_helper_request *, int, va_error *) = {
        [VA_HELPER_GOVERNOR] = run_governor, [VA_HELPER_BRIGHTNESS] = run_brightness, [VA_HELPER_WIFI] = run_wifi,
        [VA_HELPER_SLEEP] = run_sleep,       [VA_HELPER_RELEASE] = run_release,       [VA_HELPER_BIND] = run_bind,
    };

    return run[request->verb](place, request, is_check, error);
}
