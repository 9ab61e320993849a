#include "power/power.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "power/sysfs.h"

#define POLICIES "/sys/devices/system/cpu/cpufreq"
#define BACKLIGHTS "/sys/class/backlight"
#define ZONES "/sys/class/thermal"
#define ALARM "/sys/class/rtc/rtc0/wakealarm"
#define STATES "/sys/power/state"
#define FULL_BACKLIGHT 255

/* Governors from the one that is wanted most on; the panel's light of FULL_BACKLIGHT. */
static const struct mode {
    const char *name;
    const char *governors[4]; /* up to a NULL */
    int backlight;
} modes[] = {
    {"low-power", {"powersave"}, 50},
    {"balanced", {"schedutil", "ondemand", "conservative"}, 150},
    {"performance", {"performance"}, FULL_BACKLIGHT},
};

static const struct mode *find_mode(const char *name)
{
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    return NULL;
}

static int has_word(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = list; (p = strstr(p, word)) != NULL; p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return 1;
    return 0;
}

/* ---- what there is ---- */

/* The first entry of a folder that has the file. */
struct search {
    const char *root, *folder, *file, *prefix;
    char path[VA_SYSFS_PATH_BYTES]; /* of the file */
};

static int has_file(void *user, const char *name)
{
    struct search *search = user;
    char text[8];

    if (strncmp(name, search->prefix, strlen(search->prefix)) != 0)
        return 0;
    int n = snprintf(search->path, sizeof search->path, "%s/%.100s/%s", search->folder, name, search->file);
    return n > 0 && va_sysfs_read(search->root, search->path, text, sizeof text, NULL) == 0;
}

/* Path of `file` in the first such entry; NULL when there is none. */
static const char *first_with(struct search *search)
{
    return va_sysfs_each(search->root, search->folder, has_file, search) ? search->path : NULL;
}

static void beside(const char *path, const char *file, char ret_path[VA_SYSFS_PATH_BYTES])
{
    snprintf(ret_path, VA_SYSFS_PATH_BYTES, "%.*s/%s", (int)(strrchr(path, '/') - path), path, file);
}

static void read_governor(const char *root, struct va_power_state *state)
{
    struct search search = {.root = root, .folder = POLICIES, .file = "scaling_governor", .prefix = "policy"};
    const char *path = first_with(&search);
    char others[VA_SYSFS_PATH_BYTES];

    if (path == NULL || va_sysfs_read(root, path, state->governor, sizeof state->governor, NULL) < 0)
        return;
    beside(path, "scaling_available_governors", others);
    if (va_sysfs_read(root, others, state->governors, sizeof state->governors, NULL) < 0)
        state->governors[0] = '\0';
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        for (size_t k = 0; k < 4 && modes[i].governors[k] != NULL; k++)
            if (strcmp(modes[i].governors[k], state->governor) == 0)
                state->mode = modes[i].name;
}

static void read_backlight(const char *root, struct va_power_state *state)
{
    struct search search = {.root = root, .folder = BACKLIGHTS, .file = "max_brightness", .prefix = ""};
    const char *path = first_with(&search);
    char now[VA_SYSFS_PATH_BYTES];
    int64_t value, max;

    if (path == NULL || va_sysfs_read_number(root, path, &max, NULL) < 0 || max <= 0)
        return;
    beside(path, "brightness", now);
    if (va_sysfs_read_number(root, now, &value, NULL) < 0)
        return;
    state->backlight = value;
    state->max_backlight = max;
}

/* Zones of a processor have such names; others are batteries, Wi-Fi and the like. */
static int is_cpu_zone(const char *type)
{
    static const char *const names[] = {"cpu", "soc", "x86_pkg_temp", "coretemp", "k10temp"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(type, names[i], strlen(names[i])) == 0)
            return 1;
    return 0;
}

struct heat {
    const char *root;
    double hottest; /* of the processor's zones */
};

static int feel(void *user, const char *name)
{
    struct heat *heat = user;
    char path[VA_SYSFS_PATH_BYTES], type[64];
    int64_t millidegrees;

    snprintf(path, sizeof path, ZONES "/%.100s/type", name);
    if (va_sysfs_read(heat->root, path, type, sizeof type, NULL) < 0 || !is_cpu_zone(type))
        return 0;
    snprintf(path, sizeof path, ZONES "/%.100s/temp", name);
    if (va_sysfs_read_number(heat->root, path, &millidegrees, NULL) == 0)
        heat->hottest = fmax(heat->hottest, (double)millidegrees / 1000); /* of a number and none, the number */
    return 0;
}

static void read_heat(const char *root, struct va_power_state *state)
{
    struct heat heat = {root, NAN};
    char text[32];

    (void)va_sysfs_each(root, ZONES, feel, &heat);
    state->cpu_celsius = heat.hottest;
    /* A Raspberry Pi's firmware: hexadecimal; undervoltage, capped, throttled, too warm. */
    if (va_sysfs_read(root, "/sys/devices/platform/soc/soc:firmware/get_throttled", text, sizeof text, NULL) == 0 &&
        isxdigit((unsigned char)text[0]))
        state->throttled = (strtoul(text, NULL, 16) & 0xf) != 0;
    if (va_sysfs_read_number(root, "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", &state->n_throttled, NULL) < 0)
        state->n_throttled = -1;
}

