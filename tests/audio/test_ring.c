#include "audio/ring.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/memory.h"

#define SAMPLE_NS 62500u

static va_ring *make_ring(size_t capacity)
{
    va_ring *ring = NULL;
    va_error error;

    assert_int_equal(va_ring_new(capacity, &ring, &error), 0);
    return ring;
}

static va_ring_reader *make_reader(va_ring *ring)
{
    va_ring_reader *reader = NULL;
    va_error error;

    assert_int_equal(va_ring_reader_new(ring, &reader, &error), 0);
    return reader;
}

/* Samples that tell their position; the clock starts at 1 s. */
static void write_some(va_ring *ring, uint64_t position, size_t n, uint64_t missing)
{
    float pcm[5000];

    assert_true(n <= 5000);
    for (size_t i = 0; i < n; i++)
        pcm[i] = (float)(position + i);
    va_ring_write(ring, pcm, n, 1000000000u + position * SAMPLE_NS, missing);
}

static void check(const float *pcm, int64_t n, uint64_t position)
{
    for (int64_t i = 0; i < n; i++)
        assert_true(pcm[i] == (float)(position + (uint64_t)i));
}

/* Odd sizes, many times around. */
static void test_wrapping(void **state)
{
    va_ring *ring = make_ring(1009);
    va_ring_reader *reader = make_reader(ring);
    uint64_t position = 0, read = 0;
    struct va_capture_stamp stamp;
    float pcm[1009];

    for (size_t n = 1; n <= 1009; n += 7) {
        write_some(ring, position, n, 0);
        position += n;
        while (read < position) {
            size_t piece = 1 + read % 400;
            int64_t got = va_ring_read(reader, pcm, piece, 0, &stamp);
            assert_in_range(got, 1, piece);
            check(pcm, got, read);
            assert_int_equal(stamp.position, read);
            assert_int_equal(stamp.ns, 1000000000u + read * SAMPLE_NS);
            assert_int_equal(stamp.lost, 0);
            read += (uint64_t)got;
        }
    }
    assert_int_equal(va_ring_read(reader, pcm, 10, 0, NULL), VA_ETIMEOUT);
    assert_int_equal(va_ring_read(reader, pcm, 10, 3, NULL), VA_ETIMEOUT);
    write_some(ring, position, 0, 0);
    assert_int_equal(va_ring_read(reader, pcm, 10, -1, NULL), VA_ETIMEOUT);
    va_ring_reader_free(reader);
    va_ring_free(ring);
}

static void test_a_reader_that_falls_behind(void **state)
{
    va_ring *ring = make_ring(1000);
    va_ring_reader *slow = make_reader(ring), *quick = make_reader(ring);
    struct va_capture_stamp stamp;
    uint64_t lost = 0;
    float pcm[1000];

    for (uint64_t position = 0; position < 5000; position += 500) {
        write_some(ring, position, 500, 0);
        assert_int_equal(va_ring_read(quick, pcm, 1000, 0, &stamp), 500);
        assert_int_equal(stamp.lost, 0);
        check(pcm, 500, position);
    }
    int64_t n = va_ring_read(slow, pcm, 1000, 0, &stamp);
    lost = stamp.lost;
    assert_in_range(n, 900, 1000);
    assert_int_equal(lost + (uint64_t)n, 5000);
    assert_int_equal(stamp.position, lost);
    assert_int_equal(stamp.ns, 1000000000u + lost * SAMPLE_NS);
    check(pcm, n, lost);
    write_some(ring, 5000, 10, 0);
    assert_int_equal(va_ring_read(slow, pcm, 1000, 0, &stamp), 10); /* told once */
    assert_int_equal(stamp.lost, 0);
    va_ring_reader_free(slow);
    va_ring_reader_free(quick);
    va_ring_free(ring);
}

/* What was not captured is told to every reader that reads over it; a read ends before it. */
static void test_gaps(void **state)
{
    va_ring *ring = make_ring(4000);
    va_ring_reader *reader = make_reader(ring), *late;
    struct va_capture_stamp stamp;
    float pcm[4000];

    write_some(ring, 0, 100, 0);
    write_some(ring, 100, 200, 7);
    write_some(ring, 300, 5, 0);
    late = make_reader(ring);
    write_some(ring, 305, 300, 11);
    assert_int_equal(va_ring_read(reader, pcm, 4000, 0, &stamp), 100);
    assert_int_equal(stamp.lost, 0);
    assert_int_equal(va_ring_read(reader, pcm, 150, 0, &stamp), 150);
    assert_int_equal(stamp.lost, 7);
    assert_int_equal(va_ring_read(reader, pcm, 4000, 0, &stamp), 55);
    assert_int_equal(stamp.lost, 0);
    check(pcm, 55, 250);
    assert_int_equal(va_ring_read(reader, pcm, 4000, 0, &stamp), 300);
    assert_int_equal(stamp.lost, 11);
    assert_int_equal(stamp.position, 305);
    assert_int_equal(va_ring_read(late, pcm, 4000, 0, &stamp), 300); /* it began there: nothing is missing */
    assert_int_equal(stamp.lost, 0);
    for (uint64_t i = 0; i < 1000; i++) /* more gaps than are remembered */
        write_some(ring, 605 + i, 1, 1);
    uint64_t samples = 0, missing = 0;
    for (int64_t n; (n = va_ring_read(late, pcm, 4000, 0, &stamp)) > 0;) {
        samples += (uint64_t)n;
        missing += stamp.lost;
    }
    assert_int_equal(samples, 1000);
    assert_int_equal(missing, 1000);
    va_ring_reader_free(late);
    va_ring_reader_free(reader);
    va_ring_free(ring);
}

