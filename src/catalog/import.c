#include <stdio.h>

#include "catalog/catalog.h"
#include "vad/silero_import.h"

/* The first field of every ONNX file is its version; a ggml file begins with a letter, a folder cannot be read. */
static int is_onnx(const char *path)
{
    FILE *file = fopen(path, "re");
    int first = file == NULL ? EOF : fgetc(file);

    if (file != NULL)
        fclose(file);
    return first == 0x08;
}

int va_catalog_import(const char *source, enum va_precision precision, const char *out_path, va_import_progress_fn progress, void *user,
                      va_error *error)
{
    return is_onnx(source) ? va_silero_import(source, out_path, error)
                           : va_whisper_import(source, precision, out_path, progress, user, error);
}
