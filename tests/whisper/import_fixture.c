#include "import_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "temporary.h"

char ct2[320], config[384], ggml[320], out[320];
static char folder[256];

int import_set_up(void **state)
{
    if (temporary_make(folder) < 0)
        return -1;
    snprintf(ct2, sizeof ct2, "%s/ct2", folder);
    snprintf(ggml, sizeof ggml, "%s/ggml.bin", folder);
    snprintf(out, sizeof out, "%s/out/model.vam", folder);
    snprintf(config, sizeof config, "%s/config.json", ct2);
    char parent[320];
    snprintf(parent, sizeof parent, "%s/out", folder);
    return va_file_make_folder(parent, 0700, NULL);
}

int import_tear_down(void **state)
{
    return temporary_remove(folder);
}

void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb"); /* va_file_write would sync */
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void write_ct2(const struct synthetic *s)
{
    assert_int_equal(va_file_remove_tree(ct2, NULL), 0);
    assert_int_equal(synthetic_folder(ct2, s), 0);
}

void write_ggml(const struct synthetic *s)
{
    struct va_buffer b;
    va_buffer_init(&b, SYNTHETIC_MAX_BYTES);
    assert_int_equal(synthetic_ggml(s, &b), 0);
    write_file(ggml, b.data, b.size);
    va_buffer_free(&b);
}

int import_to_out(const char *from, enum va_precision precision, va_error *error)
{
    return va_whisper_import(from, precision, out, NULL, NULL, error);
}

void assert_nothing_left(void)
{
    char path[320];
    snprintf(path, sizeof path, "%s/out", folder);
    DIR *list = opendir(path);
    struct dirent *entry;
    assert_non_null(list);
    while ((entry = readdir(list)) != NULL)
        assert_int_equal(entry->d_name[0], '.');
    closedir(list);
}

void assert_refused(const char *from, int code, const char *words)
{
    va_error error = {0};
    int r = import_to_out(from, VA_PRECISION_S8, &error);
    if (r != code || strstr(error.text, words) == NULL)
        fail_msg("code %d, \"%s\" instead of code %d, \"%s\"", r, error.text, code, words);
    assert_nothing_left();
}
