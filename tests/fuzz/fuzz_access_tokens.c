/* What is read as the file of tokens holds only entries that can be written again. */
#include "fuzz.h"

#include <string.h>

#include "access/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct va_tokens tokens;
    va_error error;
    int r = va_tokens_parse((const char *)data, size, &tokens, &error);

    FUZZ_CHECK(r == 0 || r == VA_EFORMAT || r == VA_ELIMIT);
    FUZZ_CHECK(tokens.n <= VA_TOKENS_MAX);
    for (size_t i = 0; r == 0 && i < tokens.n; i++) {
        const struct va_token *token = &tokens.token[i];
        FUZZ_CHECK(va_token_is_name(token->name) && strlen(token->id) + 1 == VA_TOKEN_ID_BYTES);
        FUZZ_CHECK(token->scopes != 0 && (token->scopes & ~VA_SCOPE_ALL) == 0 && token->created_unix_s >= 0 && token->expires_unix_s >= 0);
        for (size_t j = 0; j < i; j++)
            FUZZ_CHECK(strcmp(tokens.token[j].id, token->id) != 0 && strcmp(tokens.token[j].name, token->name) != 0);
    }
    return 0;
}
