#include "access/qr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void an_image_is_made(void **state)
{
    struct va_buffer svg, text;
    va_error error;

    va_buffer_init(&svg, 1 << 20);
    va_buffer_init(&text, 1 << 20);
    assert_int_equal(va_qr_svg("https://box.local:8443/pair#ABCD-EFGH-JKMN", &svg, &error), 0);
    assert_memory_equal(svg.data, "<svg xmlns", 10);
    assert_string_equal(svg.data + svg.size - 6, "</svg>");
    /* The finder in the corner: seven dark modules behind the quiet zone. */
    assert_non_null(strstr(svg.data, "M4 4h7v1h-7z"));
    assert_int_equal(va_qr_terminal("a", 0, &text, &error), 0);
    size_t lines = 0;
    for (const char *p = text.data; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    assert_int_equal(lines, (21 + 8 + 1) / 2);
    va_buffer_free(&svg);
    va_buffer_free(&text);
}

static void what_is_too_long_is_refused(void **state)
{
    static char text[4000];
    struct va_buffer svg;
    va_error error;

    memset(text, 'a', sizeof text - 1);
    va_buffer_init(&svg, 1 << 20);
    assert_int_equal(va_qr_svg(text, &svg, &error), VA_ELIMIT);
    va_buffer_free(&svg);
    va_buffer_init(&svg, 100);
    assert_int_equal(va_qr_svg("a", &svg, &error), VA_ELIMIT);
    va_buffer_free(&svg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_is_made),
        cmocka_unit_test(what_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
