#include "audit/parse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_LINE_BYTES 1024

/* Copies the next line, cut to capacity; returns what is behind it, NULL when there is none. */
static const char *next_line(const char *text, char *ret_line, size_t capacity)
{
    size_t n = strcspn(text, "\n"), kept = n < capacity ? n : capacity - 1;

    if (*text == '\0')
        return NULL;
    memcpy(ret_line, text, kept);
    ret_line[kept] = '\0';
    return text[n] == '\n' ? text + n + 1 : text + n;
}

int va_parse_field(const char *text, const char *name, char separator, char *ret_value, size_t capacity)
{
    size_t n = strlen(name);

    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, name, n) == 0 && line[n] == separator) {
            const char *value = line + n + 1 + strspn(line + n + 1, " \t");
            size_t length = strcspn(value, "\n");
            while (length > 0 && strchr(" \t\r", value[length - 1]) != NULL)
                length--;
            snprintf(ret_value, capacity, "%.*s", (int)(length < capacity ? length : capacity), value);
            return 0;
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return VA_ENOTFOUND;
}

int va_parse_number(const char *text, int base, uint64_t *ret_value)
{
    char *end;

    if (!isxdigit((unsigned char)*text))
        return VA_EFORMAT;
    errno = 0;
    unsigned long long value = strtoull(text, &end, base);
    if (end == text || errno != 0 || (*end != '\0' && strchr(" \t\n", *end) == NULL))
        return VA_EFORMAT;
    *ret_value = value;
    return 0;
}

int va_parse_has_word(const char *text, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = text; n > 0 && (at = strstr(at, word)) != NULL; at += n)
        if ((at == text || strchr(" \t\n", at[-1]) != NULL) && (at[n] == '\0' || strchr(" \t\n", at[n]) != NULL))
            return 1;
    return 0;
}

/* ---- sockets ---- */

/* Hexadecimal words as the processor has them, in memory as in the kernel's. */
static int parse_address(const char *text, int n_words, unsigned char *ret_address)
{
    for (int i = 0; i < n_words; i++) {
        char word[9] = {0}, *end;
        memcpy(word, text + 8 * i, strnlen(text + 8 * i, 8));
        uint32_t value = (uint32_t)strtoul(word, &end, 16);
        if (end != word + 8)
            return VA_EFORMAT;
        memcpy(ret_address + 4 * i, &value, 4);
    }
    return 0;
}

/* "0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 12345 ..." */
static int parse_listener(char *line, int is_ip6, struct va_listener *ret_listener)
{
    struct va_listener listener = {.is_ip6 = is_ip6};
    char *words[10], *rest = NULL;
    size_t n = 0, n_digits = is_ip6 ? 32 : 8;
    uint64_t port;

    for (char *word = strtok_r(line, " ", &rest); word != NULL && n < 10; word = strtok_r(NULL, " ", &rest))
        words[n++] = word;
    if (n < 10 || strcmp(words[3], "0A") != 0 || strlen(words[1]) <= n_digits + 1 || words[1][n_digits] != ':' ||
        parse_address(words[1], is_ip6 ? 4 : 1, listener.address) < 0 || va_parse_number(words[1] + n_digits + 1, 16, &port) < 0 ||
        port > 65535 || va_parse_number(words[9], 10, &listener.inode) < 0)
        return VA_EFORMAT;
    listener.port = (int)port;
    *ret_listener = listener;
    return 0;
}

void va_parse_listeners(const char *text, int is_ip6, struct va_listener *ret_listeners, size_t *n)
{
    char line[MAX_LINE_BYTES];

    while (*n < VA_SOCKETS_MAX && (text = next_line(text, line, sizeof line)) != NULL)
        if (parse_listener(line, is_ip6, &ret_listeners[*n]) == 0)
            ++*n;
}

int va_listener_is_loopback(const struct va_listener *listener)
{
    static const unsigned char one[16] = {[15] = 1}, mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (!listener->is_ip6)
        return listener->address[0] == 127;
    return memcmp(listener->address, one, 16) == 0 || (memcmp(listener->address, mapped, 12) == 0 && listener->address[12] == 127);
}

void va_listener_text(const struct va_listener *listener, char ret_text[VA_LISTENER_TEXT_BYTES])
{
    char address[INET6_ADDRSTRLEN] = "?";

    inet_ntop(listener->is_ip6 ? AF_INET6 : AF_INET, listener->address, address, sizeof address);
    snprintf(ret_text, VA_LISTENER_TEXT_BYTES, listener->is_ip6 ? "[%s]:%d" : "%s:%d", address, listener->port);
}

/* ---- times ---- */

