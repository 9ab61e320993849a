#include "audio/ring.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define N_MARKS 256
#define MARK_SAMPLES (VA_SAMPLE_RATE_HZ / 10) /* between two marks, where time goes on evenly */
#define LEAST_SAMPLES (VA_SAMPLE_RATE_HZ / 100)
#define WAKE_SAMPLES (LEAST_SAMPLES / 2) /* a device that gives a sample at a time does not wake readers for each */

/* What the clock said at a position. Overwritten as the samples are. */
struct mark {
    _Atomic uint64_t position; /* UINT64_MAX while it is written */
    _Atomic uint64_t ns;
    _Atomic uint64_t missing; /* samples not captured, from the start */
};

struct mark_copy {
    uint64_t position, ns, missing;
};

enum reader_state { FREE, STARTING, READING };

struct va_ring_reader {
    va_ring *ring;
    _Atomic int state;         /* enum reader_state */
    _Atomic uint64_t position; /* of the next sample */
    uint64_t missing;          /* as of the mark before position; UINT64_MAX: nothing has been read yet */
    uint64_t lost;             /* samples passed over, not told yet */
};

struct va_ring {
    size_t capacity;
    _Atomic float *samples;    /* [capacity]: position p at p % capacity */
    _Atomic uint64_t reserved; /* before samples are written: where the writer will be */
    _Atomic uint64_t written;  /* after that */
    _Atomic uint64_t n_marks;
    struct mark marks[N_MARKS]; /* the i-th at i % N_MARKS */
    _Atomic int has_ended;
    int end_status; /* valid when has_ended */

    _Atomic uint32_t news, readers_waiting; /* futexes: what a side waits for counts up */
    _Atomic uint32_t room, writer_waiting;
    struct va_ring_reader readers[VA_RING_MAX_READERS];

    /* The writer's own. */
    uint64_t last_mark, missing, last_wake;
};

/* ---- waiting ---- */

static void wait_for_change(_Atomic uint32_t *word, uint32_t seen, uint64_t until_ns)
{
    uint64_t now = va_clock_ns(), left = until_ns > now ? until_ns - now : 0;
    const struct timespec pause = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};

    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, &pause, NULL, 0);
}

