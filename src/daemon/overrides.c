#include "daemon/overrides.h"

#include <string.h>

#include "base/memory.h"
#include "daemon/command.h"
#include "token/tokenizer.h"

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

int va_overrides_exit_code(const va_error *error)
{
    return error->code == VA_EINVAL ? VA_EXIT_USAGE : VA_EXIT_FAILED;
}

int va_overrides_check_language(const char *language, va_error *error)
{
    if (language[0] == '\0' || strcmp(language, "auto") == 0 || va_language_index(language) >= 0)
        return 0;
    return va_fail(error, VA_EINVAL, "'model.language' must be auto or a language's code such as en, not '%.64s'", language);
}
