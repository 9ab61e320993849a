/* median.h - the middle one of several measurements. */
#ifndef VA_DAEMON_MEDIAN_H
#define VA_DAEMON_MEDIAN_H

#include <stddef.h>

/* Sorts values [n], ascending. Of an even number the greater of the two in the middle; 0 when there are none. Any thread. */
double va_median(double *values, size_t n);

#endif
