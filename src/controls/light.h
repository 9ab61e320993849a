/* light.h - a light that shows what the assistant does: an LED of the kernel, or a line of a GPIO chip.
 *
 * A thread of its own blinks, and sleeps while nothing does. A light that is missing is no failure: each change tries it again. */
#ifndef VA_CONTROLS_LIGHT_H
#define VA_CONTROLS_LIGHT_H

#include "base/error.h"

typedef struct va_light va_light;

enum va_light_state {
    VA_LIGHT_IDLE,      /* dark */
    VA_LIGHT_LISTENING, /* lit */
    VA_LIGHT_THINKING,  /* blinks slowly */
    VA_LIGHT_SPEAKING,  /* lit, with short gaps */
    VA_LIGHT_PRIVACY,   /* two short flashes every four seconds */
    VA_LIGHT_FAULT,     /* blinks fast */
    VA_LIGHT_N_STATES
};

struct va_light_options {
    /* "led:NAME" of /sys/class/leds; "gpio:CHIP:LINE[:low]" as in button.h, low: lit when the line is low. Copied. */
    const char *light;
    const char *root; /* before /sys: "" but in tests */
    /* It could be set (error NULL), or not and why: once for each change of that. From the light's thread. May be NULL. */
    void (*on_device)(void *user, const va_error *error);
    void *user;
};

/* Begins idle. VA_EINVAL: options->light is none of these. VA_ENOMEM, VA_EIO. */
VA_MUST_CHECK int va_light_new(const struct va_light_options *options, va_light **ret_light, va_error *error);
/* Any thread; returns at once. */
void va_light_set(va_light *light, enum va_light_state state);
void va_light_free(va_light *light); /* leaves it dark; an LED gets its trigger back */

#endif
