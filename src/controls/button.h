/* button.h - a button to talk with: a key of any input device, or a line of a GPIO chip.
 *
 *     const struct va_button_options options = {.button = "key:KEY_F13", .root = "", .hold = 1, .on_button = on_button, .user = user};
 *     va_button_new(&options, &button, &error);
 *
 * A thread of its own waits for the device; it wakes for an event of a device, for a new device, and once a second while there is none. A
 * device that is missing, or unplugged and plugged in again, is no failure. Contacts that bounce are told once: the first change counts
 * at once, and those within the next 20 ms only as far as they last. */
#ifndef VA_CONTROLS_BUTTON_H
#define VA_CONTROLS_BUTTON_H

#include "base/error.h"

typedef struct va_button va_button;

struct va_button_options {
    /* "key:KEY[@PATH]": KEY is a name of linux/input-event-codes.h (with or without KEY_ or BTN_; those in src/controls/key_names.c) or a
     * number; PATH is /dev/input/eventN or a link to it, and without one any device that has the key counts. "gpio:CHIP:LINE[:low]": CHIP
     * is gpiochipN, its number, path or label; LINE its number or name; low: pressed when the line is low. Copied. */
    const char *button;
    const char *root; /* before /dev/input: "" but in tests */
    int hold;         /* 1: told when it is pressed and when it is released; 0: only when it is pressed */

    /* From the button's thread, which waits meanwhile. A button whose device goes while it is pressed is released. */
    void (*on_button)(void *user, int pressed);
    /* The device is there (error NULL), or it is not and why: once for each change, also at the start. May be NULL. */
    void (*on_device)(void *user, const va_error *error);
    void *user;
};

/* VA_EINVAL: options->button is none of these. VA_ENOMEM, VA_EIO. */
VA_MUST_CHECK int va_button_new(const struct va_button_options *options, va_button **ret_button, va_error *error);
void va_button_free(va_button *button); /* tells nothing any more when it returns */

#endif
