#include "controls/gpio.h"

#include <gpiod.h>
#include <stdlib.h>

int va_gpio_open(const struct va_control_name *name, struct gpiod_chip **ret_chip, struct gpiod_line **ret_line, va_error *error)
{
    char *end;
    unsigned long number = strtoul(name->line, &end, 10);
    struct gpiod_chip *chip = gpiod_chip_open_lookup(name->chip);
    if (chip == NULL)
        return va_fail_errno(error, "the GPIO chip '%s'", name->chip);
    struct gpiod_line *line = *end == '\0' ? gpiod_chip_get_line(chip, (unsigned)number) : gpiod_chip_find_line(chip, name->line);
    if (line == NULL) {
        gpiod_chip_close(chip);
        return va_fail(error, VA_ENOTFOUND, "the GPIO chip '%s' has no line '%s'", name->chip, name->line);
    }
    *ret_chip = chip;
    *ret_line = line;
    return 0;
}
