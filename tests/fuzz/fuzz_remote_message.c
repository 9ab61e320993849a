/* Messages of other machines. First byte: which. What is read as a result is written and read again as the same text. */
#include "fuzz.h"

#include <string.h>

#include "remote/message.h"

static void try_result(const char *data, size_t n)
{
    struct va_remote_result result, again;
    struct va_buffer out;

    if (va_remote_read_result(data, n, &result) < 0)
        return;
    va_buffer_init(&out, VA_REMOTE_MAX_RESULT);
    if (va_remote_write_result(&result, &out) == 0 && out.size <= VA_REMOTE_MAX_MESSAGE) {
        FUZZ_CHECK(va_remote_read_result(out.data, out.size, &again) == 0);
        if (result.status == 0)
            FUZZ_CHECK(strcmp(result.transcript->text, again.transcript->text) == 0);
        va_transcript_free(again.transcript);
    }
    va_transcript_free(result.transcript);
    va_buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct va_remote_offer offer;
    struct va_remote_piece piece;
    struct va_remote_pulse pulse;
    char worker[VA_REMOTE_NAME_BYTES];

    if (size == 0)
        return 0;
    const char *data = (const char *)bytes + 1;
    size_t n = size - 1;
    switch (bytes[0] % 5) {
    case 0:
        if (va_remote_read_offer(data, n, &offer) == 0)
            va_remote_offer_clear(&offer);
        break;
    case 1:
        (void)!va_remote_read_piece(data, n, &piece);
        break;
    case 2:
        if (va_remote_read_pulse(data, n, &pulse) == 0)
            FUZZ_CHECK(pulse.n_jobs <= VA_REMOTE_MAX_JOBS && pulse.places <= VA_REMOTE_MAX_PLACES);
        break;
    case 3:
        (void)!va_remote_read_answer(data, n, worker);
        break;
    default:
        try_result(data, n);
    }
    return 0;
}
