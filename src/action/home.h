/* home.h - what a running Home Assistant knows: its entities, areas and floors, as the YAML that command files use. */
#ifndef VA_ACTION_HOME_H
#define VA_ACTION_HOME_H

#include "base/buffer.h"

#define VA_HOME_MAX_BYTES ((size_t)32 << 20)

/* Asks the REST API at url ("http://homeassistant.local:8123"). Appends the YAML to out.
 * VA_EDENIED: the token; VA_EFAILED, VA_ETIMEOUT, VA_EFORMAT: the server. */
VA_MUST_CHECK int va_home_fetch(const char *url, const char *token_file, double timeout_s, struct va_buffer *out, va_error *error);

#endif
