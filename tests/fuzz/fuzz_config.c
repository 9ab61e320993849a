#include "fuzz.h"

#include <string.h>

#include "config/config.h"

/* The configuration file up to the first zero byte; behind it an override. What was understood must mean the same when it is shown
 * and read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    size_t text_size = zero != NULL ? (size_t)(zero - data) : size;
    char override[200];
    const char *overrides[] = {override};
    va_config *config = NULL, *again = NULL;
    va_error error = {.code = 1};
    struct va_buffer out;

    if (zero != NULL) {
        size_t n = size - text_size - 1 < sizeof override - 1 ? size - text_size - 1 : sizeof override - 1;
        memcpy(override, zero + 1, n);
        override[n] = '\0';
    }
    int r = va_config_parse("f.yaml", (const char *)data, text_size, overrides, zero != NULL, &config, &error);
    if (r < 0) {
        FUZZ_CHECK(config == NULL && error.code == r && error.text[0] != '\0');
        return 0;
    }
    va_buffer_init(&out, 1 << 20);
    if (va_config_show(config, 0, &out) == 0) {
        FUZZ_CHECK(va_config_parse("shown", out.data, out.size, NULL, 0, &again, &error) == 0);
        FUZZ_CHECK(strstr(out.data, "\"********\"") != NULL || va_config_changes(config, again, NULL, NULL) == 0);
        va_buffer_clear(&out);
        FUZZ_CHECK(va_config_show(config, 1, &out) == 0);
    }
    va_buffer_free(&out);
    va_config_free(config);
    va_config_free(again);
    return 0;
}
