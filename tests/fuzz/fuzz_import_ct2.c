/* First byte of the input, what the rest is: 0 a model.bin; 1 changes to a good one; 2 a config.json; 3 changes to a good
 * vocabulary.txt; 4 a vocabulary.json. The other files are good, but for 0 and 1 the vocabulary is empty, which is much faster: it is
 * read last, so the tensors can be touched. */
#include "import_touch.h"
#include "fuzz.h"
#include "memory_file.h"
#include "synthetic.h"
#include "temporary.h"

static char folder[256];
static struct memory_file model, config, text, json;
static struct va_buffer good_model, good_text;

static void clean_up(void)
{
    va_buffer_free(&good_model);
    va_buffer_free(&good_text);
    (void)!temporary_remove(folder);
}

static void link_to(const struct memory_file *file, const char *name, int want)
{
    char path[320];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    if (want && symlink(file->path, path) < 0)
        abort();
}

static void set_up(void)
{
    const struct synthetic s = {.vocab = 51864, .type = VA_IMPORT_S8};
    va_buffer_init(&good_model, SYNTHETIC_MAX_BYTES);
    va_buffer_init(&good_text, SYNTHETIC_MAX_BYTES);
    if (temporary_make(folder) < 0 || synthetic_ct2(&s, &good_model) < 0 || synthetic_vocabulary(s.vocab, 0, &good_text) < 0)
        abort();
    memory_file_new(&model);
    memory_file_new(&config);
    memory_file_new(&text);
    memory_file_new(&json);
    memory_file_set(&model, good_model.data, good_model.size);
    memory_file_set(&text, good_text.data, good_text.size);
    link_to(&model, "model.bin", 1);
    atexit(clean_up);
}

static void set_patched(const struct memory_file *file, const struct va_buffer *good, const uint8_t *data, size_t size)
{
    uint8_t *copy = va_alloc(good->size, 1);
    if (copy == NULL)
        abort();
    memcpy(copy, good->data, good->size);
    import_patch(copy, good->size, data, size);
    memory_file_set(file, copy, good->size);
    va_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct va_import_source source = {0};
    va_error error;

    if (folder[0] == '\0')
        set_up();
    if (size < 1)
        return 0;
    int mode = data[0] % 5;
    data++;
    size--;
    link_to(&config, "config.json", mode == 2);
    link_to(&text, "vocabulary.txt", mode != 4);
    link_to(&json, "vocabulary.json", mode == 4);
    if (mode <= 1)
        memory_file_set(&text, "\n", 1);
    if (mode == 0)
        memory_file_set(&model, data, size);
    else if (mode == 1)
        set_patched(&model, &good_model, data, size);
    else if (mode == 2)
        memory_file_set(&config, data, size);
    else if (mode == 3)
        set_patched(&text, &good_text, data, size);
    else
        memory_file_set(&json, data, size);
    if (va_import_ct2_open(folder, &source, &error) == 0) {
        import_touch_lists(&source);
        import_touch(&source);
    } else if (strstr(error.text, "tokens, but the model has") != NULL) {
        import_touch(&source);
    }
    va_import_source_free(&source);
    if (mode <= 1)
        memory_file_set(&model, good_model.data, good_model.size);
    if (mode == 3 || mode <= 1)
        memory_file_set(&text, good_text.data, good_text.size);
    return 0;
}
