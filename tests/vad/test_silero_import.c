#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "nn/container.h"
#include "synthetic_silero.h"
#include "temporary.h"
#include "vad/onnx.h"
#include "vad/silero_import.h"

static char folder[256];

static int set_up(void **state)
{
    return temporary_make(folder);
}

static int tear_down(void **state)
{
    return temporary_remove(folder);
}

static int import_bytes(const void *data, size_t size, va_error *error)
{
    FILE *file = fopen(temporary_path(folder, "x.onnx"), "wb"); /* va_file_write would wait for the disk each time */
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return va_silero_import(temporary_path(folder, "x.onnx"), temporary_path(folder, "x.vam"), error);
}

static void test_good(void **state)
{
    struct va_buffer onnx;
    va_container *container;
    va_error error;
    va_buffer_init(&onnx, SYNTHETIC_SILERO_MAX_BYTES);
    assert_int_equal(synthetic_silero(SYNTHETIC_GOOD, 0, &onnx), 0);
    assert_int_equal(import_bytes(onnx.data, onnx.size, &error), 0);
    assert_int_equal(va_container_open(temporary_path(folder, "x.vam"), VA_CONTAINER_ANY, &container, &error), 0);
    assert_int_equal(va_container_kind(container), VA_CONTAINER_VAD);
    assert_int_equal(va_container_verify(container, &error), 0);
    va_container_free(container);

    int r = VA_ENOMEM;
    for (size_t n = 1; r != 0; n++) {
        va_memory_fail_after(n);
        r = va_silero_import(temporary_path(folder, "x.onnx"), temporary_path(folder, "x.vam"), NULL);
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
    }
    va_buffer_free(&onnx);
}

static void test_every_fault(void **state)
{
    static const char *const words[SYNTHETIC_FAULTS] = {
        [SYNTHETIC_MISSING] = "is missing",          [SYNTHETIC_TWICE] = "is there twice",      [SYNTHETIC_SHAPE] = "wrong type or shape",
        [SYNTHETIC_TYPE] = "wrong type or shape",    [SYNTHETIC_SHORT] = "wrong type or shape", [SYNTHETIC_NAN] = "is not finite",
        [SYNTHETIC_OTHER] = "its transform differs",
    };
    unlink(temporary_path(folder, "x.vam"));
    for (int i = 0; i < SYNTHETIC_TENSORS; i++)
        for (enum synthetic_fault fault = SYNTHETIC_MISSING; fault < SYNTHETIC_FAULTS; fault++) {
            struct va_buffer onnx;
            va_error error = {0};
            if (fault == SYNTHETIC_OTHER && i > 0)
                continue;
            va_buffer_init(&onnx, SYNTHETIC_SILERO_MAX_BYTES);
            assert_int_equal(synthetic_silero(fault, i, &onnx), 0);
            assert_int_equal(import_bytes(onnx.data, onnx.size, &error), VA_EFORMAT);
            if (strstr(error.text, words[fault]) == NULL ||
                (fault != SYNTHETIC_OTHER && strstr(error.text, synthetic_tensors[i].name) == NULL))
                fail_msg("fault %d of %s: %s", fault, synthetic_tensors[i].name, error.text);
            assert_false(va_file_exists(temporary_path(folder, "x.vam")));
            va_buffer_free(&onnx);
        }
}

static void test_junk(void **state)
{
    struct va_buffer onnx;
    va_error error;
    va_buffer_init(&onnx, SYNTHETIC_SILERO_MAX_BYTES);
    assert_int_equal(synthetic_silero(SYNTHETIC_GOOD, 0, &onnx), 0);
    for (size_t n = 1; n < onnx.size; n += n < 100 ? 1 : 99991) { /* cut off */
        assert_int_equal(import_bytes(onnx.data, n, &error), VA_EFORMAT);
        if (n > 8) /* before the graph there is nothing that matters */
            assert_int_equal(import_bytes(onnx.data + n, onnx.size - n, &error), VA_EFORMAT);
    }
    assert_int_equal(import_bytes("", 0, &error), VA_EFORMAT);
    va_buffer_free(&onnx);
    assert_int_equal(va_silero_import(temporary_path(folder, "none"), temporary_path(folder, "x.vam"), &error), VA_ENOTFOUND);
}

static void test_wire(void **state)
{
    static const uint64_t dims[] = {1, 1};
    static const struct {
        const char *bytes;
        size_t size;
        int r;
    } cases[] = {
        /* a graph with one tensor: dims packed, then name, type, raw_data, an unknown field of 8 bytes */
        {"\x3a\x1c\x2a\x1a\x0a\x02\x01\x01\x42\x01x\x10\x01\x4a\x04\0\0\x80?\x59\0\0\0\0\0\0\0\0", 30, 0},
        {"\x3a\x13\x2a\x11\x08\x01\x08\x01\x42\x01x\x10\x01\x4a\x04\0\0\x80?\x10\x01", 21, 0},
        {"\x3a\x0b\x2a\x09\x08\x01\x08\x01\x42\x01x\x10\x01", 13, VA_EFORMAT},                          /* no values */
        {"\x3a\x13\x2a\x11\x08\x01\x08\x01\x42\x01x\x10\x01\x4a\x04\0\0\x80?\x13\x01", 21, VA_EFORMAT}, /* a group */
        {"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, VA_EFORMAT},                               /* longer than all there is */
        {"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, VA_EFORMAT},                           /* a number of 11 bytes */
        {"\x3a\x00\x3a\x00", 4, VA_EFORMAT},                                                            /* two graphs */
        {"\x08\x08", 2, VA_EFORMAT},                                                                    /* none */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint8_t *values;
        va_error error;
        int r = va_onnx_find((const uint8_t *)cases[i].bytes, cases[i].size, "x", 2, dims, &values, &error);
        if (r != cases[i].r)
            fail_msg("case %zu: %d: %s", i, r, error.text);
        if (r == 0)
            assert_memory_equal(values, "\0\0\x80?", 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_every_fault),
        cmocka_unit_test(test_junk),
        cmocka_unit_test(test_wire),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
