/* What is taken as a button or a light is within its bounds, and whole. */
#include "fuzz.h"

#include <string.h>

#include "base/memory.h"
#include "controls/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct va_control_name name;
    va_error error;
    char *text = va_strndup((const char *)data, size);

    FUZZ_CHECK(text != NULL);
    int r = va_control_parse(text, &name, &error);
    FUZZ_CHECK(r == 0 || (r == VA_EINVAL && error.text[0] != '\0'));
    if (r == 0 && name.kind == VA_CONTROL_KEY)
        FUZZ_CHECK(name.code > 0 && name.code <= VA_MAX_KEY_CODE && (name.path[0] == '\0' || name.path[0] == '/'));
    if (r == 0 && name.kind == VA_CONTROL_GPIO)
        FUZZ_CHECK(strlen(name.gpio.chip) > 0 && strlen(name.gpio.line) > 0);
    if (r == 0 && name.kind == VA_CONTROL_LED)
        FUZZ_CHECK(strlen(name.led) > 0 && strchr(name.led, '/') == NULL);
    va_free(text);
    return 0;
}
