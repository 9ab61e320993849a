/* Input: a TensorFlow Lite file, read and taken for a wake word network. */
#include "base/memory.h"
#include "fuzz.h"
#include "wake/import_graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static volatile unsigned total;
    struct va_tflite model;
    struct va_wake_draft *draft;

    if (va_tflite_read(data, size, &model, NULL) < 0)
        return 0;
    for (size_t i = 0; i < model.graph[0].n_tensors; i++) {
        const struct va_tflite_tensor *t = &model.graph[0].tensors[i];
        size_t bytes = t->type == VA_TFLITE_INT32 ? 4 * t->count : t->count;
        for (size_t j = 0; t->data != NULL && j < bytes; j++)
            total += t->data[j];
    }
    if ((draft = va_calloc(1, sizeof *draft)) != NULL) {
        if (va_wake_draft_make(&model, draft, NULL) == 0)
            FUZZ_CHECK(draft->n_layers >= 1 && draft->layer[draft->n_layers - 1].field[VA_WAKE_FIELD_OUT] == 1);
        va_wake_draft_free(draft);
    }
    va_free(draft);
    va_tflite_free(&model);
    return 0;
}
