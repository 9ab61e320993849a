#include "controls/light_device.h"

#include <errno.h>
#include <fcntl.h>
#include <gpiod.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gpio/gpio.h"

#define PATH_BYTES 512

/* ---- an LED of the kernel ---- */

static void led_path(const struct va_light_device *device, const char *file, char ret_path[PATH_BYTES])
{
    snprintf(ret_path, PATH_BYTES, "%s/sys/class/leds/%s/%s", device->root, device->name.led, file);
}

static int read_led(const struct va_light_device *device, const char *file, char *text, size_t capacity, va_error *error)
{
    char path[PATH_BYTES];

    led_path(device, file, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, capacity - 1);
    int r = n < 0 ? va_fail_errno(error, "%s", path) : 0;
    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = '\0';
    return r;
}

static int write_led(const struct va_light_device *device, const char *file, const char *text, va_error *error)
{
    char path[PATH_BYTES];
    size_t n = strlen(text);

    led_path(device, file, path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int r = fd >= 0 && write(fd, text, n) == (ssize_t)n ? 0 : va_fail_errno(error, "%s", path);
    if (fd >= 0)
        close(fd);
    return r;
}

/* Takes the LED from what the kernel lets it show. The name in brackets is that. */
static int take_led(struct va_light_device *device, va_error *error)
{
    char triggers[4096];
    int r = read_led(device, "trigger", triggers, sizeof triggers, error);
    if (r < 0)
        return r;
    const char *start = strchr(triggers, '['), *end = start == NULL ? NULL : strchr(start, ']');
    size_t n = end == NULL ? 0 : (size_t)(end - start - 1);
    r = write_led(device, "trigger", "none", error);
    if (r == 0)
        snprintf(device->trigger, sizeof device->trigger, "%.*s", n > 0 ? (int)n : 4, n > 0 ? start + 1 : "none");
    return r;
}

static int set_led(struct va_light_device *device, int lit, va_error *error)
{
    char brightness[32] = "0";
    int r = device->trigger[0] != '\0' ? 0 : take_led(device, error);

    if (r == 0 && lit)
        r = read_led(device, "max_brightness", brightness, sizeof brightness, error);
    if (r == 0)
        r = write_led(device, "brightness", brightness, error);
    if (r < 0)
        device->trigger[0] = '\0';
    return r;
}

/* ---- a GPIO line ---- */

static void close_line(struct va_light_device *device)
{
    if (device->chip != NULL)
        gpiod_chip_close(device->chip);
    device->chip = NULL;
    device->line = NULL;
}

static int set_line(struct va_light_device *device, int lit, va_error *error)
{
    int flags = device->name.gpio.is_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0, r = 0;

    if (device->chip == NULL) {
        r = va_gpio_open(&device->name.gpio, &device->chip, &device->line, error);
        if (r < 0)
            return r;
        r = gpiod_line_request_output_flags(device->line, "voice-assistant", flags, lit);
    } else {
        r = gpiod_line_set_value(device->line, lit);
    }
    if (r < 0) {
        r = va_fail_errno(error, "the GPIO line '%s' of '%s'", device->name.gpio.line, device->name.gpio.chip);
        close_line(device);
    }
    return r;
}

/* ---- both ---- */

int va_light_device_set(struct va_light_device *device, int lit, va_error *error)
{
    return device->name.kind == VA_CONTROL_LED ? set_led(device, lit, error) : set_line(device, lit, error);
}

void va_light_device_close(struct va_light_device *device)
{
    va_error error;

    if ((device->trigger[0] != '\0' || device->chip != NULL) && va_light_device_set(device, 0, &error) == 0 && device->trigger[0] != '\0')
        (void)write_led(device, "trigger", device->trigger, &error);
    device->trigger[0] = '\0';
    close_line(device);
}
