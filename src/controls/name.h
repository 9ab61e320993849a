/* name.h - what stands in the options about controls; inside src/controls only. */
#ifndef VA_CONTROLS_NAME_H
#define VA_CONTROLS_NAME_H

#include "gpio/gpio.h"

#define VA_CONTROL_NAME_BYTES 64
#define VA_CONTROL_PATH_BYTES 256

enum va_control_kind { VA_CONTROL_KEY, VA_CONTROL_GPIO, VA_CONTROL_LED };

struct va_control_name {
    enum va_control_kind kind;
    int code;                         /* key */
    char path[VA_CONTROL_PATH_BYTES]; /* key: of the device, "": any */
    struct va_gpio_name gpio;
    char led[VA_CONTROL_NAME_BYTES]; /* one name, no path */
};

/* VA_EINVAL, and error says what may stand there. */
VA_MUST_CHECK int va_control_parse(const char *text, struct va_control_name *ret_name, va_error *error);

#define VA_MAX_KEY_CODE 0x2ff

/* The code of a key by its name, or VA_ENOTFOUND. */
int va_key_code(const char *name);

#endif
