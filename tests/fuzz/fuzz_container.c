/* Input: a prepared file; its size and table offset are put right when the first byte of the reserved place is not zero, to get deeper. */
#include <string.h>

#include "fuzz.h"
#include "memory_file.h"
#include "nn/container.h"

static unsigned long total;

static void touch(const va_container *container)
{
    const struct va_tensor *found;
    for (size_t i = 0; i < va_container_count(container); i++) {
        const struct va_tensor *tensor = va_container_at(container, i);
        const uint8_t *bytes = tensor->data;
        for (uint64_t j = 0; j < tensor->bytes; j++)
            total += bytes[j];
        if (va_container_get(container, tensor->name, tensor->type, tensor->rank, tensor->dim, &found, NULL) < 0 || found != tensor)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct memory_file file;
    va_container *container;
    va_error error;
    uint8_t copy[8192];

    if (file.fd == 0)
        memory_file_new(&file);
    if (size > sizeof copy)
        return 0;
    memcpy(copy, data, size);
    if (size >= 128 && copy[48] != 0) {
        uint64_t file_size = size, table = size - size % 128 - 128 * (uint64_t)(copy[49] % 8);
        memset(copy + 48, 0, 16);
        memcpy(copy + 16, &file_size, sizeof file_size);
        memcpy(copy + 24, &table, sizeof table);
    }
    memory_file_set(&file, copy, size);
    if (va_container_open(file.path, VA_CONTAINER_WHISPER, &container, &error) < 0)
        return 0;
    touch(container);
    if (va_container_verify(container, &error) == 0)
        total++;
    va_container_free(container);
    return 0;
}
