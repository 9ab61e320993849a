/* What is read as a message is written as the same bytes. First byte: which of the two. */
#include "fuzz.h"

#include <string.h>

#include "action/launch_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct va_launch_request request;
    struct va_launch_answer answer;
    struct va_buffer out;

    if (size == 0)
        return 0;
    const char *message = (const char *)bytes + 1;
    va_buffer_init(&out, VA_LAUNCH_MESSAGE_BYTES);
    int r = bytes[0] % 2 == 0 ? va_launch_read_request(message, size - 1, &request) : va_launch_read_answer(message, size - 1, &answer);
    FUZZ_CHECK(r == 0 || r == VA_EFORMAT);
    if (r == 0) {
        r = bytes[0] % 2 == 0 ? va_launch_write_request(&request.launch, &out) : va_launch_write_answer(&answer, &out);
        FUZZ_CHECK(r == 0 && out.size == size - 1 && memcmp(out.data, message, out.size) == 0);
    }
    va_buffer_free(&out);
    return 0;
}
