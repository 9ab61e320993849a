/* Foreign number formats to floats. The blocks of ggml hold 32 values along the fastest dimension: scale d and sometimes offset m as
 * f16, then for five bits a mask with the high bits, then the values; in 4-bit ones value j is the low and j + 16 the high nibble. */
#include "whisper/import_source.h"

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float from_f16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = (half >> 10) & 31, mantissa = half & 1023;

    if (exponent == 31)
        return from_bits(sign | 0x7f800000 | mantissa << 13);
    if (exponent != 0)
        return from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
    float value = (float)mantissa * 0x1p-24f; /* subnormal, exact */
    return sign ? -value : value;
}

static void block_to_f32(enum va_import_type type, const uint8_t *p, float *ret)
{
    int has_offset = type == VA_IMPORT_Q4_1 || type == VA_IMPORT_Q5_1, five_bits = type == VA_IMPORT_Q5_0 || type == VA_IMPORT_Q5_1;
    float d = from_f16(va_import_u16(p)), m = has_offset ? from_f16(va_import_u16(p + 2)) : 0;
    int zero = has_offset ? 0 : five_bits ? 16 : 8;
    const uint8_t *mask = p + (has_offset ? 4 : 2), *nibbles = mask + (five_bits ? 4 : 0);
    uint32_t high = five_bits ? va_import_u32(mask) : 0;

    for (int j = 0; j < 16; j++) {
        int low_value = (nibbles[j] & 15) | (int)((high >> j) & 1) << 4;
        int high_value = nibbles[j] >> 4 | (int)((high >> (j + 16)) & 1) << 4;
        ret[j] = d * (float)(low_value - zero) + m;
        ret[j + 16] = d * (float)(high_value - zero) + m;
    }
}

static void q8_to_f32(const uint8_t *p, float *ret)
{
    float d = from_f16(va_import_u16(p));
    for (int j = 0; j < 32; j++)
        ret[j] = d * (float)(int8_t)p[2 + j];
}

void va_import_to_f32(enum va_import_type type, const uint8_t *data, uint64_t n, float *ret)
{
    static const uint8_t block_bytes[] = {
        [VA_IMPORT_Q4_0] = 18, [VA_IMPORT_Q4_1] = 20, [VA_IMPORT_Q5_0] = 22, [VA_IMPORT_Q5_1] = 24, [VA_IMPORT_Q8_0] = 34};

    switch (type) {
    case VA_IMPORT_F32:
        memcpy(ret, data, n * sizeof *ret);
        break;
    case VA_IMPORT_F16:
        for (uint64_t i = 0; i < n; i++)
            ret[i] = from_f16(va_import_u16(data + 2 * i));
        break;
    case VA_IMPORT_BF16:
        for (uint64_t i = 0; i < n; i++)
            ret[i] = from_bits((uint32_t)va_import_u16(data + 2 * i) << 16);
        break;
    case VA_IMPORT_S8:
        for (uint64_t i = 0; i < n; i++)
            ret[i] = (int8_t)data[i];
        break;
    case VA_IMPORT_S16:
        for (uint64_t i = 0; i < n; i++)
            ret[i] = (int16_t)va_import_u16(data + 2 * i);
        break;
    case VA_IMPORT_S32:
        for (uint64_t i = 0; i < n; i++)
            ret[i] = (float)(int32_t)va_import_u32(data + 4 * i);
        break;
    case VA_IMPORT_Q8_0:
        for (uint64_t i = 0; i < n; i += 32)
            q8_to_f32(data + i / 32 * block_bytes[type], ret + i);
        break;
    case VA_IMPORT_Q4_0:
    case VA_IMPORT_Q4_1:
    case VA_IMPORT_Q5_0:
    case VA_IMPORT_Q5_1:
        for (uint64_t i = 0; i < n; i += 32)
            block_to_f32(type, data + i / 32 * block_bytes[type], ret + i);
        break;
    }
}
