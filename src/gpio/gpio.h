/* gpio.h - a line of a GPIO chip, by name or number; libgpiod beneath. Any thread. */
#ifndef VA_GPIO_H
#define VA_GPIO_H

#include "base/error.h"

#define VA_GPIO_CHIP_BYTES 256
#define VA_GPIO_LINE_BYTES 64

struct va_gpio_name {
    char chip[VA_GPIO_CHIP_BYTES], line[VA_GPIO_LINE_BYTES];
    int is_low; /* it is active at a low level */
};

struct gpiod_chip;
struct gpiod_line;

/* "CHIP:LINE" or "CHIP:LINE:low". VA_EINVAL. */
VA_MUST_CHECK int va_gpio_parse(const char *text, struct va_gpio_name *ret_name, va_error *error);

/* Opens the chip, and does not request the line yet; gpiod_chip_close ends both. VA_ENOTFOUND, VA_EDENIED, VA_EIO. */
VA_MUST_CHECK int va_gpio_open(const struct va_gpio_name *name, struct gpiod_chip **ret_chip, struct gpiod_line **ret_line,
                               va_error *error);

/* 1: the line is active now, 0: it is not. As va_gpio_open; VA_EBUSY: another program has it. */
VA_MUST_CHECK int va_gpio_read(const struct va_gpio_name *name, va_error *error);

#endif
