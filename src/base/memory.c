#include "base/memory.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

#define LARGE_BYTES ((size_t)4 << 20)
#define RETURNED_BYTES (256 << 10)

/* 0: never fail. Otherwise counts down to 1, where allocations begin to fail. Only tests set it. */
static _Atomic size_t fail_countdown;

void va_memory_fail_after(size_t n)
{
    atomic_store(&fail_countdown, n);
}

static int must_fail(void)
{
    size_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    while (left > 1)
        if (atomic_compare_exchange_weak(&fail_countdown, &left, left - 1))
            return 0;
    return left == 1;
}

static int bytes_for(size_t n, size_t size, size_t *ret_bytes)
{
    size_t bytes;
    if (must_fail() || __builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX)
        return -1;
    *ret_bytes = bytes == 0 ? 1 : bytes;
    return 0;
}

void *va_alloc(size_t n, size_t size)
{
    size_t bytes;
    return bytes_for(n, size, &bytes) == 0 ? malloc(bytes) : NULL;
}

void *va_calloc(size_t n, size_t size)
{
    size_t bytes;
    return bytes_for(n, size, &bytes) == 0 ? calloc(1, bytes) : NULL;
}

/* Not realloc: what that leaves behind, nobody can wipe. */
void *va_realloc(void *old, size_t n, size_t size)
{
    void *p = va_alloc(n, size);

    if (p != NULL && old != NULL) {
        size_t before = malloc_usable_size(old), now = malloc_usable_size(p);
        memcpy(p, old, before < now ? before : now);
        va_free(old);
    }
    return p;
}

void *va_alloc_aligned(size_t n, size_t size)
{
    size_t bytes;
    if (bytes_for(n, size, &bytes) < 0)
        return NULL;
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

char *va_strndup(const char *text, size_t n)
{
    size_t length = strnlen(text, n);
    char *copy = va_alloc(length + 1, 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

char *va_strdup(const char *text)
{
    return va_strndup(text, SIZE_MAX);
}

int va_strdup_at(const char **text)
{
    return *text != NULL && (*text = va_strdup(*text)) == NULL ? VA_ENOMEM : 0;
}

char *va_asprintf(const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *text = n < 0 ? NULL : va_alloc((size_t)n + 1, 1);
    if (text != NULL)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

/* Of a large block most may never have been touched: its whole pages are given back to the kernel, which makes zeros of them. */
static void wipe(char *p, size_t n)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t head = (page - (uintptr_t)p % page) % page, whole = n < LARGE_BYTES ? 0 : (n - head) / page * page;

    if (whole > 0 && madvise(p + head, whole, MADV_DONTNEED) == 0) {
        explicit_bzero(p, head);
        explicit_bzero(p + head + whole, n - head - whole);
    } else {
        explicit_bzero(p, n);
    }
}

void va_free(void *p)
{
    if (p != NULL)
        wipe(p, malloc_usable_size(p));
    free(p);
}

void va_memory_return_large(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, RETURNED_BYTES); /* said once, it does not grow by itself any more */
#endif
}

int va_copy_name(char *target, size_t capacity, const char *text, size_t n)
{
    if (n == 0 || n >= capacity)
        return VA_EINVAL;
    memcpy(target, text, n);
    target[n] = '\0';
    return 0;
}

void va_memory_trim(void)
{
    /* Under the address sanitizer the heap is not the C library's; two threads that trim its unused one at once crash in there. */
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
    malloc_trim(0);
#endif
}
