/* power.c - the action that sets a power mode. */
#include "assistant/state.h"

#include <string.h>

#include "power/power.h"

const char *va_assistant_root(const va_assistant *assistant)
{
    return assistant->root;
}

/* The settings of command files may say save and full. A machine without modes answers in the command's words. */
int va_power_action(void *user, va_action_call *call)
{
    const char *setting = va_action_setting(call, "mode", "");
    const char *mode = strcmp(setting, "save") == 0 ? "low-power" : strcmp(setting, "full") == 0 ? "performance" : setting;
    va_assistant *assistant = user;
    va_error error;

    if (va_action_request(call)->dry_run)
        return va_action_would(call, "would set the power mode %s", mode);
    int r = va_power_set_mode(assistant->root, mode, &error);
    if ((r == VA_ENOTFOUND || r == VA_EUNSUPPORTED) && va_action_setting(call, "unavailable", NULL) != NULL)
        return va_action_refuse(call, "unavailable");
    return r < 0 ? va_action_fail(call, r, error.text) : 0;
}
