/* log_line.h - one log line as text, for log.c and its tests. Any thread. Nothing here allocates.
 *
 * A line never exceeds VA_LOG_LINE_BYTES, its newline included. Texts that do not fit are cut, and the line says so
 * ("truncated":true, or " ..." on the console); it stays well-formed. Damaged UTF-8 becomes U+FFFD, and control characters are
 * escaped, so that no logged text can start a line or a terminal sequence. */
#ifndef VA_BASE_LOG_LINE_H
#define VA_BASE_LOG_LINE_H

#include "base/log.h"

#define VA_LOG_LINE_BYTES 16384

extern const char *const va_log_level_names[VA_LOG_ERROR + 1]; /* "debug" ... */

struct va_log_record {
    double unix_s;
    enum va_log_level level;
    const char *module;
    const char *message;
    const char *event;             /* NULL for a plain message */
    const struct va_field *fields; /* [n_fields] */
    size_t n_fields;
};

/* All end with a newline and return the number of bytes; there is no NUL. */
size_t va_log_line_json(const struct va_log_record *record, char ret_line[VA_LOG_LINE_BYTES]);
size_t va_log_line_console(const struct va_log_record *record, char ret_line[VA_LOG_LINE_BYTES]);
/* As on the console, without time and level: for who keeps these himself. */
size_t va_log_line_message(const struct va_log_record *record, char ret_line[VA_LOG_LINE_BYTES]);

#endif
