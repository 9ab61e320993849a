#include "power/power.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sysfs.h"
#include "gpio/gpio.h"
#include "helper/helper.h"

#define POLICIES "/sys/devices/system/cpu/cpufreq"
#define BACKLIGHTS "/sys/class/backlight"
#define ZONES "/sys/class/thermal"
#define RADIOS "/sys/class/rfkill"
#define FULL_BACKLIGHT 255
/* Beyond these a sensor lies. */
#define COLDEST_CELSIUS (-60)
#define HOTTEST_CELSIUS 150

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

static void beside(const char *path, const char *file, char ret_path[VA_SYSFS_PATH_BYTES])
{
    snprintf(ret_path, VA_SYSFS_PATH_BYTES, "%.*s/%s", (int)(strrchr(path, '/') - path), path, file);
}

static void read_governor(const char *root, struct va_power_state *state)
{
    char path[VA_SYSFS_PATH_BYTES], others[VA_SYSFS_PATH_BYTES];

    if (va_sysfs_first(root, POLICIES, "policy", "scaling_governor", path) < 0 ||
        va_sysfs_read(root, path, state->governor, sizeof state->governor, NULL) < 0)
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
    char path[VA_SYSFS_PATH_BYTES], now[VA_SYSFS_PATH_BYTES];
    int64_t value, max;

    if (va_sysfs_first(root, BACKLIGHTS, "", "max_brightness", path) < 0 || va_sysfs_read_number(root, path, &max, NULL) < 0 || max <= 0)
        return;
    beside(path, "brightness", now);
    if (va_sysfs_read_number(root, now, &value, NULL) < 0 || value < 0 || value > max)
        return;
    state->backlight = value;
    state->max_backlight = max;
}

struct radios {
    const char *root;
    int state; /* -1: none seen yet */
};

/* Any that is on counts. */
static int see_radio(void *user, const char *name)
{
    struct radios *radios = user;
    char path[VA_SYSFS_PATH_BYTES], type[32];
    int64_t soft;

    snprintf(path, sizeof path, RADIOS "/%.100s/type", name);
    if (va_sysfs_read(radios->root, path, type, sizeof type, NULL) < 0 || strcmp(type, "wlan") != 0)
        return 0;
    snprintf(path, sizeof path, RADIOS "/%.100s/soft", name);
    if (va_sysfs_read_number(radios->root, path, &soft, NULL) < 0)
        return 0;
    radios->state = soft == 0;
    return radios->state == 1;
}

static void read_wifi(const char *root, struct va_power_state *state)
{
    struct radios radios = {root, -1};

    (void)va_sysfs_each(root, RADIOS, see_radio, &radios);
    state->wifi = radios.state;
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
    if (va_sysfs_read_number(heat->root, path, &millidegrees, NULL) == 0 && millidegrees >= COLDEST_CELSIUS * 1000 &&
        millidegrees <= HOTTEST_CELSIUS * 1000)
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
    if (va_sysfs_read_number(root, "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", &state->n_throttled, NULL) < 0 ||
        state->n_throttled < 0)
        state->n_throttled = -1;
}

void va_power_read(const char *root, struct va_power_state *ret_state)
{
    *ret_state = (struct va_power_state){.backlight = -1, .wifi = -1, .cpu_celsius = NAN, .throttled = -1, .n_throttled = -1};
    read_governor(root, ret_state);
    read_backlight(root, ret_state);
    read_wifi(root, ret_state);
    read_heat(root, ret_state);
    /* Without permission, but with all that it needs, is able. */
    int r = va_helper_can(root, NULL, "sleep %d", VA_POWER_MIN_SLEEP_S);
    ret_state->can_sleep = r == 0 || r == VA_EDENIED;
}

/* ---- modes ---- */

/* NULL with an error. */
static const char *choose_governor(const struct mode *mode, const struct va_power_state *state, va_error *error)
{
    for (size_t i = 0; i < 4 && mode->governors[i] != NULL; i++)
        if (has_word(state->governors, mode->governors[i]))
            return mode->governors[i];
    va_fail(error, VA_EUNSUPPORTED, "this machine has no CPU governor for the mode %s, only: %s", mode->name, state->governors);
    return NULL;
}

/* What a mode asks for here: as many requests as there are parts. */
struct plan {
    char requests[3][64]; /* [n], as in helper/message.h */
    int n;
};

static void plan_panel(const struct mode *mode, const struct va_power_state *state, struct plan *plan)
{
    long long level = llround((double)state->max_backlight * mode->backlight / FULL_BACKLIGHT);

    snprintf(plan->requests[plan->n++], sizeof plan->requests[0], "brightness %lld", level);
}

static void plan_wifi(const struct va_power_options *options, const struct mode *mode, const struct va_power_state *state,
                      struct plan *plan)
{
    int on = strcmp(mode->name, "low-power") != 0;

    if (options->wifi_off && state->wifi >= 0 && state->wifi != on)
        snprintf(plan->requests[plan->n++], sizeof plan->requests[0], "wifi %s", on ? "on" : "off");
}

int va_power_set_mode(const struct va_power_options *options, const char *name, unsigned parts, va_error *error)
{
    const struct mode *mode = find_mode(name);
    struct va_power_state state;
    struct plan plan = {.n = 0};
    int r = 0;

    if (mode == NULL)
        return va_fail(error, VA_EINVAL, "the power mode must be low-power, balanced or performance");
    va_power_read(options->root, &state);
    if (state.governor[0] == '\0' && state.backlight < 0)
        return va_fail(error, VA_ENOTFOUND, "not present: neither CPU frequency scaling nor a backlight");
    if ((parts & VA_POWER_GOVERNOR) && state.governor[0] != '\0') {
        const char *governor = choose_governor(mode, &state, error);
        if (governor == NULL)
            return VA_EUNSUPPORTED;
        snprintf(plan.requests[plan.n++], sizeof plan.requests[0], "governor %s", governor);
    }
    if ((parts & VA_POWER_PANEL) && state.backlight >= 0)
        plan_panel(mode, &state, &plan);
    if (parts & VA_POWER_WIFI)
        plan_wifi(options, mode, &state, &plan);
    for (int i = 0; r == 0 && i < plan.n; i++)
        r = va_helper_can(options->root, error, "%s", plan.requests[i]);
    for (int i = 0; r == 0 && i < plan.n; i++)
        r = va_helper_do(options->root, error, "%s", plan.requests[i]);
    return r;
}

int va_power_check_options(const struct va_power_options *options, va_error *error)
{
    struct va_gpio_name name;

    return options->charge_gpio[0] == '\0' ? 0 : va_gpio_parse(options->charge_gpio, &name, error);
}

/* ---- sleep ---- */

int va_power_check_sleep(const char *root, int64_t seconds, va_error *error)
{
    if (seconds < VA_POWER_MIN_SLEEP_S || seconds > VA_POWER_MAX_SLEEP_S)
        return va_fail(error, VA_EINVAL, "seconds must be from %d to %d", VA_POWER_MIN_SLEEP_S, VA_POWER_MAX_SLEEP_S);
    return va_helper_can(root, error, "sleep %lld", (long long)seconds);
}

int va_power_sleep(const char *root, int64_t seconds, double *ret_slept_s, va_error *error)
{
    double begin_s = va_clock_boot_s();
    int r = va_power_check_sleep(root, seconds, error);

    if (r == 0 && (r = va_helper_do(root, error, "sleep %lld", (long long)seconds)) == 0)
        *ret_slept_s = va_clock_boot_s() - begin_s;
    return r;
}
