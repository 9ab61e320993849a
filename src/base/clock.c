#include "base/clock.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/error.h"

#define MAX_AFTER_S (100.0 * 365 * 86400)
#define SET_BY_S 60.0

uint64_t va_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t va_clock_after(double seconds)
{
    return va_clock_ns() + (uint64_t)(fmin(fmax(seconds, 0.0), MAX_AFTER_S) * 1e9);
}

int va_clock_was_set(double *offset_s)
{
    double before_s = *offset_s;

    *offset_s = va_clock_unix_s() - (double)va_clock_ns() * 1e-9;
    return before_s != 0.0 && fabs(*offset_s - before_s) > SET_BY_S;
}

double va_clock_ms(void)
{
    return (double)va_clock_ns() * 1e-6;
}

double va_clock_boot_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double va_clock_unix_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void va_clock_text(double unix_s, char ret_text[VA_CLOCK_TEXT_SIZE])
{
    const double last_s = VA_CLOCK_LAST_UNIX_S;
    double in_range = unix_s > 0 ? (unix_s < last_s ? unix_s : last_s) : 0; /* not a number gives 0 */
    int64_t total_ms = (int64_t)floor(in_range * 1000.0 + 0.5);
    time_t seconds = (time_t)(total_ms / 1000);
    struct tm utc;
    char date[24];

    gmtime_r(&seconds, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(ret_text, VA_CLOCK_TEXT_SIZE, "%s.%03dZ", date, (int)(total_ms % 1000));
}

/* So many digits, from min to max; -1 otherwise. Moves *at on. */
static int digits(const char **at, int n, int min, int max)
{
    int value = 0;

    for (int i = 0; i < n; i++, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return -1;
        value = value * 10 + **at - '0';
    }
    return value < min || value > max ? -1 : value;
}

static int take(const char **at, char wanted)
{
    if (**at != wanted)
        return 0;
    (*at)++;
    return 1;
}

/* "Z", "+01:00" or nothing: what UTC is ahead. */
static int parse_zone(const char **at, int *ret_ahead_s)
{
    int sign = **at == '+' ? -1 : 1, hours, minutes;

    *ret_ahead_s = 0;
    if (take(at, 'Z') || (!take(at, '+') && !take(at, '-')))
        return 0;
    if ((hours = digits(at, 2, 0, 23)) < 0 || (minutes = (take(at, ':'), digits(at, 2, 0, 59))) < 0)
        return VA_EFORMAT;
    *ret_ahead_s = sign * (hours * 3600 + minutes * 60);
    return 0;
}

/* "23:59", ":59", ".123" */
static int parse_time(const char **at, double *ret_s)
{
    int hours = digits(at, 2, 0, 23), minutes = hours < 0 || !take(at, ':') ? -1 : digits(at, 2, 0, 59), seconds = 0;
    double fraction = 0, unit = 1;

    if (minutes < 0 || (take(at, ':') && (seconds = digits(at, 2, 0, 60)) < 0))
        return VA_EFORMAT;
    if (take(at, '.')) {
        if (!isdigit((unsigned char)**at))
            return VA_EFORMAT;
        for (; isdigit((unsigned char)**at); (*at)++)
            fraction += (unit *= 0.1) * (**at - '0');
    }
    *ret_s = hours * 3600 + minutes * 60 + seconds + fraction;
    return 0;
}

int va_clock_parse(const char *text, double *ret_unix_s)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *at = text;
    int year = digits(&at, 4, 1970, 9999), month = year < 0 || !take(&at, '-') ? -1 : digits(&at, 2, 1, 12);
    int day = month < 0 || !take(&at, '-') ? -1 : digits(&at, 2, 1, 31), ahead_s = 0;
    int is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    double time_s = 0;

    if (day < 0 || day > lengths[month - 1] + (month == 2 && is_leap))
        return VA_EFORMAT;
    if ((take(&at, 'T') || take(&at, ' ')) && (parse_time(&at, &time_s) < 0 || parse_zone(&at, &ahead_s) < 0))
        return VA_EFORMAT;
    if (*at != '\0')
        return VA_EFORMAT;
    struct tm utc = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    *ret_unix_s = (double)timegm(&utc) + time_s + ahead_s;
    return 0;
}