static void wake(_Atomic uint32_t *word, _Atomic uint32_t *waiting)
{
    atomic_fetch_add(word, 1);
    if (atomic_load(waiting) > 0)
        syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static uint64_t deadline_ns(int timeout_ms)
{
    return va_clock_ns() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * 1000000u;
}

/* ---- the writer ---- */

int va_ring_new(size_t capacity, va_ring **ret_ring, va_error *error)
{
    if (capacity < VA_RING_MIN_SAMPLES)
        return va_fail(error, VA_EINVAL, "a ring of %zu samples (it needs %d)", capacity, VA_RING_MIN_SAMPLES);
    va_ring *ring = va_calloc(1, sizeof *ring);
    if (ring == NULL)
        return va_fail_memory(error);
    ring->capacity = capacity;
    ring->samples = va_alloc(capacity, sizeof *ring->samples);
    if (ring->samples == NULL) {
        va_free(ring);
        return va_fail_memory(error);
    }
    for (size_t i = 0; i < capacity; i++)
        atomic_init(&ring->samples[i], 0.0f);
    *ret_ring = ring;
    return 0;
}

void va_ring_free(va_ring *ring)
{
    if (ring == NULL)
        return;
    /* No audio stays behind. */
    for (size_t i = 0; i < ring->capacity; i++)
        atomic_store_explicit(&ring->samples[i], 0.0f, memory_order_relaxed);
    va_free((void *)ring->samples);
    va_free(ring);
}

/* The release of each store keeps it behind the one before. */
static void put_mark(va_ring *ring, uint64_t position, uint64_t ns)
{
    uint64_t n = atomic_load_explicit(&ring->n_marks, memory_order_relaxed);
    struct mark *mark = &ring->marks[n % N_MARKS];

    atomic_store_explicit(&mark->position, UINT64_MAX, memory_order_relaxed);
    atomic_store_explicit(&mark->ns, ns, memory_order_release);
    atomic_store_explicit(&mark->missing, ring->missing, memory_order_release);
    atomic_store_explicit(&mark->position, position, memory_order_release);
    atomic_store_explicit(&ring->n_marks, n + 1, memory_order_release);
    ring->last_mark = position;
}

void va_ring_write(va_ring *ring, const float *pcm, size_t n, uint64_t ns, uint64_t missing)
{
    uint64_t at = atomic_load_explicit(&ring->written, memory_order_relaxed);

    if (n == 0)
        return;
    ring->missing += missing;
    atomic_store_explicit(&ring->reserved, at + n, memory_order_relaxed);
    if (at == 0 || missing > 0 || at - ring->last_mark >= MARK_SAMPLES)
        put_mark(ring, at, ns);
    for (size_t i = 0; i < n; i++)
        atomic_store_explicit(&ring->samples[(at + i) % ring->capacity], pcm[i], memory_order_release);
    atomic_store_explicit(&ring->written, at + n, memory_order_release);
    if (at + n - ring->last_wake >= WAKE_SAMPLES) {
        ring->last_wake = at + n;
        wake(&ring->news, &ring->readers_waiting);
    }
}

void va_ring_end(va_ring *ring, int status)
{
    ring->end_status = status;
    atomic_store_explicit(&ring->has_ended, 1, memory_order_release);
    wake(&ring->news, &ring->readers_waiting);
}

static size_t room_now(va_ring *ring)
{
    uint64_t written = atomic_load_explicit(&ring->written, memory_order_relaxed), slowest = UINT64_MAX;

    for (int i = 0; i < VA_RING_MAX_READERS; i++) {
        if (atomic_load_explicit(&ring->readers[i].state, memory_order_acquire) != READING)
            continue;
        uint64_t position = atomic_load_explicit(&ring->readers[i].position, memory_order_acquire);
        slowest = position < slowest ? position : slowest;
    }
    return slowest == UINT64_MAX || written - slowest >= ring->capacity ? 0 : ring->capacity - (size_t)(written - slowest);
}

size_t va_ring_wait_for_room(va_ring *ring, int timeout_ms)
{
    uint64_t until = deadline_ns(timeout_ms);
    size_t n;

    atomic_store(&ring->writer_waiting, 1);
    for (;;) {
        uint32_t seen = atomic_load(&ring->room);
        n = room_now(ring);
        if (n > 0 || va_clock_ns() >= until)
            break;
        wait_for_change(&ring->room, seen, until);
    }
    atomic_store(&ring->writer_waiting, 0);
    return n;
}

/* ---- readers ---- */

int va_ring_reader_new(va_ring *ring, va_ring_reader **ret_reader, va_error *error)
{
    for (int i = 0; i < VA_RING_MAX_READERS; i++) {
        va_ring_reader *reader = &ring->readers[i];
        int state = FREE;
        if (!atomic_compare_exchange_strong(&reader->state, &state, STARTING))
            continue;
        reader->ring = ring;
        reader->missing = UINT64_MAX;
        reader->lost = 0;
        atomic_store(&reader->position, atomic_load_explicit(&ring->written, memory_order_acquire));
        atomic_store(&reader->state, READING);
        wake(&ring->room, &ring->writer_waiting);
        *ret_reader = reader;
        return 0;
    }
    return va_fail(error, VA_ELIMIT, "%d others read this microphone", VA_RING_MAX_READERS);
}

void va_ring_reader_free(va_ring_reader *reader)
{
    if (reader == NULL)
        return;
    va_ring *ring = reader->ring;
    atomic_store(&reader->state, FREE);
    wake(&ring->room, &ring->writer_waiting);
}

/* 0 when it has been overwritten meanwhile. */
static int get_mark(const va_ring *ring, uint64_t i, struct mark_copy *ret_mark)
{
    const struct mark *mark = &ring->marks[i % N_MARKS];
    uint64_t position = atomic_load_explicit(&mark->position, memory_order_acquire);

    ret_mark->position = position;
    ret_mark->ns = atomic_load_explicit(&mark->ns, memory_order_acquire);
    ret_mark->missing = atomic_load_explicit(&mark->missing, memory_order_acquire);
    return position != UINT64_MAX && atomic_load_explicit(&mark->position, memory_order_relaxed) == position;
}

/* The mark before (or, when it is gone, the first after) a position that has been written, and the position of the next gap. */
static uint64_t find_mark(const va_ring *ring, uint64_t position, struct mark_copy *ret_mark)
{
    uint64_t n = atomic_load_explicit(&ring->n_marks, memory_order_acquire), gap = UINT64_MAX;
    struct mark_copy mark, found = {0};

    for (uint64_t i = n; i > 0 && n - i < N_MARKS && get_mark(ring, i - 1, &mark); i--) {
        if (i < n && mark.position > found.position)
            break; /* a newer one in its place */
        if (i < n && mark.missing != found.missing)
            gap = found.position;
        found = mark;
        if (mark.position <= position)
            break;
    }
    *ret_mark = found;
    return gap;
}

static uint64_t time_at(const struct mark_copy *mark, uint64_t position)
{
    int64_t samples = (int64_t)(position - mark->position);

    return mark->ns + (uint64_t)(samples * (1000000000 / VA_SAMPLE_RATE_HZ));
}

/* Copies at most n samples from position on. Returns how many; 0: they have been overwritten meanwhile. */
static size_t copy(va_ring_reader *reader, uint64_t position, float *pcm, size_t n, struct va_capture_stamp *ret_stamp)
{
    const va_ring *ring = reader->ring;
    struct mark_copy mark;
    uint64_t gap = find_mark(ring, position, &mark);

    if (gap > position && gap - position < n)
        n = (size_t)(gap - position);
    for (size_t i = 0; i < n; i++)
        pcm[i] = atomic_load_explicit(&ring->samples[(position + i) % ring->capacity], memory_order_acquire);
    if (atomic_load_explicit(&ring->reserved, memory_order_relaxed) - position > ring->capacity)
        return 0;
    uint64_t missing = reader->missing == UINT64_MAX ? 0 : mark.missing - reader->missing;
    reader->missing = mark.missing;
    *ret_stamp = (struct va_capture_stamp){position, time_at(&mark, position), missing};
    return n;
}

/* What is there, without waiting. */
static size_t take(va_ring_reader *reader, float *pcm, size_t capacity, struct va_capture_stamp *ret_stamp)
{
    va_ring *ring = reader->ring;
    uint64_t position = atomic_load_explicit(&reader->position, memory_order_relaxed);
    size_t n;

    do {
        uint64_t written = atomic_load_explicit(&ring->written, memory_order_acquire);
        uint64_t reserved = atomic_load_explicit(&ring->reserved, memory_order_relaxed);
        if (reserved - position > ring->capacity) { /* and some more, or the next write would be the next loss */
            uint64_t skipped = reserved - position - ring->capacity + ring->capacity / 16;
            skipped = skipped < written - position ? skipped : written - position;
            position += skipped;
            reader->lost += skipped;
        }
        uint64_t there = written - position;
        n = there < capacity ? (size_t)there : capacity;
        if (n == 0)
            break;
        n = copy(reader, position, pcm, n, ret_stamp);
    } while (n == 0);
    if (n > 0) {
        ret_stamp->lost += reader->lost;
        reader->lost = 0;
    }
    atomic_store_explicit(&reader->position, position + n, memory_order_release);
    return n;
}

int64_t va_ring_read(va_ring_reader *reader, float *pcm, size_t capacity, int timeout_ms, struct va_capture_stamp *ret_stamp)
{
    va_ring *ring = reader->ring;
    uint64_t least = capacity < LEAST_SAMPLES ? capacity : LEAST_SAMPLES, until = deadline_ns(timeout_ms);
    struct va_capture_stamp stamp = {0};
    int has_ended;

    atomic_fetch_add(&ring->readers_waiting, 1);
    for (;;) {
        uint32_t seen = atomic_load(&ring->news);
        has_ended = atomic_load_explicit(&ring->has_ended, memory_order_acquire);
        uint64_t there = atomic_load_explicit(&ring->written, memory_order_acquire) - atomic_load(&reader->position);
        if (has_ended || there >= least || va_clock_ns() >= until)
            break;
        wait_for_change(&ring->news, seen, until);
    }
    atomic_fetch_sub(&ring->readers_waiting, 1);
    size_t n = take(reader, pcm, capacity, &stamp);
    if (n > 0)
        wake(&ring->room, &ring->writer_waiting);
    if (n > 0 && ret_stamp != NULL)
        *ret_stamp = stamp;
    return n > 0 ? (int64_t)n : has_ended ? ring->end_status : VA_ETIMEOUT;
}
