#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdatomic.h>
#include <malloc.h>
#include <string.h>

#include <cmocka.h>

static void allocates(void **state)
{
    char *p = va_alloc(0, 0);
    assert_non_null(p);
    p = va_realloc(p, 100, 10);
    assert_non_null(p);
    memset(p, 1, 1000);
    va_free(p);
    p = va_calloc(100, 10);
    assert_non_null(p);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(p[i], 0);
    va_free(p);
    va_free(NULL);
}

/* An old place may be read here only because nothing has been allocated since; a sanitizer does not allow it. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static int is_left(const volatile char *old, size_t n)
{
    int found = 0;
    for (size_t i = 32; i < n; i++) /* the first bytes are the allocator's now */
        found |= old[i] == 'x';
    return found;
}

static void wipes_what_it_gives_back(void **state)
{
    const size_t large = 9000001;
    static volatile uintptr_t place; /* hides from the compiler that the memory is free */

    mallopt(M_PERTURB, 0); /* the environment may want what is freed filled, with an x perhaps */
    for (size_t n = 100; n < 60000; n *= 7) {
        char *p = va_alloc(n, 1), *guard = va_alloc(n, 1);
        memset(p, 'x', n);
        place = (uintptr_t)p;
        va_free(p);
        assert_false(is_left((const volatile char *)place, n));
        memset(guard, 'x', n);
        place = (uintptr_t)guard;
        char *moved = va_realloc(guard, 3 * n, 1);
        assert_ptr_not_equal(moved, place);
        assert_int_equal(moved[n - 1], 'x');
        assert_false(is_left((const volatile char *)place, n));
        va_free(moved);
    }
    /* The neighbours of a large block, whose pages are given back, stay as they are. */
    char *blocks[3];
    for (int i = 0; i < 3; i++)
        memset(blocks[i] = va_alloc(large, 1), 'x', large);
    va_free(blocks[1]);
    for (size_t i = 0; i < large; i++)
        assert_true(blocks[0][i] == 'x' && blocks[2][i] == 'x');
    va_free(blocks[0]);
    va_free(blocks[2]);
}
#else
static void wipes_what_it_gives_back(void **state)
{
    skip();
}
#endif

static void refuses_what_overflows(void **state)
{
    volatile size_t huge = SIZE_MAX;
    assert_null(va_alloc(huge, 2));
    assert_null(va_alloc(huge, 1));
    assert_null(va_calloc(huge / 2, 3));
    assert_null(va_alloc_aligned(huge - 10, 1));
    char *p = va_alloc(4, 1);
    assert_null(va_realloc(p, huge, 8)); /* p is as before */
    memcpy(p, "abc", 4);
    va_free(p);
}

static void aligns(void **state)
{
    for (size_t n = 0; n < 300; n += 7) {
        char *p = va_alloc_aligned(n, 1);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        memset(p, 1, n);
        va_free(p);
    }
}

static void copies_texts(void **state)
{
    const char three[3] = {'a', 'b', 'c'}; /* no NUL */
    char *p = va_strndup(three, 3);
    assert_string_equal(p, "abc");
    va_free(p);
    p = va_strndup("abc", 10);
    assert_string_equal(p, "abc");
    va_free(p);
    p = va_strdup("");
    assert_string_equal(p, "");
    va_free(p);
    const char *text = "own", *other = text, *none = NULL;
    assert_int_equal(va_strdup_at(&none), 0);
    assert_null(none);
    assert_int_equal(va_strdup_at(&text), 0);
    assert_string_equal(text, "own");
    assert_ptr_not_equal(text, other);
    va_free((char *)text);
    p = va_asprintf("%d-%s", 42, "x");
    assert_string_equal(p, "42-x");
    va_free(p);
}

static void fails_on_demand(void **state)
{
    void *p = NULL;
    va_memory_fail_after(3);
    void *a = va_alloc(1, 1), *b = va_strdup("x");
    assert_non_null(a);
    assert_non_null(b);
    for (int i = 0; i < 2; i++) {
        assert_null(va_alloc(1, 1));
        assert_null(va_calloc(1, 1));
        assert_null(va_realloc(p, 1, 1));
        assert_null(va_alloc_aligned(1, 1));
        assert_null(va_strdup("x"));
        assert_null(va_strndup("x", 1));
        assert_null(va_asprintf("x"));
    }
    va_memory_fail_after(0);
    p = va_alloc(1, 1);
    assert_non_null(p);
    va_free(p);
    va_free(a);
    va_free(b);
}

#define EACH 1000
static _Atomic int succeeded;

static void *allocate_many(void *arg)
{
    for (int i = 0; i < EACH; i++) {
        void *p = va_alloc(8, 1);
        if (p != NULL)
            atomic_fetch_add(&succeeded, 1);
        va_free(p);
    }
    return arg;
}

static void counts_over_threads(void **state)
{
    pthread_t threads[4];
    atomic_store(&succeeded, 0);
    va_memory_fail_after(1500 + 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, allocate_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    va_memory_fail_after(0);
    assert_int_equal(succeeded, 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocates),
        cmocka_unit_test(wipes_what_it_gives_back),
        cmocka_unit_test(refuses_what_overflows),
        cmocka_unit_test(aligns),
        cmocka_unit_test(copies_texts),
        cmocka_unit_test(fails_on_demand),
        cmocka_unit_test(counts_over_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
