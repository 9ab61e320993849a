/* clock.h - time. Any thread. */
#ifndef VA_BASE_CLOCK_H
#define VA_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t va_clock_ns(void);   /* monotonic, from an arbitrary start */
double va_clock_ms(void);     /* the same in milliseconds */
double va_clock_boot_s(void); /* monotonic seconds, those the machine has slept among them */
double va_clock_unix_s(void); /* seconds since 1970 */

#define VA_CLOCK_LAST_UNIX_S 253402300799 /* the end of the year 9999 */

/* 1 when the clock was set by more than a minute since the last call, by somebody or the network, or the machine has slept. *offset_s is
 * its memory, 0 before the first call, which finds nothing. */
int va_clock_was_set(double *offset_s);

/* What va_clock_ns will be in so many seconds: now when it is below 0, in 100 years when it is more. */
uint64_t va_clock_after(double seconds);

#define VA_CLOCK_TEXT_SIZE 32
/* "2026-01-31T23:59:59.123Z"; times before 1970 and after 9999 are shown as those limits. */
void va_clock_text(double unix_s, char ret_text[VA_CLOCK_TEXT_SIZE]);

/* The other way: "2026-01-31", and behind it "T23:59", with ":59", ".5" and "Z" or "+01:00"; without a zone it is UTC. Years 1970 to 9999.
 * VA_EFORMAT. */
int va_clock_parse(const char *text, double *ret_unix_s);

#endif
