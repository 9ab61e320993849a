/* A key of input devices (evdev). A pipe or a socket may stand in for a device: it carries the same events, but answers no questions. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "controls/button_source.h"

#define EVENT_PREFIX "event"

_Static_assert(sizeof(struct input_event) <= sizeof((struct va_button_device *)0)->partial, "an event has room");

static int has_bit(const unsigned char *bits, int n)
{
    return bits[n / 8] >> (n % 8) & 1;
}

static int has_key(int fd, int code)
{
    unsigned char keys[VA_MAX_KEY_CODE / 8 + 1] = {0};

    return ioctl(fd, EVIOCGBIT(EV_KEY, sizeof keys), keys) >= 0 && has_bit(keys, code);
}

static int is_down(int fd, int code)
{
    unsigned char keys[VA_MAX_KEY_CODE / 8 + 1] = {0};

    return ioctl(fd, EVIOCGKEY(sizeof keys), keys) >= 0 && has_bit(keys, code);
}

/* ---- opening ---- */

/* is_any: it must have the key. Out of VA_ENOTFOUND and the reason. */
static int open_device(struct va_button_source *source, const char *path, uint32_t number, int is_any, va_error *error)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return va_fail_errno(error, "%s", path);
    if (is_any && !has_key(fd, source->name.code)) {
        close(fd);
        return va_fail(error, VA_ENOTFOUND, "no input device has the key %d", source->name.code);
    }
    source->devices[source->n++] = (struct va_button_device){.fd = fd, .is_pressed = is_down(fd, source->name.code), .number = number};
    return 0;
}

static int is_open(const struct va_button_source *source, uint32_t number)
{
    for (size_t i = 0; i < source->n; i++)
        if (source->devices[i].number == number)
            return 1;
    return 0;
}

/* N of eventN. */
static int read_number(const char *name, uint32_t *ret_number)
{
    const char *digits = name + strlen(EVENT_PREFIX);
    size_t n = strncmp(name, EVENT_PREFIX, strlen(EVENT_PREFIX)) == 0 ? strspn(digits, "0123456789") : 0;

    if (n == 0 || n > 6 || digits[n] != '\0')
        return VA_ENOTFOUND;
    *ret_number = (uint32_t)strtoul(digits, NULL, 10);
    return 0;
}

static int open_any(struct va_button_source *source, va_error *error)
{
    char folder[VA_CONTROL_PATH_BYTES], path[VA_CONTROL_PATH_BYTES + 40];
    uint32_t number;
    struct dirent *entry;
    va_error reason;
    int r = va_fail(error, VA_ENOTFOUND, "no input device has the key %d", source->name.code);

    va_button_source_folder(source, folder);
    DIR *listing = opendir(folder);
    if (listing == NULL)
        return va_fail_errno(error, "%s", folder);
    while (source->n < VA_BUTTON_MAX_DEVICES && (entry = readdir(listing)) != NULL) {
        if (read_number(entry->d_name, &number) < 0 || is_open(source, number))
            continue;
        snprintf(path, sizeof path, "%s/%.32s", folder, entry->d_name);
        /* One that may not be opened may be the one. */
        if (open_device(source, path, number, 1, &reason) == VA_EDENIED && r == VA_ENOTFOUND)
            r = va_fail(error, VA_EDENIED, "%s (is the user in the group 'input'?)", reason.text);
    }
    closedir(listing);
    return source->n > 0 ? 0 : r;
}

int va_button_key_open(struct va_button_source *source, va_error *error)
{
    char path[2 * VA_CONTROL_PATH_BYTES];

    if (source->name.path[0] == '\0')
        return open_any(source, error);
    snprintf(path, sizeof path, "%s%s", source->root, source->name.path);
    return source->n > 0 ? 0 : open_device(source, path, 0, 0, error);
}

/* ---- reading ---- */

static void take_event(struct va_button_source *source, struct va_button_device *device)
{
    struct input_event event;

    memcpy(&event, device->partial, sizeof event);
    device->n_partial = 0;
    if (event.type == EV_KEY && event.code == source->name.code && event.value != 2) /* 2: it repeats by itself */
        device->is_pressed = event.value == 1;
    else if (event.type == EV_SYN && event.code == SYN_DROPPED)
        device->is_pressed = is_down(device->fd, source->name.code);
}

int va_button_key_read(struct va_button_source *source, struct va_button_device *device, va_error *error)
{
    ssize_t n = read(device->fd, device->partial + device->n_partial, sizeof(struct input_event) - device->n_partial);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0)
        return va_fail_errno(error, "the button's input device");
    if (n == 0)
        return va_fail(error, VA_ENOTFOUND, "the button's input device has gone");
    device->n_partial += (size_t)n;
    if (device->n_partial == sizeof(struct input_event))
        take_event(source, device);
    return 0;
}