/* "mem", or what comes near it; NULL: none. */
static const char *sleep_state(const char *root)
{
    static const char *const states[] = {"mem", "standby", "freeze"};
    char text[128];

    if (va_sysfs_read(root, STATES, text, sizeof text, NULL) < 0)
        return NULL;
    for (size_t i = 0; i < 3; i++)
        if (has_word(text, states[i]))
            return states[i];
    return NULL;
}

void va_power_read(const char *root, struct va_power_state *ret_state)
{
    char text[64];

    *ret_state = (struct va_power_state){.backlight = -1, .cpu_celsius = NAN, .throttled = -1, .n_throttled = -1};
    read_governor(root, ret_state);
    read_backlight(root, ret_state);
    read_heat(root, ret_state);
    ret_state->can_sleep = sleep_state(root) != NULL && va_sysfs_read(root, ALARM, text, sizeof text, NULL) == 0;
}

/* ---- modes ---- */

struct change {
    const char *root, *folder, *file, *prefix, *text;
    int is_check; /* 1: whether it can be written, else it is */
    int result;
    va_error *error;
};

static int change_one(void *user, const char *name)
{
    struct change *change = user;
    char path[VA_SYSFS_PATH_BYTES];

    if (strncmp(name, change->prefix, strlen(change->prefix)) != 0)
        return 0;
    snprintf(path, sizeof path, "%s/%.100s/%s", change->folder, name, change->file);
    change->result = change->is_check ? va_sysfs_check_writable(change->root, path, change->error)
                                      : va_sysfs_write(change->root, path, change->text, change->error);
    return change->result < 0;
}

static int change_governors(const char *root, const char *governor, int is_check, va_error *error)
{
    struct change change = {root, POLICIES, "scaling_governor", "policy", governor, is_check, 0, error};

    (void)va_sysfs_each(root, POLICIES, change_one, &change);
    return change.result;
}

static int change_backlight(const char *root, const struct mode *mode, int64_t max, int is_check, va_error *error)
{
    struct search search = {.root = root, .folder = BACKLIGHTS, .file = "max_brightness", .prefix = ""};
    char path[VA_SYSFS_PATH_BYTES], text[32];
    const char *first = first_with(&search);

    if (first == NULL)
        return va_fail(error, VA_ENOTFOUND, "the panel's backlight is gone");
    beside(first, "brightness", path);
    snprintf(text, sizeof text, "%lld", llround((double)max * mode->backlight / FULL_BACKLIGHT));
    return is_check ? va_sysfs_check_writable(root, path, error) : va_sysfs_write(root, path, text, error);
}

/* NULL with an error. */
static const char *choose_governor(const struct mode *mode, const struct va_power_state *state, va_error *error)
{
    for (size_t i = 0; i < 4 && mode->governors[i] != NULL; i++)
        if (has_word(state->governors, mode->governors[i]))
            return mode->governors[i];
    va_fail(error, VA_EUNSUPPORTED, "this machine has no CPU governor for the mode %s, only: %s", mode->name, state->governors);
    return NULL;
}

int va_power_set_mode(const char *root, const char *name, va_error *error)
{
    const struct mode *mode = find_mode(name);
    struct va_power_state state;
    const char *governor = NULL;
    int r = 0;

    if (mode == NULL)
        return va_fail(error, VA_EINVAL, "the power mode must be low-power, balanced or performance");
    va_power_read(root, &state);
    if (state.governor[0] == '\0' && state.backlight < 0)
        return va_fail(error, VA_ENOTFOUND, "not present: neither CPU frequency scaling nor a backlight");
    if (state.governor[0] != '\0' && (governor = choose_governor(mode, &state, error)) == NULL)
        return VA_EUNSUPPORTED;
    for (int is_check = 1; r == 0 && is_check >= 0; is_check--) {
        if (governor != NULL)
            r = change_governors(root, governor, is_check, error);
        if (r == 0 && state.backlight >= 0)
            r = change_backlight(root, mode, state.max_backlight, is_check, error);
    }
    return r;
}

/* ---- sleep ---- */

int va_power_check_sleep(const char *root, int64_t seconds, va_error *error)
{
    char text[64];
    int r;

    if (seconds < VA_POWER_MIN_SLEEP_S || seconds > VA_POWER_MAX_SLEEP_S)
        return va_fail(error, VA_EINVAL, "seconds must be from %d to %d", VA_POWER_MIN_SLEEP_S, VA_POWER_MAX_SLEEP_S);
    if (va_sysfs_read(root, ALARM, text, sizeof text, NULL) < 0)
        return va_fail(error, VA_ENOTFOUND, "not present: a real-time clock that can wake this machine");
    if (sleep_state(root) == NULL)
        return va_fail(error, VA_ENOTFOUND, "not present: a state that this machine can sleep in");
    if ((r = va_sysfs_check_writable(root, ALARM, error)) < 0)
        return r;
    return va_sysfs_check_writable(root, STATES, error);
}

int va_power_sleep(const char *root, int64_t seconds, va_error *error)
{
    char text[32];
    int r = va_power_check_sleep(root, seconds, error);

    if (r < 0)
        return r;
    snprintf(text, sizeof text, "+%lld", (long long)seconds);
    if ((r = va_sysfs_write(root, ALARM, "0", error)) < 0 || (r = va_sysfs_write(root, ALARM, text, error)) < 0)
        return r;
    return va_sysfs_write(root, STATES, sleep_state(root), error);
}
