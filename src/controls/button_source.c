#include "controls/button_source.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int va_button_source_open(struct va_button_source *source, va_error *error)
{
    if (source->name.kind == VA_CONTROL_KEY)
        return va_button_key_open(source, error);
    return source->n > 0 ? 0 : va_button_gpio_open(source, error);
}

static void close_device(struct va_button_source *source, size_t i)
{
    if (source->name.kind == VA_CONTROL_KEY)
        close(source->devices[i].fd);
    else
        va_button_gpio_close(source);
    source->devices[i] = source->devices[--source->n];
}

int va_button_source_read(struct va_button_source *source, size_t i, va_error *error)
{
    struct va_button_device *device = &source->devices[i];
    int r = source->name.kind == VA_CONTROL_KEY ? va_button_key_read(source, device, error) : va_button_gpio_read(source, device, error);

    if (r < 0)
        close_device(source, i);
    return r;
}

void va_button_source_close(struct va_button_source *source)
{
    while (source->n > 0)
        close_device(source, source->n - 1);
}

void va_button_source_folder(const struct va_button_source *source, char ret_path[VA_CONTROL_PATH_BYTES])
{
    const char *path = source->name.path[0] != '\0' ? source->name.path : "/dev/input/";
    const char *slash = strrchr(path, '/');

    if (source->name.kind == VA_CONTROL_GPIO)
        snprintf(ret_path, VA_CONTROL_PATH_BYTES, "%s/dev", source->root);
    else
        snprintf(ret_path, VA_CONTROL_PATH_BYTES, "%s%.*s", source->root, (int)(slash - path), path);
}
