/* What is read as a request about tokens or pairing can be carried out as it stands. */
#include "fuzz.h"

#include <string.h>

#include "server/access_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct va_token_request token;
    struct va_claim_request claim;
    va_error error;
    int r = va_token_request_read((const char *)data, size, &token, &error);

    FUZZ_CHECK(r == 0 || r == VA_EFORMAT || r == VA_EINVAL);
    if (r == 0) {
        FUZZ_CHECK(va_token_is_name(token.name) && token.scopes != 0 && (token.scopes & ~VA_SCOPE_ALL) == 0);
        FUZZ_CHECK(token.days >= 0 && token.days <= VA_TOKEN_MAX_DAYS);
    }
    r = va_claim_request_read((const char *)data, size, &claim, &error);
    FUZZ_CHECK(r == 0 || r == VA_EFORMAT || r == VA_EINVAL);
    if (r == 0)
        FUZZ_CHECK(va_token_is_name(claim.name) && claim.code[0] != '\0' && strlen(claim.code) < sizeof claim.code);
    return 0;
}
