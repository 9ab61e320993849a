#include "access/token_json.h"

#include "base/clock.h"

static void write_time(struct va_json *json, const char *key, int64_t unix_s)
{
    char text[VA_CLOCK_TEXT_SIZE];

    va_clock_text((double)unix_s, text);
    va_json_text(json, key, unix_s > 0 ? text : NULL);
}

void va_token_json(struct va_json *json, const struct va_token *token)
{
    va_json_text(json, "id", token->id);
    va_json_text(json, "name", token->name);
    va_json_text(json, "kind", token->kind == VA_TOKEN_BEARER ? "token" : "certificate");
    va_json_open(json, "scopes", '[');
    for (unsigned scope = 1; scope < VA_SCOPE_ALL; scope <<= 1)
        if (token->scopes & scope)
            va_json_text(json, NULL, va_scope_name(scope));
    va_json_close(json, ']');
    write_time(json, "created", token->created_unix_s);
    write_time(json, "expires", token->expires_unix_s);
    write_time(json, "used", token->used_unix_s);
}
