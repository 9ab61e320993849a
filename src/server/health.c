#include "server/health.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "power/power.h"

#define FRESH_S 1.0
#define MAX_MEMORY_PERCENT 97.0
/* A large disk that is full to a percentage still has room. */
#define PLENTY_BYTES 1073741824.0

struct va_health {
    va_assistant *assistant;
    char *folder, *model_path; /* or NULL */
    struct stat model;         /* as it was at the start */
    pthread_mutex_t lock;
    va_system *system;
    struct va_health_limits limits;
    struct va_health_state state;
    double looked_s; /* monotonic; 0: never */
};

/* What the checks look at. */
struct facts {
    const va_health *health;
    const struct va_system_numbers *numbers;
    struct va_assistant_status status;
    struct va_microphone_status microphone;
    struct va_log_status log;
    struct va_history_status history;
    va_error storage; /* what may not be kept, and why; code 0: all may */
    int has_folder, has_model;
    struct statvfs disk;
    struct stat model;
};

/* ---- the checks: 1 when it is so, with a text for a person ---- */

#define TEXT_BYTES sizeof((struct va_health_reason *)0)->text
#define SAY(...) (snprintf(text, TEXT_BYTES, __VA_ARGS__), 1)

static int is_model_missing(const struct facts *facts, char *text)
{
    if (facts->health->model_path == NULL || facts->has_model)
        return 0;
    return SAY("the model's file %.200s is not there any more", facts->health->model_path);
}

static int is_model_changed(const struct facts *facts, char *text)
{
    const struct stat *then = &facts->health->model, *now = &facts->model;

    if (facts->health->model_path == NULL || !facts->has_model ||
        (then->st_ino == now->st_ino && then->st_dev == now->st_dev && then->st_size == now->st_size &&
         then->st_mtim.tv_sec == now->st_mtim.tv_sec && then->st_mtim.tv_nsec == now->st_mtim.tv_nsec))
        return 0;
    return SAY("the model's file %.200s is another one than at the start; restart to use it", facts->health->model_path);
}

static int is_microphone_lost(const struct facts *facts, char *text)
{
    const struct va_microphone_status *microphone = &facts->microphone;

    if (microphone->lost_s <= facts->health->limits.microphone_s)
        return 0;
    return SAY("the microphone has been lost for %.0f seconds: %.200s", microphone->lost_s, microphone->error);
}

static int is_data_missing(const struct facts *facts, char *text)
{
    return facts->has_folder ? 0 : SAY("the data folder %.200s is not there", facts->health->folder);
}

static int is_data_unencrypted(const struct facts *facts, char *text)
{
    return facts->storage.code < 0 ? SAY("nothing that is said is taken: %.250s", facts->storage.text) : 0;
}

static int is_disk_read_only(const struct facts *facts, char *text)
{
    if (!facts->has_folder || (facts->disk.f_flag & ST_RDONLY) == 0)
        return 0;
    return SAY("the disk of the data folder cannot be written");
}

static int is_disk_full(const struct facts *facts, char *text)
{
    const struct va_health_limits *limits = &facts->health->limits;
    double percent = facts->numbers->disk_percent, left = facts->numbers->disk_free;

    if (!(left < limits->disk_free_bytes) && !(percent > limits->disk_percent && left < PLENTY_BYTES))
        return 0;
    return SAY("the disk of the data folder is almost full: %.0f MB are free", left / 1048576.0);
}

static int is_memory_full(const struct facts *facts, char *text)
{
    return facts->numbers->memory_percent > MAX_MEMORY_PERCENT ? SAY("memory is almost used up") : 0;
}

static int is_queue_full(const struct facts *facts, char *text)
{
    return facts->status.queued >= facts->status.capacity ? SAY("the queue of transcriptions is full") : 0;
}

static int is_work_stalled(const struct facts *facts, char *text)
{
    const struct va_assistant_status *status = &facts->status;

    if (status->stalled_s <= facts->health->limits.stall_s)
        return 0;
    return SAY("transcriptions make no progress: %zu wait and %zu run, and nothing has happened for %.0f seconds", status->queued,
               status->running, status->stalled_s);
}

static int is_log_failing(const struct facts *facts, char *text)
{
    return facts->log.is_failing ? SAY("the log cannot be written; %llu lines are lost", (unsigned long long)facts->log.lost) : 0;
}

static int is_history_failing(const struct facts *facts, char *text)
{
    return facts->history.failing ? SAY("the history cannot be kept: %.200s", facts->history.error) : 0;
}

