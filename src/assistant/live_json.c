#include "assistant/live_json.h"

#include "base/memory.h"

static void write_slots(struct va_json *json, const va_slot *slots, size_t n)
{
    va_json_open(json, "slots", '{');
    for (size_t i = 0; i < n; i++)
        va_json_text(json, slots[i].name, slots[i].value);
    va_json_close(json, '}');
}

void va_live_json_partial(struct va_json *json, const char *text, size_t n_stable, double heard_s)
{
    char *stable = va_strndup(text, n_stable);

    if (stable == NULL && json->error == 0)
        json->error = VA_ENOMEM;
    va_json_text(json, "text", text);
    va_json_text(json, "stable", stable);
    va_json_number(json, "heard", heard_s, 3);
    va_free(stable);
}

void va_live_json_final(struct va_json *json, const struct va_job_result *result)
{
    const va_transcript *transcript = result->transcript;

    va_json_text(json, "id", result->id);
    va_json_text(json, "text", transcript->text);
    va_json_number(json, "confidence", (double)transcript->confidence, 4);
    va_json_text(json, "language", transcript->language);
    va_json_number(json, "duration", transcript->duration_s, 3);
    if (!result->is_command) {
        va_json_text(json, "intent", NULL);
        return;
    }
    va_json_text(json, "intent", result->command->intent->name);
    va_json_text(json, "command", result->command->text);
    va_json_number(json, "command_confidence", (double)result->command->confidence, 4);
    write_slots(json, result->command->intent->slots, result->command->intent->n_slots);
}

void va_execution_json(struct va_json *json, const struct va_execution *execution)
{
    va_json_text(json, "intent", execution->command);
    write_slots(json, execution->slots, execution->n_slots);
    va_json_text(json, "response", execution->response);
    va_json_number(json, "score", (double)execution->score, 4);
    if (execution->output != NULL)
        va_json_text(json, "output", execution->output);
    if (execution->confirm)
        va_json_bool(json, "confirm", 1);
    if (execution->dry_run)
        va_json_bool(json, "dry_run", 1);
}

void va_live_json_result(struct va_json *json, int status, const struct va_execution *execution, const va_error *error)
{
    int code = status < 0 ? status : execution->status;

    va_json_bool(json, "success", status == 0 && execution->success);
    if (status == 0)
        va_execution_json(json, execution);
    if (code < 0) {
        va_json_open(json, "error", '{');
        va_json_text(json, "code", va_status_text(code));
        va_json_text(json, "message", status < 0 ? error->text : execution->error.text);
        va_json_close(json, '}');
    }
}
