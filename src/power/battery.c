#include "power/power.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/sysfs.h"
#include "gpio/gpio.h"
#include "power/ads1115.h"

#define SUPPLIES "/sys/class/power_supply"
#define BUS "/dev/i2c-1"
#define ADDRESS 0x48
#define CHIP "/sys/bus/i2c/devices/1-0048"
#define EMPTY_V 3.0
#define FULL_V 4.2
/* Below this the input hangs in the air, or there is no battery behind it. */
#define LEAST_V 1.0
/* No cell has more: the chip lies, or it is another. */
#define MOST_V 5.0
#define MAX_RAW 32767

double va_battery_percent(double volts)
{
    return fmin(100, fmax(0, 100 * (volts - EMPTY_V) / (FULL_V - EMPTY_V)));
}

/* ---- the kernel's ---- */

struct supply {
    const char *root;
    struct va_battery battery;
};

static int read_file(const struct supply *supply, const char *name, const char *file, char *text, size_t capacity)
{
    char path[VA_SYSFS_PATH_BYTES];

    snprintf(path, sizeof path, SUPPLIES "/%.100s/%s", name, file);
    return va_sysfs_read(supply->root, path, text, capacity, NULL);
}

static double read_value(const struct supply *supply, const char *name, const char *file)
{
    char path[VA_SYSFS_PATH_BYTES];
    int64_t value;

    snprintf(path, sizeof path, SUPPLIES "/%.100s/%s", name, file);
    return va_sysfs_read_number(supply->root, path, &value, NULL) == 0 ? (double)value : NAN;
}

/* 1: it is a battery of this machine, and tells how full it is. Those of mice and keyboards have the scope Device. */
static int take_battery(void *user, const char *name)
{
    struct supply *supply = user;
    char text[32];

    if (read_file(supply, name, "type", text, sizeof text) < 0 || strcmp(text, "Battery") != 0 ||
        (read_file(supply, name, "scope", text, sizeof text) == 0 && strcmp(text, "Device") == 0) ||
        read_value(supply, name, "present") == 0)
        return 0;
    double volts = read_value(supply, name, "voltage_now") * 1e-6, percent = read_value(supply, name, "capacity");
    if (volts <= 0)
        volts = NAN;
    if (!(percent >= 0 && percent <= 100) && !isnan(volts)) /* none, or a gauge that lies */
        percent = va_battery_percent(volts);
    if (!(percent >= 0 && percent <= 100))
        return 0;
    supply->battery = (struct va_battery){.source = "power_supply", .percent = percent, .volts = volts, .charging = -1};
    if (read_file(supply, name, "status", text, sizeof text) == 0 && strcmp(text, "Unknown") != 0)
        supply->battery.charging = strcmp(text, "Charging") == 0;
    return 1;
}

/* ---- the ADS1115 ---- */

/* Where the kernel has a driver for it, that has the chip. Returns 1 then, and ret_r is what came of it. */
static int ask_driver(const char *root, double *ret_volts, int *ret_r, va_error *error)
{
    char path[VA_SYSFS_PATH_BYTES], scale[VA_SYSFS_PATH_BYTES], text[32], *end;
    int64_t raw;

    if (va_sysfs_read(root, CHIP "/name", text, sizeof text, NULL) < 0 || strcmp(text, "ads1115") != 0 ||
        va_sysfs_first(root, CHIP, "iio:device", "in_voltage0_raw", path) < 0)
        return 0;
    snprintf(scale, sizeof scale, "%.*s/in_voltage0_scale", (int)(strrchr(path, '/') - path), path);
    if ((*ret_r = va_sysfs_read_number(root, path, &raw, error)) < 0 || (*ret_r = va_sysfs_read(root, scale, text, sizeof text, error)) < 0)
        return 1;
    double step_v = strtod(text, &end) / 1000;
    if (end == text || !(step_v > 0))
        *ret_r = va_fail(error, VA_EFORMAT, "%s%s is no number", root, scale);
    else if (raw >= MAX_RAW)
        *ret_r = va_fail(error, VA_ENOTFOUND, "not present: the kernel's driver of the ADS1115 measures up to %.2f V; write 0.1875 to %s",
                         MAX_RAW * step_v, scale);
    else
        *ret_volts = (double)raw * step_v;
    return 1;
}

static int ask_chip(const char *root, double *ret_volts, va_error *error)
{
    char path[VA_SYSFS_PATH_BYTES];

    snprintf(path, sizeof path, "%s" BUS, root);
    int fd = open(path, O_RDWR | O_CLOEXEC), r = 0;
    if (fd < 0 && (errno == EACCES || errno == EPERM))
        return va_fail(error, VA_EDENIED, "needs permission to use %s", path);
    if (fd < 0)
        return va_fail(error, VA_ENOTFOUND, "not present: the kernel reports no battery, and there is no I2C bus 1");
    if (ioctl(fd, I2C_SLAVE, ADDRESS) < 0)
        r = va_fail(error, VA_ENOTFOUND, "not present: %s cannot be asked for address 0x%02x", path, ADDRESS);
    if (r == 0)
        r = va_ads1115_measure(fd, ret_volts, error);
    close(fd);
    return r;
}

static int read_ads1115(const char *root, struct va_battery *ret_battery, va_error *error)
{
    double volts = NAN;
    int r = 0;

    if (!ask_driver(root, &volts, &r, error))
        r = ask_chip(root, &volts, error);
    if (r == 0 && !(volts >= LEAST_V && volts <= MOST_V))
        r = va_fail(error, VA_ENOTFOUND, "not present: the ADS1115 measures %.2f V, which is no battery", volts);
    if (r == 0)
        *ret_battery = (struct va_battery){.source = "ads1115", .percent = va_battery_percent(volts), .volts = volts, .charging = -1};
    return r;
}

/* ---- whichever there is ---- */

/* 1, 0, or -1: there is no such line now, so it is not known. */
static int read_charge_line(const struct va_power_options *options)
{
    struct va_gpio_name name;

    if (options->charge_gpio[0] == '\0' || va_gpio_parse(options->charge_gpio, &name, NULL) < 0)
        return -1;
    int r = va_gpio_read(&name, NULL);
    return r < 0 ? -1 : r;
}

int va_battery_read(const struct va_power_options *options, struct va_battery *ret_battery, va_error *error)
{
    struct supply supply = {.root = options->root};

    if (va_sysfs_each(options->root, SUPPLIES, take_battery, &supply) == 0) {
        int r = read_ads1115(options->root, &supply.battery, error);
        if (r < 0)
            return r;
    }
    if (supply.battery.charging < 0)
        supply.battery.charging = read_charge_line(options);
    *ret_battery = supply.battery;
    return 0;
}
