#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void reads_valid(void **state)
{
    static const struct {
        const char *text;
        int length;
        uint32_t code;
    } rows[] = {{"a", 1, 'a'},
                {"\x7f", 1, 0x7f},
                {"\xc2\x80", 2, 0x80},
                {"\xdf\xbf", 2, 0x7ff},
                {"\xe0\xa0\x80", 3, 0x800},
                {"\xed\x9f\xbf", 3, 0xd7ff},
                {"\xee\x80\x80", 3, 0xe000},
                {"\xf0\x90\x80\x80", 4, 0x10000},
                {"\xf4\x8f\xbf\xbf", 4, 0x10ffff}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t code = 1;
        assert_int_equal(va_utf8_next(rows[i].text, strlen(rows[i].text), &code), rows[i].length);
        assert_int_equal(code, rows[i].code);
        assert_true(va_utf8_valid(rows[i].text, strlen(rows[i].text)));
        for (size_t n = 0; n < (size_t)rows[i].length; n++) /* cut off */
            assert_int_equal(va_utf8_next(rows[i].text, n, &code), 0);
    }
    uint32_t code = 1;
    assert_int_equal(va_utf8_next("\0", 1, &code), 1);
    assert_int_equal(code, 0);
    assert_true(va_utf8_valid("", 0));
}

static void refuses_damage(void **state)
{
    static const char *const texts[] = {"\x80",         "\xbf",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
                                        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
                                        "\xff",         "\xc3(",        "\xe2\x82(",        "\xe2(\xa1"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint32_t code = 1;
        assert_int_equal(va_utf8_next(texts[i], strlen(texts[i]), &code), 0);
        assert_int_equal(code, 1);
        assert_false(va_utf8_valid(texts[i], strlen(texts[i])));
    }
    assert_false(va_utf8_valid("abc\xff", 4));
}

static void tells_a_line(void **state)
{
    static const char *const lines[] = {"", "a b", "\xc2\xa0", "\xf0\x9f\x98\x80"};
    static const char *const others[] = {"a\n", "\t", "\x1b[m", "\x7f", "\xc2\x80", "\xc2\x9f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xff"};

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_true(va_utf8_is_line(lines[i], strlen(lines[i])));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(va_utf8_is_line(others[i], strlen(others[i])));
    assert_false(va_utf8_is_line("\0", 1));
}

static void mends_damage(void **state)
{
    char text[] = "a\xff\0\xc3\xa4\xc3";

    va_utf8_mend(text, sizeof text - 1);
    assert_string_equal(text, "a?"
                              "?\xc3\xa4?");
    va_utf8_mend(text, 0);
}

static void writes_what_it_reads(void **state)
{
    char bytes[4];

    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        uint32_t read = 0;
        if (code == 0xd800)
            code = 0xe000;
        size_t n = va_utf8_put(code, bytes);
        assert_int_equal(va_utf8_next(bytes, n, &read), n);
        assert_int_equal(read, code);
    }
}

static void small_letters(void **state)
{
    static const uint32_t rows[][2] = {{'A', 'a'},       {'Z', 'z'},       {'a', 'a'},       {'[', '['},          {0xdc, 0xfc},
                                       {0xd7, 0xd7},     {0xdf, 0xdf},     {0x178, 0xff},    {0x1a0, 0x1a1},      {0x18f, 0x259},
                                       {0x3a3, 0x3c3},   {0x3c2, 0x3c2},   {0x386, 0x3ac},   {0x401, 0x451},      {0x416, 0x436},
                                       {0x4c1, 0x4c2},   {0x531, 0x561},   {0x130, 0x130},   {0x1e9e, 0xdf},      {0x1ea0, 0x1ea1},
                                       {0x1e9f, 0x1e9f}, {0xff21, 0xff41}, {0x4e00, 0x4e00}, {0x10ffff, 0x10ffff}};
    char bytes[4];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(va_utf8_lower(rows[i][0]), rows[i][1]);
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        uint32_t lower = va_utf8_lower(code);
        assert_int_equal(va_utf8_lower(lower), lower);
        assert_true(va_utf8_put(lower, bytes) <= va_utf8_put(code, bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_valid),          cmocka_unit_test(refuses_damage),
                                       cmocka_unit_test(tells_a_line),         cmocka_unit_test(mends_damage),
                                       cmocka_unit_test(writes_what_it_reads), cmocka_unit_test(small_letters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
