/* log.h - the one logger: readable lines on the console, JSON lines in a file that rotates.
 *
 * A JSON line: {"timestamp","level","module","message", ...fields}. Texts and audio of users never go in unless the privacy
 * option allows it: that is the caller's duty (see `transcription` events in assistant/).
 * Layers below assistant/ log at debug only and return errors; so no error is logged twice.
 * Any thread; none waits for who reads the console: a line that nobody takes is lost. Before va_log_open, lines of level info and above go
 * to stderr. */
#ifndef VA_BASE_LOG_H
#define VA_BASE_LOG_H

#include "base/error.h"

enum va_log_level { VA_LOG_DEBUG, VA_LOG_INFO, VA_LOG_WARNING, VA_LOG_ERROR };

struct va_log_options {
    enum va_log_level level;
    int console;        /* 1: also to stderr */
    const char *path;   /* JSON lines go here; NULL or "" for none */
    uint64_t max_bytes; /* rotate before the file grows over this */
    int keep;           /* how many rotated files (app.log.1 ...) are kept */
};

VA_MUST_CHECK int va_log_open(const struct va_log_options *options, va_error *error);
void va_log_close(void);

/* Takes what goes to the console, instead; when it fails, stderr has it. One at a time; it must not log. NULL, and after va_log_close:
 * nobody. */
struct va_log_record; /* log_line.h */
void va_log_divert(int (*write)(const struct va_log_record *record));

struct va_log_status {
    int is_failing; /* the last line could not be written to the file, and cannot be now */
    uint64_t lost;  /* lines that were not written to it, or without one to the console, since the start of the program */
};
void va_log_get_status(struct va_log_status *ret_status);

/* "debug", "info", "warning", "error" -> level; VA_EINVAL otherwise. */
VA_MUST_CHECK int va_log_level_parse(const char *name, enum va_log_level *ret_level);

/* module: the folder, such as "server". */
void va_log(enum va_log_level level, const char *module, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* An event: message and "event" are its name, and the fields stand at top level. */
enum va_field_type { VA_FIELD_STRING, VA_FIELD_NUMBER, VA_FIELD_INTEGER, VA_FIELD_BOOL };
struct va_field {
    const char *name;
    enum va_field_type type;
    union {
        const char *string;
        double number;
        int64_t integer; /* also bool */
    } value;
};
#define VA_STRING(n, v) ((struct va_field){.name = (n), .type = VA_FIELD_STRING, .value.string = (v)})
#define VA_NUMBER(n, v) ((struct va_field){.name = (n), .type = VA_FIELD_NUMBER, .value.number = (v)})
#define VA_INTEGER(n, v) ((struct va_field){.name = (n), .type = VA_FIELD_INTEGER, .value.integer = (v)})
#define VA_BOOL(n, v) ((struct va_field){.name = (n), .type = VA_FIELD_BOOL, .value.integer = (v)})

/* Of the fields [n] the one of this name, or NULL; its text, or ""; whether it is true. */
const struct va_field *va_field_find(const struct va_field *fields, size_t n, const char *name);
const char *va_field_text(const struct va_field *fields, size_t n, const char *name);
int va_field_is_set(const struct va_field *fields, size_t n, const char *name);

void va_log_event(enum va_log_level level, const char *module, const char *event, const struct va_field *fields, size_t n_fields);

#endif
