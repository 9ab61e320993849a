/* record.c - what goes to the history. It never fails anybody: what cannot be kept is done all the same. */
#include "assistant/state.h"

#include <math.h>

#include "base/json.h"
#include "base/log.h"

#define MAX_SLOTS_BYTES 65536

/* {"name": "value"} into out; NULL when there is no memory for it. */
static const char *write_slots(struct va_buffer *out, const va_slot *slots, size_t n)
{
    struct va_json json = {.out = out};

    va_buffer_init(out, MAX_SLOTS_BYTES);
    va_json_open(&json, NULL, '{');
    for (size_t i = 0; i < n; i++)
        va_json_text(&json, slots[i].name, slots[i].value);
    va_json_close(&json, '}');
    return json.error < 0 ? NULL : out->data;
}

/* Once when it begins to fail, and once when it is over. */
static void log_outcome(va_assistant *assistant, int r, const va_error *error)
{
    int was_failing = atomic_exchange(&assistant->history_failing, r < 0);

    if (r < 0 && !was_failing)
        va_log(VA_LOG_ERROR, "assistant", "what is done now is not in the history: %s", error->text);
    else if (r == 0 && was_failing)
        va_log(VA_LOG_INFO, "assistant", "the history is written again");
}

static void add(va_assistant *assistant, uint64_t privacy_changes, const struct va_history_entry *entry)
{
    va_error error;
    int64_t id;

    pthread_rwlock_rdlock(&assistant->history_lock);
    if (!va_assistant_is_private(assistant) && atomic_load(&assistant->privacy_changes) == privacy_changes) {
        int r = va_assistant_check_storage(assistant, &error);
        if (r == 0)
            r = va_history_add(assistant->history, entry, &id, &error);
        if (r != VA_ESTATE) /* switched off meanwhile */
            log_outcome(assistant, r, &error);
    }
    pthread_rwlock_unlock(&assistant->history_lock);
}

static int is_wanted(const va_assistant *assistant)
{
    return assistant->history != NULL && va_history_is_enabled(assistant->history);
}

void va_record_transcription(va_assistant *assistant, const char *source, uint64_t privacy_changes, const struct va_job_result *result)
{
    struct va_buffer slots = {0};

    if (!is_wanted(assistant) || result->status < 0)
        return;
    const va_understanding *command = result->is_command ? result->command : NULL;
    const struct va_history_entry entry = {
        .kind = "transcription",
        .source = source,
        .request_id = result->id,
        .text = command != NULL ? command->text : result->transcript->text,
        .language = result->transcript->language,
        .command = command != NULL ? command->intent->name : NULL,
        .slots_json = command != NULL ? write_slots(&slots, command->intent->slots, command->intent->n_slots) : NULL,
        .confidence = command != NULL ? (double)command->confidence : (double)result->transcript->confidence,
        .duration_s = result->transcript->duration_s,
        .success = 1,
    };
    add(assistant, privacy_changes, &entry);
    va_buffer_free(&slots);
}

void va_record_execution(va_assistant *assistant, const char *source, const char *text, const struct va_execution *execution)
{
    struct va_buffer slots = {0};

    if (!is_wanted(assistant))
        return;
    const struct va_history_entry entry = {
        .kind = "command",
        .source = source,
        .text = text,
        .language = execution->language,
        .command = execution->command,
        .slots_json = write_slots(&slots, execution->slots, execution->n_slots),
        .response = execution->response,
        .confidence = (double)execution->score,
        .duration_s = (double)NAN,
        .success = execution->success,
    };
    add(assistant, execution->privacy_changes, &entry);
    va_buffer_free(&slots);
}

void va_record_settle(va_assistant *assistant)
{
    pthread_rwlock_wrlock(&assistant->history_lock);
    pthread_rwlock_unlock(&assistant->history_lock);
}

va_history *va_assistant_history(const va_assistant *assistant)
{
    return assistant->history;
}
