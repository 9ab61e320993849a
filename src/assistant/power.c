/* power.c - the action that sets a power mode, and the watch that looks at the battery and, where the options want that, sets modes by
 * itself. */
#include "assistant/state.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"
#include "power/automatic.h"

#define BATTERY_S 30.0 /* between two looks at it */
#define BUSY_S 2.0     /* between two looks at the work, while there is some */

struct va_power_watch {
    va_assistant *assistant;
    pthread_t thread;
    int has_thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int is_nudged, is_ending; /* with the lock */
    int is_automatic;
    struct va_automatic automatic; /* of the thread from here on, as is the rest */
    const char *mode;              /* set last, or found at the start */
    struct va_automatic_facts facts;
    double looked_s; /* at the battery; 0: not yet */
    int failed;      /* the last code: a failure is told once */
};

const struct va_power_options *va_assistant_power(const va_assistant *assistant)
{
    return &assistant->power;
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
    int r = va_power_set_mode(&assistant->power, mode, VA_POWER_ALL, &error);
    if ((r == VA_ENOTFOUND || r == VA_EUNSUPPORTED) && va_action_setting(call, "unavailable", NULL) != NULL)
        return va_action_refuse(call, "unavailable");
    return r < 0 ? va_action_fail(call, r, error.text) : 0;
}

/* ---- the watch ---- */

static int is_busy(va_assistant *assistant)
{
    int phase = atomic_load(&assistant->phase);
    va_workers_status workers;

    va_workers_get_status(assistant->workers, &workers);
    return workers.running + workers.waiting > 0 || (phase >= VA_PHASE_WAKE && phase <= VA_PHASE_ACTING);
}

static void look_at_battery(struct va_power_watch *watch)
{
    va_assistant *assistant = watch->assistant;
    struct va_battery battery = {.charging = -1};
    int is_there = va_battery_read(&assistant->power, &battery, NULL) == 0;

    watch->facts.has_battery = is_there;
    watch->facts.percent = battery.percent;
    watch->facts.charging = battery.charging;
    if (assistant->metrics == NULL)
        return;
    va_metrics_set(assistant->metrics, VA_METRIC_BATTERY, 0, is_there ? battery.percent : NAN);
    va_metrics_set(assistant->metrics, VA_METRIC_BATTERY_CHARGING, 0, battery.charging < 0 ? NAN : battery.charging);
}

/* Between usual and performance only the governor changes: a panel that flares up at each sentence is no use to anybody. */
static void set_mode(struct va_power_watch *watch, const char *mode)
{
    int is_saving = strcmp(mode, "low-power") == 0 || strcmp(watch->mode, "low-power") == 0;
    va_error error;
    int r = va_power_set_mode(&watch->assistant->power, mode, is_saving ? VA_POWER_ALL : VA_POWER_GOVERNOR, &error);
    const struct va_field fields[] = {VA_STRING("mode", mode), VA_STRING("from", watch->mode), VA_STRING("by", "automatic"),
                                      VA_STRING("result", r == 0 ? "success" : error.text)};

    if (r == 0 || r != watch->failed)
        va_event_tell(watch->assistant, r == 0 ? VA_LOG_INFO : VA_LOG_WARNING, "power", fields, sizeof fields / sizeof fields[0], 0);
    watch->failed = r;
    if (r == 0)
        watch->mode = mode;
}

/* Returns how long until the next look. */
static double look(struct va_power_watch *watch)
{
    double now_s = va_assistant_now_s();

    if (watch->looked_s == 0 || now_s - watch->looked_s >= BATTERY_S) {
        look_at_battery(watch);
        watch->looked_s = now_s;
    }
    if (!watch->is_automatic)
        return BATTERY_S;
    watch->facts.is_busy = is_busy(watch->assistant);
    const char *mode = va_automatic_mode(&watch->automatic, &watch->facts, now_s);
    if (strcmp(mode, watch->mode) != 0)
        set_mode(watch, mode);
    return strcmp(mode, "performance") == 0 ? BUSY_S : BATTERY_S;
}

static void *run_watch(void *arg)
{
    struct va_power_watch *watch = arg;

    for (;;) {
        uint64_t until_ns = va_clock_after(look(watch));
        pthread_mutex_lock(&watch->lock);
        while (!watch->is_nudged && !watch->is_ending && va_thread_wait_until(&watch->changed, &watch->lock, until_ns) == 0)
            ;
        int is_ending = watch->is_ending;
        watch->is_nudged = 0;
        pthread_mutex_unlock(&watch->lock);
        if (is_ending)
            return NULL;
    }
}

/* Something may have begun. Nobody waits here. */
void va_power_nudge(va_assistant *assistant)
{
    struct va_power_watch *watch = assistant->power_watch;

    if (watch == NULL || !watch->is_automatic)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->is_nudged = 1;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

/* A text that lives for ever: the option goes with its settings. */
static const char *usual_mode(const char *option, const char *found)
{
    static const char *const modes[] = {"low-power", "balanced", "performance"};

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(option, modes[i]) == 0)
            return modes[i];
    return found;
}

int va_power_start(va_assistant *assistant, va_error *error)
{
    const va_config *config = assistant->settings->config;
    struct va_power_watch *watch = va_calloc(1, sizeof *watch);
    struct va_power_state state;
    int r;

    if (watch == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->changed, NULL);
    va_power_read(assistant->power.root, &state);
    watch->assistant = assistant;
    watch->is_automatic = config->power_automatic;
    watch->automatic.low_percent = config->power_low_battery;
    watch->mode = state.mode != NULL ? state.mode : "balanced";
    watch->automatic.usual = usual_mode(config->power_mode, watch->mode);
    assistant->power_watch = watch; /* the assistant's, whatever comes now */
    if ((r = va_power_check_options(&assistant->power, error)) < 0)
        return r;
    r = va_thread_start(&watch->thread, run_watch, watch);
    watch->has_thread = r == 0;
    return r == 0 ? 0 : va_fail_memory(error);
}

void va_power_stop(va_assistant *assistant)
{
    struct va_power_watch *watch = assistant->power_watch;

    if (watch == NULL || !watch->has_thread)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->is_ending = 1;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    watch->has_thread = 0;
}

void va_power_free(va_assistant *assistant)
{
    struct va_power_watch *watch = assistant->power_watch;

    if (watch == NULL)
        return;
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    va_free(watch);
}
