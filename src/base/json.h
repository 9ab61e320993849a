/* json.h - writes JSON into a buffer. Errors stick: check once at the end. One thread at a time.
 *
 *     struct va_json json = {.out = &buffer};
 *     va_json_open(&json, NULL, '{');
 *     va_json_text(&json, "text", text);
 *     va_json_close(&json, '}');
 *     if (json.error < 0) ...
 *
 * key is NULL for the outermost value and inside arrays. */
#ifndef VA_BASE_JSON_H
#define VA_BASE_JSON_H

#include "base/buffer.h"

struct va_json {
    struct va_buffer *out;
    int error; /* 0, VA_ENOMEM or VA_ELIMIT */
    int comma; /* the next value needs one before it */
};

void va_json_open(struct va_json *json, const char *key, char bracket);
void va_json_close(struct va_json *json, char bracket);
void va_json_text(struct va_json *json, const char *key, const char *value); /* bytes that are not UTF-8 become U+FFFD; NULL is null */
void va_json_number(struct va_json *json, const char *key, double value, int decimals); /* what is not finite is null */
void va_json_integer(struct va_json *json, const char *key, int64_t value);
void va_json_bool(struct va_json *json, const char *key, int value);

#endif
