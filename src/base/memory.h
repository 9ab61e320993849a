/* memory.h - allocation that can fail, and says so.
 *
 * All heap use of the program goes through these, so that tests can make the n-th allocation fail and count what is live, and that
 * what was said and heard does not stay in memory: what is freed or moved is wiped.
 * Any thread. */
#ifndef VA_BASE_MEMORY_H
#define VA_BASE_MEMORY_H

#include <stddef.h>

/* NULL when out of memory or when n * size overflows. n = 0 gives a valid pointer. */
void *va_alloc(size_t n, size_t size);  /* not cleared */
void *va_calloc(size_t n, size_t size); /* cleared */
void *va_realloc(void *old, size_t n, size_t size);
char *va_strdup(const char *text);
char *va_strndup(const char *text, size_t n);
int va_strdup_at(const char **text); /* makes *text, NULL or another's, a copy. VA_ENOMEM: it is NULL then */
void va_free(void *p);               /* NULL is fine */

/* text [n] as a string into target, without the heap. VA_EINVAL: it is empty, or does not fit; target is as it was. */
int va_copy_name(char *target, size_t capacity, const char *text, size_t n);

/* Gives what has been freed back to the system, as far as the allocator can; takes a moment. */
void va_memory_trim(void);
/* From now on large pieces go back to the system when they are freed; glibc would keep ever larger ones, in heaps full of holes. */
void va_memory_return_large(void);

/* 64-byte aligned (a cache line, and the widest vector). Free with va_free. */
void *va_alloc_aligned(size_t n, size_t size);

/* printf into a new string; NULL when out of memory. */
char *va_asprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Tests: the n-th allocation from now (1 = next) and all after it fail; 0 switches this off. */
void va_memory_fail_after(size_t n);

#endif
