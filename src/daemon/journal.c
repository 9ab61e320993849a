#include "daemon/journal.h"

#include <ctype.h>
#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/datagram.h"

#define SOCKET "/run/systemd/journal/socket"
#define NAME_BYTES 64 /* journald's own limit for a field's name */
/* The message has all that the fields have; one datagram carries it (a socket's buffer holds 208 KB). */
#define ENTRY_BYTES (3 * VA_LOG_LINE_BYTES)

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

struct entry {
    char bytes[ENTRY_BYTES];
    size_t size;
};

/* The protocol's form for a value of any bytes: NAME, a newline, its length in 64 bits, little endian, the value, a newline
 * (systemd.io/JOURNAL_NATIVE_PROTOCOL). What does not fit is left out. */
static void add(struct entry *entry, const char *prefix, const char *name, const char *value)
{
    char *to = entry->bytes + entry->size, *end = entry->bytes + sizeof entry->bytes;
    size_t n = strlen(value);
    uint64_t size = htole64(n);
    int name_n = snprintf(to, (size_t)(end - to), "%s%s\n", prefix, name);

    if (name_n < 0 || name_n > NAME_BYTES || (size_t)(end - to) < (size_t)name_n + sizeof size + n + 1)
        return;
    for (; *to != '\n'; to++)
        *to = isalnum((unsigned char)*to) ? (char)toupper((unsigned char)*to) : '_';
    memcpy(++to, &size, sizeof size);
    memcpy(to + sizeof size, value, n);
    to[sizeof size + n] = '\n';
    entry->size += (size_t)name_n + sizeof size + n + 1;
}

static void add_field(struct entry *entry, const struct va_field *field)
{
    char number[32];

    switch (field->type) {
    case VA_FIELD_STRING:
        add(entry, "VA_", field->name, field->value.string == NULL ? "" : field->value.string);
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
    add(entry, "VA_", field->name, number);
}

int va_journal_write(const struct va_log_record *record)
{
    static const char *const priorities[] = {"7", "6", "4", "3"}; /* of syslog, by enum va_log_level */
    char line[VA_LOG_LINE_BYTES];
    struct entry entry;

    entry.size = 0;
    size_t n = va_log_line_message(record, line);
    line[n - 1] = '\0'; /* for the newline */
    add(&entry, "", "MESSAGE", line);
    add(&entry, "", "PRIORITY", priorities[record->level]);
    add(&entry, "", "SYSLOG_IDENTIFIER", "voice-assistant");
    add(&entry, "", "VA_MODULE", record->module);
    if (record->event != NULL)
        add(&entry, "", "VA_EVENT", record->event);
    for (size_t i = 0; i < record->n_fields; i++)
        add_field(&entry, &record->fields[i]);
    return va_datagram_send(SOCKET, entry.bytes, entry.size, 0);
}
