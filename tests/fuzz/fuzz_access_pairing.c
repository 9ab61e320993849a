/* What is read as the file of pairing codes is within its bounds. */
#include "fuzz.h"

#include "access/pairing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct va_pairings pairings = {0};
    int r = va_pairings_parse((const char *)data, size, &pairings);

    FUZZ_CHECK(r == 0 || r == VA_EFORMAT);
    FUZZ_CHECK(pairings.n <= VA_PAIRING_MAX && (r == 0 || pairings.n == 0));
    for (size_t i = 0; i < pairings.n; i++)
        FUZZ_CHECK(pairings.pairing[i].ends_unix_s >= 0);
    return 0;
}
