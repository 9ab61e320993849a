#include "intent/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

#define CHUNK_BYTES 16384

struct va_arena_chunk {
    struct va_arena_chunk *next;
    size_t used, size;
    _Alignas(16) char data[];
};

void va_arena_init(struct va_arena *arena, size_t max_bytes)
{
    *arena = (struct va_arena){.max_bytes = max_bytes};
}

void va_arena_free(struct va_arena *arena)
{
    while (arena->chunks != NULL) {
        struct va_arena_chunk *next = arena->chunks->next;
        va_free(arena->chunks);
        arena->chunks = next;
    }
    va_arena_init(arena, arena->max_bytes);
}

static struct va_arena_chunk *add_chunk(struct va_arena *arena, size_t bytes)
{
    size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
    if (size > arena->max_bytes - arena->total_bytes) {
        arena->over = 1;
        return NULL;
    }
    struct va_arena_chunk *chunk = va_alloc(1, sizeof *chunk + size);
    if (chunk == NULL)
        return NULL;
    *chunk = (struct va_arena_chunk){.next = arena->chunks, .size = size};
    arena->chunks = chunk;
    arena->total_bytes += size;
    return chunk;
}

void *va_arena_alloc(struct va_arena *arena, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX - CHUNK_BYTES)
        return NULL;
    bytes = (bytes + 15) & ~(size_t)15;
    struct va_arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || bytes > chunk->size - chunk->used)
        chunk = add_chunk(arena, bytes);
    if (chunk == NULL)
        return NULL;
    void *p = chunk->data + chunk->used;
    chunk->used += bytes;
    return p;
}

char *va_arena_strndup(struct va_arena *arena, const char *text, size_t n)
{
    char *copy = va_arena_alloc(arena, n + 1, 1);
    if (copy != NULL) {
        memcpy(copy, text, n);
        copy[n] = '\0';
    }
    return copy;
}

char *va_arena_strdup(struct va_arena *arena, const char *text)
{
    return va_arena_strndup(arena, text, strlen(text));
}

int va_grow(void *array_pointer, size_t *capacity, size_t n, size_t size)
{
    void *array;

    if (n < *capacity)
        return 0;
    size_t more = *capacity < 8 ? 8 : *capacity * 2;
    memcpy(&array, array_pointer, sizeof array);
    array = va_realloc(array, more, size);
    if (array == NULL)
        return VA_ENOMEM;
    memcpy(array_pointer, &array, sizeof array);
    *capacity = more;
    return 0;
}
