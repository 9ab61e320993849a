#include "gpio/gpio.h"

#include <gpiod.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

int va_gpio_parse(const char *text, struct va_gpio_name *ret_name, va_error *error)
{
    size_t chip = strcspn(text, ":");
    const char *line = text + chip + (text[chip] == ':');
    size_t n_line = strcspn(line, ":");
    struct va_gpio_name name = {.is_low = strcmp(line + n_line, ":low") == 0};

    if (va_copy_name(name.chip, sizeof name.chip, text, chip) < 0 || va_copy_name(name.line, sizeof name.line, line, n_line) < 0 ||
        (line[n_line] != '\0' && !name.is_low))
        return va_fail(error, VA_EINVAL, "a GPIO line is CHIP:LINE or CHIP:LINE:low, not '%.60s'", text);
    *ret_name = name;
    return 0;
}

int va_gpio_open(const struct va_gpio_name *name, struct gpiod_chip **ret_chip, struct gpiod_line **ret_line, va_error *error)
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

int va_gpio_read(const struct va_gpio_name *name, va_error *error)
{
    struct gpiod_chip *chip = NULL;
    struct gpiod_line *line = NULL;
    int value = -1, r = va_gpio_open(name, &chip, &line, error);

    if (r < 0)
        return r;
    if (gpiod_line_request_input_flags(line, "voice-assistant", name->is_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0) == 0)
        value = gpiod_line_get_value(line);
    r = value >= 0 ? value != 0 : va_fail_errno(error, "the GPIO line '%s' of '%s'", name->line, name->chip);
    gpiod_chip_close(chip);
    return r;
}
