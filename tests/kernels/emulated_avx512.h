/* emulated_avx512.h - what the AVX-512 kernels use and SIMDe 0.7 lacks, lane by lane. Lanes that a mask lacks touch no memory. */
#ifndef EMULATED_AVX512_H
#define EMULATED_AVX512_H

typedef simde__mmask16 __mmask16;
#ifndef _MM_FROUND_NO_EXC
#define _MM_FROUND_NO_EXC SIMDE_MM_FROUND_NO_EXC
#endif

static inline __m512 _mm512_maskz_loadu_ps(__mmask16 mask, const float *from)
{
    float lanes[16] = {0};

    for (int i = 0; i < 16; i++)
        if (mask >> i & 1)
            lanes[i] = from[i];
    return _mm512_loadu_ps(lanes);
}

static inline void _mm512_mask_storeu_ps(float *to, __mmask16 mask, __m512 x)
{
    float lanes[16];

    _mm512_storeu_ps(lanes, x);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1)
            to[i] = lanes[i];
}

#endif
