/* health.h - whether the program can do its work, and if not, why: a table of checks. Any thread.
 *
 * /health may be asked thousands of times a second: what it costs to look is paid once a second. */
#ifndef VA_SERVER_HEALTH_H
#define VA_SERVER_HEALTH_H

#include "assistant/assistant.h"
#include "server/system.h"

typedef struct va_health va_health;

/* From the options of the section health. */
struct va_health_limits {
    double microphone_s, stall_s, disk_percent, disk_free_bytes;
};
#define VA_HEALTH_DEFAULT_LIMITS     \
    {                                \
        10.0, 60.0, 98.0, 67108864.0 \
    }

#define VA_HEALTH_MAX_REASONS 16

struct va_health_reason {
    const char *code; /* such as "disk_full"; lives for ever */
    char text[320];
};

struct va_health_state {
    struct va_health_reason reasons[VA_HEALTH_MAX_REASONS]; /* [n_reasons]; none: healthy */
    size_t n_reasons;
    struct va_system_numbers numbers;
    double uptime_s;
    const char *power_mode; /* as in power.h, as are the next */
    double cpu_celsius;
    int throttled;
};

/* assistant must outlive the health. folder: on the disk that is watched; copied. */
VA_MUST_CHECK int va_health_new(va_assistant *assistant, const char *folder, va_health **ret_health, va_error *error);
void va_health_free(va_health *health);

/* The file of the model, as it is now, is to stay. Before the first va_health_get. VA_ENOTFOUND, VA_ENOMEM, ... */
VA_MUST_CHECK int va_health_watch_model(va_health *health, const char *path, va_error *error);
void va_health_set_limits(va_health *health, const struct va_health_limits *limits);

/* At most a second old. A change of the state is logged. */
void va_health_get(va_health *health, struct va_health_state *ret_state);

#endif
