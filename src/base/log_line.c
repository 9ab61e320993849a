#include "base/log_line.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/utf8.h"

#define RESERVED_BYTES 64 /* for what ends a line, so that it always fits */

struct line {
    char *data;
    size_t size, limit;
    int truncated;
};

const char *const va_log_level_names[VA_LOG_ERROR + 1] = {"debug", "info", "warning", "error"};
static const char *const level_titles[] = {"DEBUG", "INFO", "WARNING", "ERROR"};

/* All of text or nothing: once something did not fit, nothing more is added. */
static void put(struct line *line, const char *text, size_t n)
{
    if (line->truncated || n > line->limit - line->size) {
        line->truncated = 1;
        return;
    }
    memcpy(line->data + line->size, text, n);
    line->size += n;
}

static void put_string(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* C0 and C1 controls and DEL: what a terminal may act on. */
static int is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

static void put_escaped_char(struct line *line, uint32_t code, const char *bytes, int length, int in_quotes)
{
    char escape[8];

    if (in_quotes && (code == '"' || code == '\\')) {
        escape[0] = '\\';
        escape[1] = (char)code;
        put(line, escape, 2);
    } else if (code == '\n') {
        put(line, "\\n", 2);
    } else if (code == '\t') {
        put(line, "\\t", 2);
    } else if (is_control(code)) {
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned)code);
        put(line, escape, 6);
    } else {
        put(line, bytes, (size_t)length);
    }
}

static void put_escaped(struct line *line, const char *text, int in_quotes)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n && !line->truncated;) {
        uint32_t code;
        int length = va_utf8_next(text + i, n - i, &code);
        if (length > 0)
            put_escaped_char(line, code, text + i, length, in_quotes);
        else
            put(line, "\xef\xbf\xbd", 3);
        i += length > 0 ? (size_t)length : 1;
    }
}

/* The quotes always pair: the closing one may use the reserve. */
static void put_quoted(struct line *line, const char *text)
{
    if (line->truncated || line->limit - line->size < 2) {
        line->truncated = 1;
        return;
    }
    line->data[line->size++] = '"';
    put_escaped(line, text, 1);
    line->data[line->size++] = '"';
}

static void put_number(struct line *line, double value, int json)
{
    char text[32];

    if (!isfinite(value)) {
        put_string(line, json ? "null" : isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    snprintf(text, sizeof text, "%.15g", value);
    char *comma = strchr(text, ','); /* a program that uses the library may have set a locale */
    if (comma != NULL)
        *comma = '.';
    put_string(line, text);
}

static void put_value(struct line *line, const struct va_field *field, int json)
{
    char text[24];

    switch (field->type) {
    case VA_FIELD_STRING: {
        const char *string = field->value.string == NULL ? "" : field->value.string;
        if (json || string[0] == '\0' || strpbrk(string, " \"\\=\n\t") != NULL)
            put_quoted(line, string);
        else
            put_escaped(line, string, 0);
        break;
    }
    case VA_FIELD_NUMBER:
        put_number(line, field->value.number, json);
        break;
    case VA_FIELD_INTEGER:
        snprintf(text, sizeof text, "%lld", (long long)field->value.integer);
        put_string(line, text);
        break;
    case VA_FIELD_BOOL:
        put_string(line, field->value.integer ? "true" : "false");
        break;
    }
}

/* A field called "message" replaces the message (error events have one). */
static const struct va_field *message_field(const struct va_log_record *record)
{
    for (size_t i = 0; i < record->n_fields; i++)
        if (record->fields[i].type == VA_FIELD_STRING && strcmp(record->fields[i].name, "message") == 0)
            return &record->fields[i];
    return NULL;
}

static int is_reserved(const char *name)
{
    static const char *const names[] = {"timestamp", "level", "module", "message", "event", "truncated"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return 1;
    return 0;
}

/* The least room a field may start in: `,"name":` and the longest value that cannot be cut. */
static int has_room(struct line *line, const char *name)
{
    if (line->truncated || line->limit - line->size < 6 * strlen(name) + 40)
        line->truncated = 1;
    return !line->truncated;
}

static void put_member(struct line *line, const char *name, const char *value)
{
    put_string(line, ",\"");
    put_string(line, name);
    put_string(line, "\":");
    put_quoted(line, value);
}

size_t va_log_line_json(const struct va_log_record *record, char ret_line[VA_LOG_LINE_BYTES])
{
    struct line line = {.data = ret_line, .limit = VA_LOG_LINE_BYTES - RESERVED_BYTES};
    const struct va_field *message = message_field(record);
    char timestamp[VA_CLOCK_TEXT_SIZE];

    va_clock_text(record->unix_s, timestamp);
    put_string(&line, "{\"timestamp\":");
    put_quoted(&line, timestamp);
    put_member(&line, "level", va_log_level_names[record->level]);
    put_member(&line, "module", record->module);
    if (record->event != NULL && has_room(&line, "event"))
        put_member(&line, "event", record->event);
    if (has_room(&line, "message"))
        put_member(&line, "message", message != NULL && message->value.string != NULL ? message->value.string : record->message);
    for (size_t i = 0; i < record->n_fields; i++) {
        const struct va_field *field = &record->fields[i];
        if (field == message || !has_room(&line, field->name))
            continue;
        put_string(&line, is_reserved(field->name) ? ",\"_" : ",\"");
        put_escaped(&line, field->name, 1);
        put_string(&line, "\":");
        put_value(&line, field, 1);
    }
    line.limit = VA_LOG_LINE_BYTES;
    if (line.truncated) {
        line.truncated = 0;
        put_string(&line, ",\"truncated\":true");
    }
    put_string(&line, "}\n");
    return line.size;
}

/* "module: message name=value ..." */
static size_t finish_readable(struct line *line, const struct va_log_record *record)
{
    put_escaped(line, record->module, 0);
    put_string(line, ": ");
    put_escaped(line, record->message, 0);
    for (size_t i = 0; i < record->n_fields && has_room(line, record->fields[i].name); i++) {
        put_string(line, " ");
        put_escaped(line, record->fields[i].name, 0);
        put_string(line, "=");
        put_value(line, &record->fields[i], 0);
    }
    line->limit = VA_LOG_LINE_BYTES;
    if (line->truncated) {
        line->truncated = 0;
        put_string(line, " ...");
    }
    put_string(line, "\n");
    return line->size;
}

size_t va_log_line_console(const struct va_log_record *record, char ret_line[VA_LOG_LINE_BYTES])
{
    struct line line = {.data = ret_line, .limit = VA_LOG_LINE_BYTES - RESERVED_BYTES};
    time_t seconds = (time_t)floor(record->unix_s);
    struct tm local;
    char date[32];

    if (localtime_r(&seconds, &local) == NULL || strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S ", &local) == 0)
        snprintf(date, sizeof date, "%s", "---------- --:--:-- ");
    put_string(&line, date);
    put_string(&line, level_titles[record->level]);
    put_string(&line, " ");
    return finish_readable(&line, record);
}

size_t va_log_line_message(const struct va_log_record *record, char ret_line[VA_LOG_LINE_BYTES])
{
    struct line line = {.data = ret_line, .limit = VA_LOG_LINE_BYTES - RESERVED_BYTES};

    return finish_readable(&line, record);
}
