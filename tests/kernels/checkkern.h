/* checkkern.h - what the parts of checkkern share: random numbers, guarded buffers, comparisons. */
#ifndef CHECKKERN_H
#define CHECKKERN_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

/* How values are drawn: near zero, very large with equal magnitudes, or uniform. */
enum regime { REGIME_TINY, REGIME_EXTREME, REGIME_UNIFORM, REGIME_COUNT };

/* Random numbers of the run's seed. */
uint32_t random_bits(void);
int random_below(int n);
float random_float(enum regime regime); /* magnitudes about 1e-6, 1e4 and up to 1 */
int8_t random_s8(enum regime regime);   /* -1..1, +-127, or -127..127 */

/* Slot (0..CHECK_SLOTS-1) of memory whose last byte is followed by a page that faults: n elements end there, so a kernel that reads or
 * writes too far stops the test. The bytes before hold a pattern (check_guards). The content of the n elements is the pattern too. Valid
 * until the slot is asked for again. */
enum { CHECK_SLOTS = 10, CHECK_SLOT_BYTES = 16 << 20 };
void *slot_bytes(int slot, size_t bytes);
float *slot_floats(int slot, size_t n);
float *slot_random(int slot, size_t n, enum regime regime);
int8_t *slot_random_s8(int slot, size_t n, enum regime regime);

/* Names the call under test for messages (also those of a fault). */
void check_begin(const char *set, const char *kernel, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Counts and prints a failure when the condition is false. */
void check(int condition, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Both slots hold the same bytes. */
void check_same(const void *expected, const void *actual, size_t bytes);
/* |actual - expected| <= tolerance (two infinities of one sign are equal, two NaN are equal) */
void check_near(double expected, double actual, double tolerance, int i);
/* Nothing was written before the elements of any slot. */
void check_guards(void);

/* The next model-like or small size: 1..65, then those of the models; 0 at the end. */
int size_at(int i);

void check_integer(const struct va_kernels *set);
void check_float(const struct va_kernels *set);
void check_half(const struct va_kernels *set);

#endif
