#include "fuzz.h"

#include <string.h>

#include "base/utf8.h"
#include "server/command_request.h"
#include "server/settings_request.h"
#include "base/json.h"

static void read_settings(const char *body, size_t size)
{
    static struct va_settings_request settings;
    va_error error;
    int r = va_settings_request_read(body, size, &settings, &error);

    FUZZ_CHECK(r == 0 || r == VA_EFORMAT || r == VA_EINVAL || r == VA_EDENIED);
    if (r < 0)
        return;
    FUZZ_CHECK(settings.n > 0 && settings.n <= VA_SETTINGS_MAX);
    va_settings_request_clear(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct va_command_request request;
    va_error error;
    const char *body = (const char *)bytes;
    read_settings(body, size);
    int r = va_command_request_text(body, size, &request, &error);

    FUZZ_CHECK(r == 0 || r == VA_EFORMAT || r == VA_EINVAL);
    if (r == 0) {
        FUZZ_CHECK(request.text[0] != '\0' && request.n_slots == 0);
        va_command_request_clear(&request);
    }
    r = va_command_request_name(body, size, &request, &error);
    FUZZ_CHECK(r == 0 || r == VA_EFORMAT || r == VA_EINVAL);
    if (r < 0)
        return 0;

    /* What was read is written as JSON that can be read again. */
    struct va_buffer out;
    va_buffer_init(&out, 1 << 24);
    struct va_json json = {.out = &out};
    va_json_open(&json, NULL, '{');
    va_json_text(&json, "command", request.text);
    va_json_open(&json, "slots", '[');
    for (size_t i = 0; i < request.n_slots; i++) {
        va_json_text(&json, NULL, request.slots[i].name);
        va_json_text(&json, NULL, request.slots[i].value);
    }
    va_json_close(&json, ']');
    va_json_close(&json, '}');
    FUZZ_CHECK(json.error == 0 && va_utf8_valid(out.data, out.size));
    va_command_request_clear(&request);
    va_buffer_free(&out);
    return 0;
}
