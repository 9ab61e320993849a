/* json_read.h - members of a message, checked. 0 or VA_EFORMAT; outputs as they were on failure. */
#ifndef VA_REMOTE_JSON_READ_H
#define VA_REMOTE_JSON_READ_H

#include <jansson.h>

#include "remote/message.h"

/* An object whose member v is version; NULL when it is none. */
json_t *va_remote_parse(const char *data, size_t n, int version);

/* 1 to 39 of a-z 0-9 -. text NULL is wrong. */
VA_MUST_CHECK int va_remote_check_name(const char *text, char ret_name[VA_REMOTE_NAME_BYTES]);
VA_MUST_CHECK int va_remote_read_name(const json_t *object, const char *key, char ret_name[VA_REMOTE_NAME_BYTES]);

/* A text of at most max bytes, or null; it belongs to the object. */
VA_MUST_CHECK int va_remote_read_text(const json_t *object, const char *key, size_t max, const char **ret_text);
VA_MUST_CHECK int va_remote_read_integer(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret_integer);
VA_MUST_CHECK int va_remote_read_int(const json_t *object, const char *key, int min, int max, int *ret_integer); /* or a boolean */
VA_MUST_CHECK int va_remote_read_number(const json_t *object, const char *key, double *ret_number);              /* finite */
VA_MUST_CHECK int va_remote_read_float(const json_t *object, const char *key, float *ret_number);

#endif
