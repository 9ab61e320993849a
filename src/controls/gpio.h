/* gpio.h - finds a line of a GPIO chip (libgpiod beneath); inside src/controls only. */
#ifndef VA_CONTROLS_GPIO_H
#define VA_CONTROLS_GPIO_H

#include "controls/name.h"

struct gpiod_chip;
struct gpiod_line;

/* Opens the chip, and does not request the line yet; gpiod_chip_close ends both. VA_ENOTFOUND, VA_EDENIED, VA_EIO. */
VA_MUST_CHECK int va_gpio_open(const struct va_control_name *name, struct gpiod_chip **ret_chip, struct gpiod_line **ret_line,
                               va_error *error);

#endif
