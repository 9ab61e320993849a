/* silero_import.h - Silero's ONNX file of 16 kHz to one prepared file (silero_layout.h).
 *
 * The file is silero_vad_16k_op15.onnx of the package silero-vad. Everything is checked: names, shapes, that values are finite, and that
 * the file's table of the transform is the one silero.c computes. A file that is not this network is VA_EFORMAT. */
#ifndef VA_VAD_SILERO_IMPORT_H
#define VA_VAD_SILERO_IMPORT_H

#include "base/error.h"

/* Writes out_path whole or not at all. */
VA_MUST_CHECK int va_silero_import(const char *source, const char *out_path, va_error *error);

#endif
