/* handle.c - sentences that are commands: which one it is, or to be carried out. */
#include "wyoming/internal.h"

static const char *text_of(const struct va_wyoming_event *event)
{
    const char *text = json_string_value(json_object_get(event->data, "text"));

    return text != NULL ? text : "";
}

static int send_intent(va_wyoming_session *session, const struct va_execution *found)
{
    struct va_wyoming_data data;

    va_wyoming_data_begin(&data);
    va_json_text(&data.json, "name", found->command);
    va_json_open(&data.json, "entities", '[');
    for (size_t i = 0; i < found->n_slots; i++) {
        va_json_open(&data.json, NULL, '{');
        va_json_text(&data.json, "name", found->slots[i].name);
        va_json_text(&data.json, "value", found->slots[i].value);
        va_json_close(&data.json, '}');
    }
    va_json_close(&data.json, ']');
    return va_wyoming_data_send(&data, session, "intent");
}

int va_wyoming_recognize(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    struct va_execution found;
    va_error error;
    int r = va_assistant_match_text(session->parts->assistant, text_of(event), &found, &error);

    if (r < 0)
        return va_wyoming_send_text(session, "not-recognized", error.text);
    r = send_intent(session, &found);
    va_execution_clear(&found);
    return r;
}

/* A command that failed says so in its response. */
int va_wyoming_handle(va_wyoming_session *session, const struct va_wyoming_event *event)
{
    va_assistant *assistant = session->parts->assistant;
    struct va_execution execution;
    va_error error;
    int r = va_assistant_execute_text_from(assistant, "wyoming", text_of(event), 0, &execution, &error);

    if (r < 0)
        return va_wyoming_send_text(session, "not-handled", error.text);
    va_assistant_reply(assistant, &execution, VA_SPEAK_AS_API);
    r = va_wyoming_send_text(session, execution.success || execution.confirm ? "handled" : "not-handled", execution.response);
    va_execution_clear(&execution);
    return r;
}
