/* What is read as a request of the helper is written as the same bytes, and its names may stand in a path; what is read as an answer is
 * written as one. First byte: which of the two. */
#include "fuzz.h"

#include <string.h>

#include "helper/message.h"

static void check_request(const char *message, size_t size)
{
    struct va_helper_request request;
    char text[VA_HELPER_REQUEST_BYTES];
    int r = va_helper_parse_request(message, size, &request);

    FUZZ_CHECK(r == 0 || r == VA_EFORMAT);
    if (r < 0)
        return;
    FUZZ_CHECK(va_helper_write_request(&request, text) == size && memcmp(text, message, size) == 0);
    for (int i = 0; i < 2; i++)
        FUZZ_CHECK(strchr(request.words[i], '/') == NULL && strchr(request.words[i], ' ') == NULL && request.words[i][0] != '.');
}

static void check_answer(const char *message, size_t size)
{
    char text[VA_HELPER_ANSWER_BYTES];
    va_error error = {0};
    int r = va_helper_parse_answer(message, size, &error);

    FUZZ_CHECK(r <= 0 && r >= VA_EFAILED);
    size_t n = va_helper_write_answer(r, &error, text);
    FUZZ_CHECK(n > 0 && n < sizeof text && va_helper_parse_answer(text, n, &error) == r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    if (bytes[0] % 2 == 0)
        check_request((const char *)bytes + 1, size - 1);
    else
        check_answer((const char *)bytes + 1, size - 1);
    return 0;
}
