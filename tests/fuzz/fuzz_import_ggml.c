/* First byte of the input, what the rest is: 0 a ggml file; 1 changes to a good one, 2 tensors after a good header and a
 * vocabulary of empty tokens. */
#include "import_touch.h"
#include "fuzz.h"
#include "memory_file.h"
#include "synthetic.h"

static struct memory_file file;
static struct va_buffer good;
static struct va_buffer head; /* up to the tensors */

static void clean_up(void)
{
    va_buffer_free(&good);
    va_buffer_free(&head);
}

static void set_up(void)
{
    const struct synthetic s = {.vocab = 51864, .type = VA_IMPORT_Q4_0};
    const size_t n_tokens_at = 14 * sizeof(uint32_t) + sizeof(float) * 80 * 201;
    const uint32_t n_tokens = 50256;
    static const uint8_t empty_tokens[50256 * sizeof(uint32_t)];

    va_buffer_init(&good, SYNTHETIC_MAX_BYTES);
    if (synthetic_ggml(&s, &good) < 0)
        abort();
    va_buffer_init(&head, SYNTHETIC_MAX_BYTES);
    if (va_buffer_append(&head, good.data, n_tokens_at) < 0 || va_buffer_append(&head, &n_tokens, sizeof n_tokens) < 0 ||
        va_buffer_append(&head, empty_tokens, sizeof empty_tokens) < 0)
        abort();
    memory_file_new(&file);
    atexit(clean_up);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct va_import_source source = {0};
    va_error error;

    if (good.data == NULL)
        set_up();
    if (size < 1)
        return 0;
    int mode = data[0] % 3;
    data++;
    size--;
    if (mode == 0) {
        memory_file_set(&file, data, size);
    } else {
        size_t total = mode == 1 ? good.size : head.size + size;
        uint8_t *copy = va_alloc(total, 1);
        if (copy == NULL)
            abort();
        memcpy(copy, mode == 1 ? good.data : head.data, mode == 1 ? good.size : head.size);
        if (mode == 1)
            import_patch(copy, good.size, data, size);
        else
            memcpy(copy + head.size, data, size);
        memory_file_set(&file, copy, total);
        va_free(copy);
    }
    if (va_import_ggml_open(file.path, &source, &error) == 0) {
        import_touch_lists(&source);
        import_touch(&source);
    }
    va_import_source_free(&source);
    return 0;
}
