/* light_device.h - what is switched on and off; inside src/controls only, the light's thread. */
#ifndef VA_CONTROLS_LIGHT_DEVICE_H
#define VA_CONTROLS_LIGHT_DEVICE_H

#include "controls/name.h"

struct gpiod_chip;
struct gpiod_line;

struct va_light_device {
    struct va_control_name name;
    const char *root;
    char trigger[VA_CONTROL_NAME_BYTES]; /* of the LED, before it was ours; "": it is not ours */
    struct gpiod_chip *chip;
    struct gpiod_line *line;
};

/* Finds the device when that is still to be done. VA_ENOTFOUND, VA_EDENIED, VA_EBUSY, VA_EIO: then the next call begins anew. */
VA_MUST_CHECK int va_light_device_set(struct va_light_device *device, int lit, va_error *error);

/* Dark, and as it was before. */
void va_light_device_close(struct va_light_device *device);

#endif
