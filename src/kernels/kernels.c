/* kernels.c - the sets compiled in, best first, and the choice among them. */
#include "kernels/kernels_internal.h"

#include <string.h>

static const struct va_kernels *const sets[] = {
#if defined(__x86_64__)
    &va_kernels_avx2,
#endif
    &va_kernels_c,
};

const struct va_kernels *va_kernels_at(int i)
{
    return i >= 0 && (size_t)i < sizeof(sets) / sizeof(sets[0]) ? sets[i] : NULL;
}

const struct va_kernels *va_kernels_select(const char *name)
{
    const unsigned flags = va_cpu_flags();

    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        if ((sets[i]->required & ~flags) == 0 && (!name || strcmp(name, sets[i]->name) == 0))
            return sets[i];
    return NULL;
}
