/* import.h - a microWakeWord model (a .tflite file and its JSON description) to one prepared file (layout.h).
 *
 * Any streaming model of version 2 goes in, the user's own as well: networks as import_graph.h describes them. The description names the
 * word, the languages, the cutoff of its probability and over how many outputs that is a mean. */
#ifndef VA_WAKE_IMPORT_H
#define VA_WAKE_IMPORT_H

#include "base/error.h"

/* description: path of the JSON file; NULL: source with .json in place of .tflite. Writes out_path whole or not at all. VA_ENOTFOUND: one
 * of the files is not there; VA_EFORMAT: damaged; VA_EUNSUPPORTED: a network of another kind. */
VA_MUST_CHECK int va_wake_import(const char *source, const char *description, const char *out_path, va_error *error);

#endif
