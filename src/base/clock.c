#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

uint64_t va_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double va_clock_ms(void)
{
    return (double)va_clock_ns() * 1e-6;
}

double va_clock_unix_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void va_clock_text(double unix_s, char ret_text[VA_CLOCK_TEXT_SIZE])
{
    const double last_s = 253402300799;                                     /* the end of the year 9999 */
    double in_range = unix_s > 0 ? (unix_s < last_s ? unix_s : last_s) : 0; /* not a number gives 0 */
    int64_t total_ms = (int64_t)floor(in_range * 1000.0 + 0.5);
    time_t seconds = (time_t)(total_ms / 1000);
    struct tm utc;
    char date[24];

    gmtime_r(&seconds, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(ret_text, VA_CLOCK_TEXT_SIZE, "%s.%03dZ", date, (int)(total_ms % 1000));
}
