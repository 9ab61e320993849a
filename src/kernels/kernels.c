/* kernels.c - the sets compiled in, best first, and the choice among them. */
#include "kernels/kernels_internal.h"

#include <math.h>
#include <string.h>

static const struct va_kernels *const sets[] = {
#if defined(__x86_64__)
    &va_kernels_avx512vnni,
    &va_kernels_avxvnni,
    &va_kernels_avx2,
#elif defined(__aarch64__)
    &va_kernels_dotprod,
    &va_kernels_neon,
#endif
    &va_kernels_c,
};

const float va_gelu_bump[VA_GELU_TERMS] = {-0.0130465059f, 0.00140558823f, 0.0574477464f, -0.0284911525f, -0.095779635f,
                                           0.103739493f,   0.0338217616f,  -0.133908063f, 0.0983527675f,  0.00378751243f,
                                           -0.0617548078f, 0.0504792891f,  -0.01904881f,  0.0029799419f};

float va_inverse_step(float step)
{
    return step > 0.0f && isfinite(step) ? 1.0f / step : 0.0f;
}

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
