/* scopes.h - scopes as text: "status,control". Any thread. */
#ifndef VA_ACCESS_SCOPES_H
#define VA_ACCESS_SCOPES_H

#include "access/access.h"

#define VA_SCOPES_TEXT_BYTES 64

/* One name; NULL for what is no scope. */
const char *va_scope_name(unsigned scope);

/* A list with commas, or "all". VA_EINVAL: another name is in it, or none. */
VA_MUST_CHECK int va_scopes_parse(const char *text, unsigned *ret_scopes, va_error *error);
void va_scopes_text(unsigned scopes, char ret_text[VA_SCOPES_TEXT_BYTES]);

#endif
