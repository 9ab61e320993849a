/* storage.c - whether what is said may be kept in the data folder. */
#include "assistant/state.h"

#include "privacy/encryption.h"

int va_assistant_is_storage_encrypted(const va_assistant *assistant)
{
    va_error reason;

    return assistant->folder != NULL && va_encryption_check(assistant->power.root, assistant->folder, &reason) == 0;
}

int va_assistant_check_storage(va_assistant *assistant, va_error *error)
{
    struct va_settings *settings = va_settings_hold(assistant);
    va_error reason;
    int r = 0;

    if (settings->config->privacy_require_encryption && assistant->folder != NULL)
        r = va_encryption_check(assistant->power.root, assistant->folder, &reason);
    va_settings_release(settings);
    return r < 0 ? va_fail(error, VA_EDENIED, "%s, as privacy.require_encryption wants it", reason.text) : 0;
}
