#include "daemon/overrides.h"

#include "base/memory.h"

int va_overrides_add(struct va_overrides *overrides, const char *option, const char *value)
{
    if (overrides->n == VA_OVERRIDES_MAX)
        return VA_ELIMIT;
    if (option != NULL) {
        char *text = va_asprintf("%s=%s", option, value);
        if (text == NULL)
            return VA_ENOMEM;
        overrides->made[overrides->n_made++] = text;
        value = text;
    }
    overrides->items[overrides->n++] = value;
    return 0;
}

void va_overrides_free(struct va_overrides *overrides)
{
    for (size_t i = 0; i < overrides->n_made; i++)
        va_free(overrides->made[i]);
    overrides->n = overrides->n_made = 0;
}

int va_overrides_load(const struct va_overrides *overrides, va_config **ret_config, va_error *error)
{
    return va_config_load(overrides->config_path, overrides->items, overrides->n, ret_config, error);
}
