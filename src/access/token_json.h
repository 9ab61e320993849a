/* token_json.h - what may be told of a token: neither it nor its hash. Any thread. */
#ifndef VA_ACCESS_TOKEN_JSON_H
#define VA_ACCESS_TOKEN_JSON_H

#include "access/tokens.h"
#include "base/json.h"

/* "id", "name", "kind" (token, certificate), "scopes", "created", "expires", "used"; times as "2026-01-31T23:59:59.000Z" or null. The
 * object is the caller's. */
void va_token_json(struct va_json *json, const struct va_token *token);

#endif
