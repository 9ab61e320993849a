#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "stream/audio_ring.h"

static void test_the_last_samples_are_there(void **state)
{
    struct va_audio_ring ring;
    float in[7], out[7];
    uint64_t end = UINT64_C(1) << 40; /* positions do not start at 0 */

    assert_int_equal(va_audio_ring_init(&ring, 7, NULL), 0);
    for (int round = 0; round < 50; round++) {
        size_t n = (size_t)(round * 3 % 8);
        for (size_t i = 0; i < n; i++)
            in[i] = (float)((end + i) % 1000);
        va_audio_ring_write(&ring, end, in, n);
        end += n;
        for (size_t back = 0; round > 10 && back <= 7; back++) {
            va_audio_ring_read(&ring, end - back, out, back);
            for (size_t i = 0; i < back; i++)
                assert_true(out[i] == (float)((end - back + i) % 1000));
        }
    }
    va_audio_ring_clear(&ring);
    va_audio_ring_clear(&ring);
}

static void test_out_of_memory(void **state)
{
    struct va_audio_ring ring = {0};
    va_error error;

    va_memory_fail_after(1);
    assert_int_equal(va_audio_ring_init(&ring, 7, &error), VA_ENOMEM);
    va_memory_fail_after(0);
    assert_null(ring.pcm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_last_samples_are_there), cmocka_unit_test(test_out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
