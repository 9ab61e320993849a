/* A line of a GPIO chip. */
#include <errno.h>
#include <gpiod.h>

#include "controls/button_source.h"
#include "gpio/gpio.h"

/* With a resistor towards the level of a button that is not pressed, where the chip has one. */
static int request(const struct va_button_source *source)
{
    int flags = source->name.gpio.is_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0;
    int bias = source->name.gpio.is_low ? GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP : GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN;

    if (gpiod_line_request_both_edges_events_flags(source->line, "voice-assistant", flags | bias) == 0)
        return 0;
    return errno == EBUSY ? -1 : gpiod_line_request_both_edges_events_flags(source->line, "voice-assistant", flags);
}

int va_button_gpio_open(struct va_button_source *source, va_error *error)
{
    int r = va_gpio_open(&source->name.gpio, &source->chip, &source->line, error);
    if (r < 0)
        return r;
    if (request(source) < 0) {
        r = va_fail_errno(error, "the GPIO line '%s' of '%s'", source->name.gpio.line, source->name.gpio.chip);
        va_button_gpio_close(source);
        return r;
    }
    source->devices[source->n++] =
        (struct va_button_device){.fd = gpiod_line_event_get_fd(source->line), .is_pressed = gpiod_line_get_value(source->line) == 1};
    return 0;
}

/* An event only says that something has changed: what counts is how the line is now. */
int va_button_gpio_read(struct va_button_source *source, struct va_button_device *device, va_error *error)
{
    struct gpiod_line_event event;
    int value = gpiod_line_event_read(source->line, &event) < 0 ? -1 : gpiod_line_get_value(source->line);

    if (value < 0)
        return va_fail_errno(error, "the GPIO line '%s' of '%s'", source->name.gpio.line, source->name.gpio.chip);
    device->is_pressed = value;
    return 0;
}

void va_button_gpio_close(struct va_button_source *source)
{
    if (source->chip != NULL)
        gpiod_chip_close(source->chip); /* and the line's descriptor */
    source->chip = NULL;
    source->line = NULL;
}
