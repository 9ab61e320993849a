/* The same form in pieces of two sizes gives the same events. First byte: the size of the pieces. */
#include "fuzz.h"

#include <string.h>

#include "server/multipart.h"

struct seen {
    uint64_t hash, n_data;
    int open, parts;
};

static void add(struct seen *seen, const char *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        seen->hash = (seen->hash ^ (uint8_t)data[i]) * 1099511628211u;
}

static int begin(void *user, const char *name, int is_file)
{
    struct seen *seen = user;
    FUZZ_CHECK(!seen->open && strlen(name) < VA_MULTIPART_MAX_NAME_BYTES);
    seen->open = 1;
    seen->parts++;
    add(seen, name, strlen(name) + 1);
    add(seen, is_file ? "f" : "-", 1);
    return 0;
}

static int data(void *user, const char *bytes, size_t n)
{
    struct seen *seen = user;
    FUZZ_CHECK(seen->open && n > 0);
    add(seen, bytes, n);
    seen->n_data += n;
    return 0;
}

static int end(void *user)
{
    struct seen *seen = user;
    FUZZ_CHECK(seen->open);
    seen->open = 0;
    return 0;
}

static int read_all(const char *bytes, size_t n, size_t step, struct seen *seen)
{
    static const struct va_multipart_events events = {begin, data, end};
    struct va_multipart multipart;
    int r = va_multipart_begin(&multipart, "multipart/form-data; boundary=b", &events, seen);

    for (size_t i = 0; r == 0 && i < n; i += step)
        r = va_multipart_read(&multipart, bytes + i, n - i < step ? n - i : step);
    if (r == 0)
        r = va_multipart_finish(&multipart);
    FUZZ_CHECK(r == 0 || multipart.reason != NULL);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct seen whole = {0}, pieces = {0};
    static const struct va_multipart_events none = {begin, data, end};
    struct va_multipart multipart;
    char type[128];

    if (size == 0)
        return 0;
    size_t step = 1 + bytes[0] % 16;
    int r = read_all((const char *)bytes + 1, size - 1, size, &whole);
    FUZZ_CHECK(read_all((const char *)bytes + 1, size - 1, step, &pieces) == r);
    if (r == 0)
        FUZZ_CHECK(whole.hash == pieces.hash && whole.n_data == pieces.n_data && whole.parts == pieces.parts && !whole.open);
    FUZZ_CHECK(whole.parts <= VA_MULTIPART_MAX_PARTS && whole.n_data < size);

    size_t n = size - 1 < sizeof type - 1 ? size - 1 : sizeof type - 1;
    memcpy(type, bytes + 1, n);
    type[n] = '\0';
    r = va_multipart_begin(&multipart, type, &none, &whole);
    FUZZ_CHECK(r == 0 || multipart.reason != NULL);
    return 0;
}
