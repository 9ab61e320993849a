/* power.h - power modes, sleep, battery: the kernel's files below a root folder, which is "" but in tests. Any thread.
 *
 * What the machine does not have is "not present", and never an invented number. What this user may not write, the helper does
 * (helper/helper.h); without it, it is VA_EDENIED, and says which file. Calls may block for some milliseconds; va_power_sleep for as long
 * as the machine sleeps. */
#ifndef VA_POWER_POWER_H
#define VA_POWER_POWER_H

#include "base/error.h"

#define VA_POWER_MIN_SLEEP_S 2
#define VA_POWER_MAX_SLEEP_S 604800

struct va_power_options {
    const char *root;
    const char *charge_gpio; /* a line as in gpio/gpio.h, active while the battery is charged; "": none */
    int wifi_off;            /* in the mode low-power; on again in the others */
};

/* Whether the options can be understood. VA_EINVAL. */
VA_MUST_CHECK int va_power_check_options(const struct va_power_options *options, va_error *error);

struct va_power_state {
    const char *mode;    /* "low-power", "balanced", "performance"; NULL: another governor, or none. Lives for ever */
    char governor[32];   /* of a processor: they have the same; "": not present */
    char governors[256]; /* there are, separated by blanks */
    int64_t backlight;   /* of a panel; -1: not present */
    int64_t max_backlight;
    int wifi;            /* 0: switched off; -1: not present */
    double cpu_celsius;  /* of the hottest zone of a processor; not a number: there is none */
    int throttled;       /* the firmware slows the processor down now; -1: it does not say */
    int64_t n_throttled; /* times since the boot; -1: not known */
    int can_sleep;       /* there are a clock that wakes it, and a state to sleep in */
};

void va_power_read(const char *root, struct va_power_state *ret_state);

/* What a mode changes; what the machine does not have is left out. */
enum va_power_parts {
    VA_POWER_GOVERNOR = 1, /* of all processors */
    VA_POWER_PANEL = 2,    /* its backlight */
    VA_POWER_WIFI = 4,     /* where the option says so */
    VA_POWER_ALL = 7
};

/* VA_EINVAL: no such mode. VA_ENOTFOUND: neither governor nor backlight is present. VA_EUNSUPPORTED: no governor fits.
 * VA_EDENIED: nothing was changed. VA_EIO. */
VA_MUST_CHECK int va_power_set_mode(const struct va_power_options *options, const char *mode, unsigned parts, va_error *error);

/* Whether va_power_sleep can work, without doing it. VA_EINVAL: the number of seconds. VA_ENOTFOUND, VA_EDENIED. */
VA_MUST_CHECK int va_power_check_sleep(const char *root, int64_t seconds, va_error *error);
/* Sets the clock's alarm, sees that the clock has taken it, and sleeps until then, or until something else wakes the machine.
 * ret_slept_s: how long that was, by the clock that goes on meanwhile. VA_EIO: as well when the clock did not take the alarm; it does not
 * sleep then. */
VA_MUST_CHECK int va_power_sleep(const char *root, int64_t seconds, double *ret_slept_s, va_error *error);

struct va_battery {
    const char *source; /* "power_supply" or "ads1115"; lives for ever */
    double percent;     /* 0..100 */
    double volts;       /* not a number: not known */
    int charging;       /* -1: not known */
};

/* One that the kernel reports, else an ADS1115 at address 0x48 of I2C bus 1, whose first input has the battery's voltage; through the
 * kernel's driver for it where that has the chip. Whether it is charged: what the kernel says, else the line of the options.
 * VA_ENOTFOUND: not present, and why. VA_EDENIED: not for this user. */
VA_MUST_CHECK int va_battery_read(const struct va_power_options *options, struct va_battery *ret_battery, va_error *error);

/* Linear from 3.0 to 4.2 V, clamped. */
double va_battery_percent(double volts);

#endif