static const struct {
    const char *code;
    int (*is_so)(const struct facts *facts, char *text);
} checks[] = {
    {"model_missing", is_model_missing}, {"model_changed", is_model_changed},     {"microphone_lost", is_microphone_lost},
    {"data_missing", is_data_missing},   {"disk_read_only", is_disk_read_only},   {"disk_full", is_disk_full},
    {"memory_full", is_memory_full},     {"queue_full", is_queue_full},           {"work_stalled", is_work_stalled},
    {"log_failing", is_log_failing},     {"history_failing", is_history_failing}, {"data_unencrypted", is_data_unencrypted},
};
_Static_assert(sizeof checks / sizeof checks[0] <= VA_HEALTH_MAX_REASONS, "room for every reason");

/* ---- looking ---- */

/* Told when the set of reasons changes. */
static void log_change(const struct va_health_state *before, const struct va_health_state *after)
{
    char codes[VA_HEALTH_MAX_REASONS * 24] = "";
    int is_same = before->n_reasons == after->n_reasons;

    for (size_t i = 0; i < after->n_reasons; i++) {
        is_same = is_same && before->reasons[i].code == after->reasons[i].code;
        snprintf(codes + strlen(codes), sizeof codes - strlen(codes), "%s%s", i > 0 ? "," : "", after->reasons[i].code);
    }
    const struct va_field fields[] = {VA_BOOL("healthy", after->n_reasons == 0), VA_STRING("reasons", codes)};
    if (!is_same)
        va_log_event(after->n_reasons > 0 ? VA_LOG_WARNING : VA_LOG_INFO, "server", "health", fields, 2);
}

/* With the lock held. */
static void look(va_health *health)
{
    struct va_health_state before = health->state, *state = &health->state;
    struct va_power_state power;
    struct facts facts = {.health = health, .numbers = &state->numbers};

    va_system_read(health->system, &state->numbers);
    va_assistant_get_status(health->assistant, &facts.status);
    va_assistant_get_microphone(health->assistant, &facts.microphone);
    va_log_get_status(&facts.log);
    if (va_assistant_history(health->assistant) != NULL)
        va_history_get_status(va_assistant_history(health->assistant), &facts.history);
    if (va_assistant_check_storage(health->assistant, &facts.storage) == 0)
        facts.storage.code = 0;
    facts.has_folder = statvfs(health->folder, &facts.disk) == 0;
    facts.has_model = health->model_path != NULL && stat(health->model_path, &facts.model) == 0;
    va_power_read(va_assistant_power(health->assistant)->root, &power);
    state->power_mode = power.mode;
    state->cpu_celsius = power.cpu_celsius;
    state->throttled = power.throttled;
    state->uptime_s = facts.status.uptime_s;
    state->n_reasons = 0;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (checks[i].is_so(&facts, state->reasons[state->n_reasons].text))
            state->reasons[state->n_reasons++].code = checks[i].code;
    log_change(&before, state);
}

void va_health_get(va_health *health, struct va_health_state *ret_state)
{
    double now_s = va_clock_ms() * 1e-3;

    pthread_mutex_lock(&health->lock);
    if (health->looked_s == 0.0 || now_s - health->looked_s >= FRESH_S) {
        look(health);
        health->looked_s = now_s;
    }
    *ret_state = health->state;
    ret_state->uptime_s += now_s - health->looked_s;
    pthread_mutex_unlock(&health->lock);
}

/* ---- life ---- */

int va_health_new(va_assistant *assistant, const char *folder, va_health **ret_health, va_error *error)
{
    va_health *health = va_calloc(1, sizeof *health);
    if (health == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&health->lock, NULL);
    health->assistant = assistant;
    health->limits = (struct va_health_limits)VA_HEALTH_DEFAULT_LIMITS;
    health->folder = va_strdup(folder);
    int r = health->folder == NULL ? va_fail_memory(error) : va_system_new("", folder, &health->system, error);
    if (r < 0)
        va_health_free(health);
    else
        *ret_health = health;
    return r;
}

void va_health_free(va_health *health)
{
    if (health == NULL)
        return;
    va_system_free(health->system);
    va_free(health->folder);
    va_free(health->model_path);
    pthread_mutex_destroy(&health->lock);
    va_free(health);
}

void va_health_set_limits(va_health *health, const struct va_health_limits *limits)
{
    pthread_mutex_lock(&health->lock);
    health->limits = *limits;
    health->looked_s = 0.0;
    pthread_mutex_unlock(&health->lock);
}

int va_health_watch_model(va_health *health, const char *path, va_error *error)
{
    struct stat model;

    if (stat(path, &model) < 0)
        return va_fail_errno(error, "cannot look at the model's file %s", path);
    char *copy = va_strdup(path);
    if (copy == NULL)
        return va_fail_memory(error);
    va_free(health->model_path);
    health->model_path = copy;
    health->model = model;
    return 0;
}
