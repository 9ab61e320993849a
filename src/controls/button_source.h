/* button_source.h - the devices that a button may be on; inside src/controls only, the button's thread. */
#ifndef VA_CONTROLS_BUTTON_SOURCE_H
#define VA_CONTROLS_BUTTON_SOURCE_H

#include "controls/name.h"

#define VA_BUTTON_MAX_DEVICES 16

struct gpiod_chip;
struct gpiod_line;

struct va_button_device {
    int fd;
    int is_pressed;
    size_t n_partial; /* bytes of an event that have come so far */
    char partial[32];
    uint32_t number; /* of the file: which one is open already */
};

struct va_button_source {
    struct va_control_name name;
    const char *root;
    struct va_button_device devices[VA_BUTTON_MAX_DEVICES]; /* [n] */
    size_t n;
    struct gpiod_chip *chip;
    struct gpiod_line *line;
};

/* Opens what is there and not open yet. Fails when nothing is: VA_ENOTFOUND, VA_EDENIED ... */
VA_MUST_CHECK int va_button_source_open(struct va_button_source *source, va_error *error);

/* Reads what has come from devices[i], and sets is_pressed. On failure the device is gone: it has been closed, and the last of the list
 * is in its place. */
VA_MUST_CHECK int va_button_source_read(struct va_button_source *source, size_t i, va_error *error);

void va_button_source_close(struct va_button_source *source);

/* The folder in which devices appear, for a watch. */
void va_button_source_folder(const struct va_button_source *source, char ret_path[VA_CONTROL_PATH_BYTES]);

/* ---- by kind ---- */

VA_MUST_CHECK int va_button_key_open(struct va_button_source *source, va_error *error);
VA_MUST_CHECK int va_button_key_read(struct va_button_source *source, struct va_button_device *device, va_error *error);

VA_MUST_CHECK int va_button_gpio_open(struct va_button_source *source, va_error *error);
VA_MUST_CHECK int va_button_gpio_read(struct va_button_source *source, struct va_button_device *device, va_error *error);
void va_button_gpio_close(struct va_button_source *source);

#endif