int va_parse_mail_time(const char *text, double *ret_unix_s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm = {0};
    char month[4] = "";
    const char *comma = strchr(text, ','), *at = comma != NULL ? comma + 1 : text;
    uint64_t fields[5]; /* day, year, hour, minute, second */

    at += strspn(at, " ");
    for (size_t i = 0; i < 5; i++) {
        char digits[5] = "";
        size_t n = strspn(at, "0123456789");
        if (n == 0 || n > 4)
            return VA_EFORMAT;
        memcpy(digits, at, n);
        if (va_parse_number(digits, 10, &fields[i]) < 0)
            return VA_EFORMAT;
        at += n;
        if (i == 0) {
            at += strspn(at, " ");
            if (strnlen(at, 4) < 4 || at[3] != ' ')
                return VA_EFORMAT;
            memcpy(month, at, 3);
            at += 3;
        }
        at += strspn(at, i < 2 ? " " : ":");
    }
    const char *found = strstr(months, month);
    if (found == NULL || (found - months) % 3 != 0 || fields[0] < 1 || fields[0] > 31 || fields[1] < 1970 || fields[2] > 23 ||
        fields[3] > 59 || fields[4] > 60)
        return VA_EFORMAT;
    tm.tm_mday = (int)fields[0];
    tm.tm_mon = (int)((found - months) / 3);
    tm.tm_year = (int)fields[1] - 1900;
    tm.tm_hour = (int)fields[2];
    tm.tm_min = (int)fields[3];
    tm.tm_sec = (int)fields[4];
    *ret_unix_s = (double)timegm(&tm);
    return 0;
}

/* ---- packages ---- */

/* "Inst libssl3 [3.0.11-1] (3.0.15-1~deb12u1 Debian-Security:12/stable-security [amd64])"; without a version before the other, the package
 * is not there yet. */
int va_parse_updates(const char *text, struct va_updates *ret_updates)
{
    struct va_updates updates = {0};
    char line[MAX_LINE_BYTES], name[48];
    int is_summed = 0;

    while ((text = next_line(text, line, sizeof line)) != NULL) {
        is_summed |= strstr(line, " upgraded, ") != NULL;
        if (strncmp(line, "Inst ", 5) != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(line + 5, " "), line + 5);
        const char *new = strchr(line, '('), *old = memchr(line, '[', new != NULL ? (size_t)(new - line) : strlen(line));
        int is_security = new != NULL &&strcasestr(new, "-security") != NULL;
        if (updates.n == 0 || (is_security && updates.n_security == 0))
            snprintf(updates.first, sizeof updates.first, "%s%s%.*s -> %.*s", name, old != NULL ? " " : "",
                     old != NULL ? (int)strcspn(old + 1, "]") : 0, old != NULL ? old + 1 : "",
                     new != NULL ? (int)strcspn(new + 1, " )") : 0, new != NULL ? new + 1 : "");
        updates.n++;
        updates.n_security += (size_t)is_security;
    }
    if (!is_summed && updates.n == 0)
        return VA_EFORMAT;
    *ret_updates = updates;
    return 0;
}

/* "CVE-2023-1234 package (fixed, remotely exploitable, high urgency)", or with --format detail "CVE-2023-1234 (fixed)" and indented lines.
 */
int va_parse_debsecan(const char *text, size_t *ret_n, char ret_first[96], va_error *error)
{
    char line[MAX_LINE_BYTES];
    size_t n = 0;

    while ((text = next_line(text, line, sizeof line)) != NULL) {
        if (line[strspn(line, " \t\r")] == '\0' || line[0] == ' ' || line[0] == '\t')
            continue;
        if (strncmp(line, "CVE-", 4) != 0 && strncmp(line, "TEMP-", 5) != 0 && strncmp(line, "DSA-", 4) != 0)
            return va_fail(error, VA_EFORMAT, "'%.60s' is no line of debsecan", line);
        if (n++ == 0)
            snprintf(ret_first, 96, "%.95s", line);
    }
    *ret_n = n;
    return 0;
}

/* ---- metrics ---- */

int va_parse_metric(const char *text, const char *series, double *ret_value)
{
    size_t n = strlen(series);

    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, series, n) == 0 && line[n] == ' ') {
            char number[64] = "", *end;
            snprintf(number, sizeof number, "%.*s", (int)strcspn(line + n + 1, "\n"), line + n + 1);
            double value = strtod(number, &end);
            if (end == number || (*end != '\0' && *end != ' '))
                return VA_EFORMAT;
            *ret_value = value;
            return 0;
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return VA_ENOTFOUND;
}

/* ---- systemd ---- */

/* "1min 2.345s", "512ms", up to limit. */
static double parse_duration(const char *text, const char *limit)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"min", 60}, {"ms", 1e-3}, {"us", 1e-6}, {"h", 3600}, {"s", 1}};
    double total = 0;
    size_t i;

    while (text < limit) {
        char *end;
        double value = strtod(text, &end);
        for (i = 0; i < sizeof units / sizeof units[0] && strncmp(end, units[i].name, strlen(units[i].name)) != 0; i++)
            ;
        if (end == text || i == sizeof units / sizeof units[0] || !(value >= 0 && value < 1e9))
            break;
        total += value * units[i].seconds;
        text = end + strlen(units[i].name);
        text += strspn(text, " ");
    }
    return total;
}

int va_parse_blame(const char *text, const char *unit, double *ret_seconds)
{
    size_t n = strlen(unit);
    const char *found = strstr(text, unit);

    while (found != NULL && (found == text || found[-1] != ' ' || (found[n] != '\n' && found[n] != '\0')))
        found = strstr(found + 1, unit); /* a part of another's name */
    if (found == NULL)
        return VA_ENOTFOUND;
    const char *line = found;
    while (line > text && line[-1] != '\n')
        line--;
    *ret_seconds = parse_duration(line, found);
    return 0;
}
