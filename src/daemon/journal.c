#include "daemon/journal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define MAX_ENTRIES 32
#define ENTRY_BYTES 64 /* NAME=, and a number */

static int is_console(void)
{
    const char *stream = getenv("JOURNAL_STREAM"); /* "device:inode" */
    char *rest = NULL;
    struct stat info;

    if (stream == NULL || fstat(STDERR_FILENO, &info) < 0 || strtoull(stream, &rest, 10) != info.st_dev || *rest != ':')
        return 0;
    return strtoull(rest + 1, NULL, 10) == info.st_ino;
}

int va_journal_is_wanted(const char *option)
{
    return strcmp(option, "on") == 0 || (strcmp(option, "auto") == 0 && is_console());
}

/* NAME=value, one behind the other. */
struct entries {
    struct iovec iov[MAX_ENTRIES];
    char text[VA_LOG_LINE_BYTES + MAX_ENTRIES * ENTRY_BYTES];
    size_t n, used;
};

/* What does not fit is left out. */
static void add(struct entries *entries, const char *prefix, const char *name, const char *value)
{
    char *text = entries->text + entries->used;
    size_t left = sizeof entries->text - entries->used;
    int n = snprintf(text, left, "%s%s=%s", prefix, name, value);

    if (n < 0 || (size_t)n >= left || entries->n == MAX_ENTRIES)
        return;
    for (char *p = text; *p != '='; p++)
        *p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
    entries->iov[entries->n++] = (struct iovec){.iov_base = text, .iov_len = (size_t)n};
    entries->used += (size_t)n;
}

static void add_field(struct entries *entries, const struct va_field *field)
{
    char number[32];

    switch (field->type) {
    case VA_FIELD_STRING:
        add(entries, "VA_", field->name, field->value.string == NULL ? "" : field->value.string);
        return;
    case VA_FIELD_NUMBER:
        snprintf(number, sizeof number, "%.15g", field->value.number);
        break;
    case VA_FIELD_INTEGER:
        snprintf(number, sizeof number, "%lld", (long long)field->value.integer);
        break;
    case VA_FIELD_BOOL:
        snprintf(number, sizeof number, "%d", field->value.integer != 0);
        break;
    }
    add(entries, "VA_", field->name, number);
}

int va_journal_write(const struct va_log_record *record)
{
    static const char *const priorities[] = {"7", "6", "4", "3"}; /* of syslog, by enum va_log_level */
    char line[VA_LOG_LINE_BYTES];
    struct entries entries = {.n = 0};

    size_t n = va_log_line_message(record, line);
    line[n - 1] = '\0'; /* for the newline */
    add(&entries, "", "MESSAGE", line);
    add(&entries, "", "PRIORITY", priorities[record->level]);
    add(&entries, "", "SYSLOG_IDENTIFIER", "voice-assistant");
    add(&entries, "", "VA_MODULE", record->module);
    if (record->event != NULL)
        add(&entries, "", "VA_EVENT", record->event);
    for (size_t i = 0; i < record->n_fields; i++)
        add_field(&entries, &record->fields[i]);
    return sd_journal_sendv(entries.iov, (int)entries.n);
}
