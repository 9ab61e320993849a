#include <stdio.h>
#include <string.h>

#include "catalog/catalog.h"
#include "vad/silero_import.h"
#include "wake/import.h"

enum kind { KIND_WHISPER, KIND_ONNX, KIND_TFLITE };

/* The first field of every ONNX file is its version, a TensorFlow Lite file says its name behind an offset; a ggml file begins with a
 * letter, a folder cannot be read. */
static enum kind kind_of(const char *path)
{
    unsigned char start[8] = {0};
    FILE *file = fopen(path, "re");
    size_t n = file == NULL ? 0 : fread(start, 1, sizeof start, file);

    if (file != NULL)
        fclose(file);
    if (n == sizeof start && memcmp(start + 4, "TFL3", 4) == 0)
        return KIND_TFLITE;
    return start[0] == 0x08 ? KIND_ONNX : KIND_WHISPER;
}

int va_catalog_import(const char *source, enum va_precision precision, const char *out_path, va_import_progress_fn progress, void *user,
                      va_error *error)
{
    switch (kind_of(source)) {
    case KIND_TFLITE:
        return va_wake_import(source, NULL, out_path, error);
    case KIND_ONNX:
        return va_silero_import(source, out_path, error);
    default:
        return va_whisper_import(source, precision, out_path, progress, user, error);
    }
}
