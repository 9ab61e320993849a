#include "doubles/gpiod.h"

#include <errno.h>
#include <gpiod.h>
#include <string.h>
#include <unistd.h>

struct gpiod_line {
    int offset;
    int events[2]; /* a pipe, a byte an event; 0: none */
};
struct gpiod_chip {
    struct gpiod_line lines[8];
};

struct va_gpiod_double gpiod;
static struct gpiod_chip the_chip;

void gpiod_reset(void)
{
    memset(&gpiod, 0, sizeof gpiod);
    gpiod.requested = -1;
}

void gpiod_change(int value, int events)
{
    gpiod.value = value;
    for (int i = 0; i < events; i++)
        if (write(the_chip.lines[gpiod.requested].events[1], "e", 1) != 1)
            return;
}

struct gpiod_chip *gpiod_chip_open_lookup(const char *descr)
{
    if (gpiod.is_missing || strcmp(descr, "gpiochip0") != 0) {
        errno = ENOENT;
        return NULL;
    }
    memset(&the_chip, 0, sizeof the_chip);
    for (int i = 0; i < 8; i++)
        the_chip.lines[i].offset = i;
    gpiod.open_chips++;
    return &the_chip;
}

void gpiod_chip_close(struct gpiod_chip *chip)
{
    for (int i = 0; i < 8; i++)
        for (int end = 0; end < 2; end++)
            if (chip->lines[i].events[end] > 0)
                close(chip->lines[i].events[end]);
    gpiod.requested = -1;
    gpiod.open_chips--;
}

struct gpiod_line *gpiod_chip_get_line(struct gpiod_chip *chip, unsigned int offset)
{
    errno = EINVAL;
    return offset < 8 ? &chip->lines[offset] : NULL;
}

struct gpiod_line *gpiod_chip_find_line(struct gpiod_chip *chip, const char *name)
{
    errno = ENOENT;
    return strcmp(name, "talk") == 0 ? &chip->lines[3] : NULL;
}

static int request(struct gpiod_line *line, int flags, int is_output)
{
    int has_bias = (flags & (GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP | GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN)) != 0;

    errno = gpiod.is_busy ? EBUSY : EINVAL;
    if (gpiod.is_busy || (has_bias && gpiod.has_no_bias))
        return -1;
    gpiod.is_low = (flags & GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW) != 0;
    gpiod.is_output = is_output;
    gpiod.requested = line->offset;
    return 0;
}

int gpiod_line_request_both_edges_events_flags(struct gpiod_line *line, const char *consumer, int flags)
{
    (void)consumer;
    return request(line, flags, 0) < 0 ? -1 : pipe(line->events);
}

int gpiod_line_request_input_flags(struct gpiod_line *line, const char *consumer, int flags)
{
    (void)consumer;
    return request(line, flags, 0);
}

int gpiod_line_request_output_flags(struct gpiod_line *line, const char *consumer, int flags, int default_val)
{
    (void)consumer;
    if (request(line, flags, 1) < 0)
        return -1;
    gpiod.value = default_val;
    gpiod.sets++;
    return 0;
}

int gpiod_line_event_get_fd(struct gpiod_line *line)
{
    return line->events[0];
}

int gpiod_line_event_read(struct gpiod_line *line, struct gpiod_line_event *event)
{
    char byte;

    memset(event, 0, sizeof *event);
    if (read(line->events[0], &byte, 1) == 1 && !gpiod.is_lost)
        return 0;
    errno = ENODEV;
    return -1;
}

int gpiod_line_get_value(struct gpiod_line *line)
{
    (void)line;
    errno = ENODEV;
    return gpiod.is_lost ? -1 : gpiod.value;
}

int gpiod_line_set_value(struct gpiod_line *line, int value)
{
    (void)line;
    errno = ENODEV;
    if (gpiod.is_lost)
        return -1;
    gpiod.value = value;
    gpiod.sets++;
    return 0;
}
