/* arena.h - many small allocations freed together. One thread at a time. */
#ifndef VA_INTENT_ARENA_H
#define VA_INTENT_ARENA_H

#include <stddef.h>

struct va_arena_chunk;

struct va_arena {
    struct va_arena_chunk *chunks;
    size_t total_bytes, max_bytes;
    int over; /* 1: an allocation was refused because of max_bytes, not for lack of memory */
};

void va_arena_init(struct va_arena *arena, size_t max_bytes);
void va_arena_free(struct va_arena *arena);

/* Not cleared, 16-byte aligned. NULL when out of memory or over the bound. */
void *va_arena_alloc(struct va_arena *arena, size_t n, size_t size);
char *va_arena_strndup(struct va_arena *arena, const char *text, size_t n);
char *va_arena_strdup(struct va_arena *arena, const char *text);

/* Grows an array on the heap so that it holds one item more: n items are used, *capacity is kept by this function. VA_ENOMEM. */
int va_grow(void *array_pointer, size_t *capacity, size_t n, size_t size);

#endif
