/* live_json.h - members of JSON objects about live audio and commands. */
#ifndef VA_ASSISTANT_LIVE_JSON_H
#define VA_ASSISTANT_LIVE_JSON_H

#include "assistant/assistant.h"
#include "base/json.h"

/* text, stable (its beginning), heard */
void va_live_json_partial(struct va_json *json, const char *text, size_t n_stable, double heard_s);

/* id, text, confidence, language, duration, intent (null: no command that counts), and with one command, command_confidence, slots */
void va_live_json_final(struct va_json *json, const struct va_job_result *result);

/* success, what va_execution_json writes, and error {code, message} where it failed. status below 0: there is an error only. */
void va_live_json_result(struct va_json *json, int status, const struct va_execution *execution, const va_error *error);

/* intent, slots, response, score; output, confirm, dry_run where there are any */
void va_execution_json(struct va_json *json, const struct va_execution *execution);

#endif
