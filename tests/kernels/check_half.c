/* check_half.c - binary16: every half value, every rounding boundary. The expected values come from ldexp, not from a kernel. */
#include "checkkern.h"

#include <math.h>

enum { HALVES = 65536, FINITE = 0x7c00 /* positive halves below infinity */ };

/* The value of a positive half; infinity's place holds 65536, the value it would have. */
static double half_value(int h)
{
    const int exponent = h >> 10, mantissa = h & 0x3ff;

    return exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, exponent - 25);
}

static float from_bits(int h)
{
    const float sign = h & 0x8000 ? -1.0f : 1.0f;

    if ((h & 0x7fff) > FINITE)
        return copysignf(NAN, sign);
    return (h & 0x7fff) == FINITE ? copysignf(INFINITY, sign) : sign * (float)half_value(h & 0x7fff);
}

static void check_to_f16(const struct va_kernels *set)
{
    float *x = slot_floats(0, HALVES);
    uint16_t *actual = slot_bytes(1, HALVES * sizeof(uint16_t));

    check_begin(set->name, "to_f16", "every half");
    for (int h = 0; h < HALVES; h++)
        x[h] = from_bits(h);
    set->to_f16(x, HALVES, actual);
    for (int h = 0; h < HALVES; h++) {
        if ((h & 0x7fff) > FINITE)
            check((actual[h] & 0x7e00) == 0x7e00, "NaN %04x became %04x", h, actual[h]);
        else
            check(actual[h] == h, "%04x became %04x", h, actual[h]);
    }
    /* The middle between neighbours goes to the even one, the floats beside it to the nearer one. */
    for (int side = -1; side <= 1; side++)
        for (int sign = 0; sign < 2; sign++) {
            check_begin(set->name, "to_f16", "middles, side %d sign %d", side, sign);
            for (int h = 0; h < FINITE; h++) {
                const float middle = (float)((half_value(h) + half_value(h + 1)) / 2.0);
                const float value = side ? nextafterf(middle, side < 0 ? 0.0f : INFINITY) : middle;
                x[h] = sign ? -value : value;
            }
            set->to_f16(x, FINITE, actual);
            for (int h = 0; h < FINITE; h++) {
                const int magnitude = side < 0 ? h : side > 0 ? h + 1 : h + (h & 1);
                check(actual[h] == (magnitude | sign << 15), "beside %04x became %04x", h, actual[h]);
            }
        }
    for (int n = 1; n <= 65; n++) {
        const float *some = slot_random(2, (size_t)n, REGIME_UNIFORM);
        uint16_t *expected = slot_bytes(3, (size_t)n * sizeof(uint16_t)), *out = slot_bytes(4, (size_t)n * sizeof(uint16_t));
        check_begin(set->name, "to_f16", "n %d", n);
        va_kernels_select("c")->to_f16(some, n, expected);
        set->to_f16(some, n, out);
        check_same(expected, out, (size_t)n * sizeof(uint16_t));
    }
    check_begin(set->name, "to_f16", "large");
    const float large[4] = {1e5f, -1e38f, 3.4e38f, 1e-45f};
    set->to_f16(large, 4, actual);
    check(actual[0] == 0x7c00 && actual[1] == 0xfc00 && actual[2] == 0x7c00 && actual[3] == 0, "beyond the range");
}

/* Reading halves: a row times one is the row. */
static void check_from_f16(const struct va_kernels *set)
{
    uint16_t *row = slot_bytes(0, 64 * sizeof(uint16_t));
    float *out = slot_floats(1, 64), one = 1.0f;

    for (int first = 0; first < HALVES; first += 64) {
        check_begin(set->name, "mix_f16", "halves from %04x", first);
        for (int d = 0; d < 64; d++)
            row[d] = (uint16_t)(first + d);
        set->mix_f16(&one, row, NULL, 1, out);
        for (int d = 0; d < 64; d++)
            check_near((double)from_bits(first + d), (double)out[d], 0.0, d);
    }
}

void check_half(const struct va_kernels *set)
{
    check_to_f16(set);
    check_from_f16(set);
}
