#include "daemon/serve_history.h"

#include "base/log.h"

#define SECONDS_PER_DAY 86400.0
#define MB_SHIFT 20

static void log_notice(void *user, const char *text)
{
    (void)user;
    va_log(VA_LOG_ERROR, "daemon", "%s", text);
}

struct va_history_options va_serve_history_options(const va_config *config)
{
    return (struct va_history_options){
        .enabled = (int)config->history_enabled,
        .max_age_s = config->history_days * SECONDS_PER_DAY,
        .max_bytes = (uint64_t)config->history_max_size << MB_SHIFT,
        .upkeep = 1,
        .notice = log_notice,
    };
}

int va_serve_history_open(const va_config *config, const char *folder, va_history **ret_history, va_error *error)
{
    const struct va_history_options options = va_serve_history_options(config);

    return va_history_open(folder, &options, ret_history, error);
}
