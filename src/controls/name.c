#include "controls/name.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

static int parse_key(const char *text, struct va_control_name *name, va_error *error)
{
    const char *at = strchr(text, '@');
    char key[VA_CONTROL_NAME_BYTES], *end;
    size_t n = at != NULL ? (size_t)(at - text) : strlen(text);

    if (va_copy_name(key, sizeof key, text, n) < 0)
        return va_fail(error, VA_EINVAL, "'key:' must be followed by the name or number of a key, not '%.60s'", text);
    long code = strtol(key, &end, 10);
    name->code = key[0] >= '0' && key[0] <= '9' && *end == '\0' && code <= VA_MAX_KEY_CODE ? (int)code : va_key_code(key);
    if (name->code <= 0)
        return va_fail(error, VA_EINVAL, "there is no key '%.60s'; give its number (evtest shows it)", key);
    if (at != NULL && (at[1] != '/' || va_copy_name(name->path, sizeof name->path, at + 1, strlen(at + 1)) < 0))
        return va_fail(error, VA_EINVAL, "a path must follow '@', not '%.60s'", at + 1);
    return 0;
}

int va_control_parse(const char *text, struct va_control_name *ret_name, va_error *error)
{
    struct va_control_name name = {0};
    int r;

    if (strncmp(text, "key:", 4) == 0) {
        name.kind = VA_CONTROL_KEY;
        r = parse_key(text + 4, &name, error);
    } else if (strncmp(text, "gpio:", 5) == 0) {
        name.kind = VA_CONTROL_GPIO;
        r = va_gpio_parse(text + 5, &name.gpio, error);
    } else if (strncmp(text, "led:", 4) == 0) {
        name.kind = VA_CONTROL_LED;
        r = va_copy_name(name.led, sizeof name.led, text + 4, strlen(text + 4));
        if (r < 0 || strchr(name.led, '/') != NULL || name.led[0] == '.')
            r = va_fail(error, VA_EINVAL, "'led:' must be followed by a name in /sys/class/leds, not '%.60s'", text + 4);
    } else {
        r = va_fail(error, VA_EINVAL, "a button is key:NAME or gpio:CHIP:LINE, a light is led:NAME or gpio:CHIP:LINE, not '%.60s'", text);
    }
    if (r == 0)
        *ret_name = name;
    return r;
}
