#include "power/power.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "power/ads1115.h"
#include "power/sysfs.h"

#define SUPPLIES "/sys/class/power_supply"
#define BUS "/dev/i2c-1"
#define ADDRESS 0x48
#define EMPTY_V 3.0
#define FULL_V 4.2
/* Below this the input hangs in the air, or there is no battery behind it. */
#define LEAST_V 1.0

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
    if (isnan(percent))
        percent = va_battery_percent(volts);
    if (isnan(percent))
        return 0;
    supply->battery = (struct va_battery){.source = "power_supply", .percent = fmin(100, fmax(0, percent)), .volts = volts, .charging = -1};
    if (read_file(supply, name, "status", text, sizeof text) == 0 && strcmp(text, "Unknown") != 0)
        supply->battery.charging = strcmp(text, "Charging") == 0;
    return 1;
}

/* ---- the ADS1115 ---- */

static int read_ads1115(const char *root, struct va_battery *ret_battery, va_error *error)
{
    char path[VA_SYSFS_PATH_BYTES];
    double volts;

    snprintf(path, sizeof path, "%s" BUS, root);
    int fd = open(path, O_RDWR | O_CLOEXEC), r = 0;
    if (fd < 0 && (errno == EACCES || errno == EPERM))
        return va_fail(error, VA_EDENIED, "needs permission to use %s", path);
    if (fd < 0)
        return va_fail(error, VA_ENOTFOUND, "not present: the kernel reports no battery, and there is no I2C bus 1");
    if (ioctl(fd, I2C_SLAVE, ADDRESS) < 0)
        r = va_fail(error, VA_ENOTFOUND, "not present: %s cannot be asked for address 0x%02x", path, ADDRESS);
    if (r == 0)
        r = va_ads1115_measure(fd, &volts, error);
    close(fd);
    if (r == 0 && volts < LEAST_V)
        r = va_fail(error, VA_ENOTFOUND, "not present: the ADS1115 measures %.2f V, which is no battery", volts);
    if (r == 0)
        *ret_battery = (struct va_battery){.source = "ads1115", .percent = va_battery_percent(volts), .volts = volts, .charging = -1};
    return r;
}

int va_battery_read(const char *root, struct va_battery *ret_battery, va_error *error)
{
    struct supply supply = {.root = root};

    if (va_sysfs_each(root, SUPPLIES, take_battery, &supply) == 0)
        return read_ads1115(root, ret_battery, error);
    *ret_battery = supply.battery;
    return 0;
}
