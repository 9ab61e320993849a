/* Input: an ONNX file. */
#include "fuzz.h"
#include "vad/onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const char *name;
        int rank;
        uint64_t dims[4];
    } wanted[] = {{"x", 2, {1, 1}}, {"weight", 3, {2, 1, 3}},
                  {"bias", 1, {2}}, {"scalar", 0, {0}},
                  {"", 1, {0}},     {"large", 4, {UINT64_MAX, UINT64_MAX, 2, 1}}};
    static volatile unsigned total;

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const uint8_t *values;
        size_t n = sizeof(float);
        if (va_onnx_find(data, size, wanted[i].name, wanted[i].rank, wanted[i].dims, &values, NULL) < 0)
            continue;
        for (int j = 0; j < wanted[i].rank; j++)
            n *= (size_t)wanted[i].dims[j];
        FUZZ_CHECK(n <= size);
        for (size_t j = 0; j < n; j++)
            total += values[j];
    }
    return 0;
}
