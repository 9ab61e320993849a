#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/multipart.h"

static char seen[8192]; /* "name:data;" for each part, "name!" for a file */
static size_t n_seen;
static int fail_at_end;

static void put(const char *data, size_t n)
{
    assert_true(n_seen + n < sizeof seen);
    memcpy(seen + n_seen, data, n);
    n_seen += n;
    seen[n_seen] = '\0';
}

static int begin(void *user, const char *name, int is_file)
{
    put(name, strlen(name));
    put(is_file ? "!" : ":", 1);
    return 0;
}

static int data(void *user, const char *bytes, size_t n)
{
    put(bytes, n);
    return 0;
}

static int end(void *user)
{
    put(";", 1);
    return fail_at_end ? VA_EIO : 0;
}

static const struct va_multipart_events events = {begin, data, end};
static struct va_multipart multipart;

static int read_all(const char *type, const char *text, size_t n, size_t step)
{
    n_seen = 0;
    seen[0] = '\0';
    int r = va_multipart_begin(&multipart, type, &events, NULL);
    for (size_t i = 0; r == 0 && i < n; i += step)
        r = va_multipart_read(&multipart, text + i, n - i < step ? n - i : step);
    return r == 0 ? va_multipart_finish(&multipart) : r;
}

static void parts_in_pieces_of_any_size(void **state)
{
    static const char text[] =
        "preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"language\"\r\n\r\nen\r\n"
        "--XX  \r\ncontent-disposition:form-data; filename=\"a;b\\\".wav\"; name=audio\r\nContent-Type: audio/wav\r\n\r\n"
        "\r\n-\r\n--X\r\r\n--XY\r\n\r\n--XX\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--XX--\r\nepilogue";
    for (size_t step = 1; step < sizeof text; step++) {
        assert_int_equal(read_all("multipart/form-data; charset=x; boundary=\"XX\"", text, sizeof text - 1, step), 0);
        assert_string_equal(seen, "language:en;audio!\r\n-\r\n--X\r\r\n--XY\r\n;empty:;");
    }
}

static void a_boundary_at_the_very_start(void **state)
{
    static const char text[] = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--";
    assert_int_equal(read_all("Multipart/Form-Data;boundary=b", text, sizeof text - 1, 1), 0);
    assert_string_equal(seen, "a:1;");
}

static void content_types(void **state)
{
    assert_int_equal(va_multipart_begin(&multipart, NULL, &events, NULL), VA_EUNSUPPORTED);
    assert_int_equal(va_multipart_begin(&multipart, "application/json", &events, NULL), VA_EUNSUPPORTED);
    assert_int_equal(va_multipart_begin(&multipart, "multipart/form-dataX; boundary=a", &events, NULL), VA_EUNSUPPORTED);
    assert_int_equal(va_multipart_begin(&multipart, "multipart/form-data", &events, NULL), VA_EFORMAT);
    assert_int_equal(va_multipart_begin(&multipart, "multipart/form-data; boundary=", &events, NULL), VA_EFORMAT);
    assert_int_equal(va_multipart_begin(&multipart, "multipart/form-data; boundary=\"a", &events, NULL), VA_EFORMAT);
    assert_int_equal(va_multipart_begin(&multipart, "multipart/form-data; boundary=a\x01", &events, NULL), VA_EFORMAT);
    assert_int_equal(va_multipart_begin(&multipart, "multipart/form-data; x; boundary=a", &events, NULL), 0);
    char type[128] = "multipart/form-data; boundary=";
    memset(type + strlen(type), 'b', 70);
    assert_int_equal(va_multipart_begin(&multipart, type, &events, NULL), 0);
    type[strlen(type)] = 'b';
    assert_int_equal(va_multipart_begin(&multipart, type, &events, NULL), VA_EFORMAT);
}

static void expect(const char *text, int code)
{
    for (size_t step = 1; step < 50; step += 7)
        assert_int_equal(read_all("multipart/form-data; boundary=b", text, strlen(text), step), code);
    if (code == VA_EFORMAT || code == VA_ELIMIT)
        assert_non_null(multipart.reason);
}

static void damage(void **state)
{
    char text[8192];

    expect("", VA_EFORMAT);
    expect("nothing", VA_EFORMAT);
    expect("--b\r\n\r\nno name\r\n--b--", VA_EFORMAT);
    expect("--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", VA_EFORMAT);
    expect("--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--", VA_EFORMAT);
    expect("--bX\r\n", VA_EFORMAT);
    expect("--b-X", VA_EFORMAT);
    expect("--b\rX", VA_EFORMAT);
    expect("--b\r\nA: b\rX", VA_EFORMAT);
    expect("--b\r\nContent-Disposition: form-data; name=a\r\n\r\ncut off", VA_EFORMAT);
    expect("--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--b--", VA_ELIMIT);

    snprintf(text, sizeof text, "--b\r\nContent-Disposition: form-data; name=%070d\r\n\r\nx\r\n--b--", 1);
    expect(text, VA_ELIMIT);
    snprintf(text, sizeof text, "--b\r\nX: %01500d\r\n", 1);
    expect(text, VA_ELIMIT);
    size_t n = (size_t)snprintf(text, sizeof text, "--b\r\n");
    for (int i = 0; i < 10; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "X: %0600d\r\n", 1);
    expect(text, VA_ELIMIT);
    n = (size_t)snprintf(text, sizeof text, "--b");
    for (int i = 0; i <= VA_MULTIPART_MAX_PARTS; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b");
    expect(text, VA_ELIMIT);
}

static void an_event_ends_the_reading(void **state)
{
    fail_at_end = 1;
    expect("--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--", VA_EIO);
    fail_at_end = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_in_pieces_of_any_size),
        cmocka_unit_test(a_boundary_at_the_very_start),
        cmocka_unit_test(content_types),
        cmocka_unit_test(damage),
        cmocka_unit_test(an_event_ends_the_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
