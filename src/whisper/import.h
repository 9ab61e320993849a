/* import.h - foreign Whisper weights to one prepared model file (layout.h).
 *
 * Reads a CTranslate2 folder (model.bin with config.json and vocabulary.txt or vocabulary.json; float32, float16, bfloat16, int8) or a ggml
 * file (f32, f16, q8_0, q5_0, q5_1, q4_0, q4_1). Every count, size, offset and shape is checked before use; nothing is trusted. A tensor
 * that is missing, twice there, of another shape or not finite is VA_EFORMAT with its name. */
#ifndef VA_WHISPER_IMPORT_H
#define VA_WHISPER_IMPORT_H

#include "base/error.h"

enum va_precision { VA_PRECISION_S8 = 0, VA_PRECISION_F32 = 1 };

/* fraction 0..1. Return non-zero to cancel. */
typedef int (*va_import_progress_fn)(void *user, double fraction);

/* source: a folder or a file, told by its content. Writes out_path whole or not at all. */
VA_MUST_CHECK int va_whisper_import(const char *source, enum va_precision precision, const char *out_path, va_import_progress_fn progress,
                                    void *user, va_error *error);

#endif
