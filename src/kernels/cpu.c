/* cpu.c - what this processor and its operating system offer. */
#include "kernels/kernels.h"

#if defined(__x86_64__)

#include <cpuid.h>

/* Which register files the operating system saves: bits of XCR0. */
static unsigned enabled_state(void)
{
    unsigned low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

unsigned va_cpu_flags(void)
{
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;                       /* leaf 1 ecx */
    const unsigned avx2 = 1u << 5, avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31, avx512vnni = 1u << 11; /* leaf 7.0 ebx; ecx */
    const unsigned avxvnni = 1u << 4;                                                                         /* leaf 7.1 eax */
    const unsigned ymm_state = 0x6, zmm_state = 0xe6;
    unsigned a, b, c, d, sub_leaves, flags = 0;

    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & (fma | osxsave | avx | f16c)) != (fma | osxsave | avx | f16c))
        return 0;
    const unsigned state = enabled_state();
    if ((state & ymm_state) != ymm_state || !__get_cpuid_count(7, 0, &sub_leaves, &b, &c, &d) || !(b & avx2))
        return 0;
    flags |= VA_CPU_AVX2;
    if ((state & zmm_state) == zmm_state && (b & avx512) == avx512 && (c & avx512vnni))
        flags |= VA_CPU_AVX512VNNI;
    if (sub_leaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & avxvnni))
        flags |= VA_CPU_AVXVNNI;
    return flags;
}

#elif defined(__aarch64__)

#include <sys/auxv.h>
#include <asm/hwcap.h>

unsigned va_cpu_flags(void)
{
    const unsigned long caps = getauxval(AT_HWCAP);
    unsigned flags = 0;

    if (caps & HWCAP_ASIMD)
        flags |= VA_CPU_NEON;
    if (caps & HWCAP_ASIMDDP)
        flags |= VA_CPU_DOTPROD;
    return flags;
}

#else

unsigned va_cpu_flags(void)
{
    return 0;
}

#endif