static void test_the_end(void **state)
{
    va_ring *ring = make_ring(1000);
    va_ring_reader *reader = make_reader(ring);
    float pcm[10];

    write_some(ring, 0, 15, 0);
    va_ring_end(ring, VA_EFORMAT);
    assert_int_equal(va_ring_read(reader, pcm, 10, 10000, NULL), 10);
    assert_int_equal(va_ring_read(reader, pcm, 10, 10000, NULL), 5);
    assert_int_equal(va_ring_read(reader, pcm, 10, 10000, NULL), VA_EFORMAT);
    assert_int_equal(va_ring_read(reader, pcm, 10, 10000, NULL), VA_EFORMAT);
    va_ring_reader_free(reader);
    va_ring_free(ring);
}

static void test_limits(void **state)
{
    va_ring *ring = NULL;
    va_ring_reader *readers[VA_RING_MAX_READERS], *one_more = NULL;
    va_error error;

    assert_int_equal(va_ring_new(VA_RING_MIN_SAMPLES - 1, &ring, &error), VA_EINVAL);
    for (size_t i = 1; i <= 2; i++) {
        va_memory_fail_after(i);
        assert_int_equal(va_ring_new(1000, &ring, &error), VA_ENOMEM);
    }
    va_memory_fail_after(0);
    assert_null(ring);
    va_ring_free(NULL);
    va_ring_reader_free(NULL);
    ring = make_ring(VA_RING_MIN_SAMPLES);
    assert_int_equal(va_ring_wait_for_room(ring, 1), 0);
    for (int i = 0; i < VA_RING_MAX_READERS; i++)
        readers[i] = make_reader(ring);
    assert_int_equal(va_ring_reader_new(ring, &one_more, &error), VA_ELIMIT);
    assert_int_equal(va_ring_wait_for_room(ring, 1), VA_RING_MIN_SAMPLES);
    va_ring_reader_free(readers[3]);
    readers[3] = make_reader(ring);
    for (int i = 0; i < VA_RING_MAX_READERS; i++)
        va_ring_reader_free(readers[i]);
    va_ring_free(ring);
}

/* ---- several threads ---- */

#define TOTAL 400000

struct listener {
    va_ring_reader *reader;
    size_t piece;
    uint64_t got, lost, faults;
};

static void *listen(void *arg)
{
    struct listener *listener = arg;
    struct va_capture_stamp stamp;
    uint64_t next = 0;
    float pcm[1000];
    int64_t n;

    while ((n = va_ring_read(listener->reader, pcm, listener->piece, 1000, &stamp)) > 0) {
        listener->faults += stamp.position != next + stamp.lost;
        listener->faults += stamp.ns != 1000000000u + stamp.position * SAMPLE_NS;
        for (int64_t i = 0; i < n; i++)
            listener->faults += pcm[i] != (float)(stamp.position + (uint64_t)i);
        next = stamp.position + (uint64_t)n;
        listener->got += (uint64_t)n;
        listener->lost += stamp.lost;
    }
    listener->faults += n != 0;
    return NULL;
}

static void run_threads(int is_patient)
{
    struct listener listeners[3] = {{.piece = 1000}, {.piece = 333}, {.piece = 20}};
    pthread_t threads[3];
    va_ring *ring = make_ring(3001);

    for (int i = 0; i < 3; i++) {
        listeners[i].reader = make_reader(ring);
        assert_int_equal(pthread_create(&threads[i], NULL, listen, &listeners[i]), 0);
    }
    for (uint64_t position = 0; position < TOTAL;) {
        size_t n = 1 + (size_t)(position * 31 % 700), room = is_patient ? va_ring_wait_for_room(ring, 1000) : n;
        n = n < room ? n : room;
        n = n < TOTAL - position ? n : (size_t)(TOTAL - position);
        write_some(ring, position, n, 0);
        position += n;
    }
    va_ring_end(ring, 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(listeners[i].faults, 0);
        assert_int_equal(listeners[i].got + listeners[i].lost, TOTAL);
        if (is_patient)
            assert_int_equal(listeners[i].lost, 0);
        va_ring_reader_free(listeners[i].reader);
    }
    va_ring_free(ring);
}

static void test_threads_that_race(void **state)
{
    run_threads(0);
}

static void test_a_patient_writer(void **state)
{
    run_threads(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrapping),
        cmocka_unit_test(test_a_reader_that_falls_behind),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_the_end),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_threads_that_race),
        cmocka_unit_test(test_a_patient_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
