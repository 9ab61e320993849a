#include "daemon/median.h"

#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

double va_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
    return n > 0 ? values[n / 2] : 0;
}
