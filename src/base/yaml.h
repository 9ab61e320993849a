/* yaml.h - a YAML file as a read-only tree of nodes that know their lines (libyaml beneath).
 *
 * Bounded: size, depth, nodes; aliases that would multiply the tree are refused. One thread at a time while it is made;
 * afterwards the tree is immutable. */
#ifndef VA_BASE_YAML_H
#define VA_BASE_YAML_H

#include "base/error.h"

enum va_yaml_type { VA_YAML_SCALAR, VA_YAML_SEQUENCE, VA_YAML_MAPPING };

typedef struct va_yaml va_yaml; /* a whole document */

typedef struct va_yaml_node {
    enum va_yaml_type type;
    int line;                                 /* 1-based */
    const char *text;                         /* scalar: UTF-8, "" for null; else NULL */
    int quoted;                               /* scalar: was written in quotes (so "no" is text, not a bool) */
    size_t n;                                 /* items or pairs */
    const struct va_yaml_node *const *keys;   /* mapping: [n] */
    const struct va_yaml_node *const *values; /* mapping: [n]; sequence: [n] items */
} va_yaml_node;

/* error: "FILE:LINE: what is wrong". An empty file is an empty mapping. path is used for messages in _parse. */
VA_MUST_CHECK int va_yaml_open(const char *path, va_yaml **ret_yaml, va_error *error);
VA_MUST_CHECK int va_yaml_parse(const char *path, const char *text, size_t size, va_yaml **ret_yaml, va_error *error);
void va_yaml_free(va_yaml *yaml);

const va_yaml_node *va_yaml_root(const va_yaml *yaml);
const va_yaml_node *va_yaml_get(const va_yaml_node *mapping, const char *key); /* NULL when absent or not a mapping */

#endif
