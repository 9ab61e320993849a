/* print_man TEMPLATE VERSION: the template with @VERSION@ and the line @OPTIONS@ replaced, on standard output. Run by the build. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "config/config.h"

#define MAX_BYTES (1u << 20)

static int put(struct va_buffer *out, const char *text, const char *version)
{
    static const char version_mark[] = "@VERSION@", options_mark[] = "@OPTIONS@\n";
    int r = 0;

    while (r == 0 && *text != '\0') {
        if (strncmp(text, version_mark, sizeof version_mark - 1) == 0) {
            r = va_buffer_append_string(out, version);
            text += sizeof version_mark - 1;
        } else if (strncmp(text, options_mark, sizeof options_mark - 1) == 0) {
            r = va_config_man(out);
            text += sizeof options_mark - 1;
        } else {
            r = va_buffer_append(out, text++, 1);
        }
    }
    return r;
}

int main(int argc, char **argv)
{
    struct va_buffer out;
    va_error error;
    char *text;
    size_t size;

    if (argc != 3) {
        fprintf(stderr, "Usage: print_man TEMPLATE VERSION\n");
        return 2;
    }
    if (va_file_read(argv[1], MAX_BYTES, &text, &size, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    va_buffer_init(&out, MAX_BYTES);
    int failed = put(&out, text, argv[2]) < 0 || va_buffer_print(&out) < 0;
    va_buffer_free(&out);
    va_free(text);
    return failed;
}
