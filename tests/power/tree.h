/* tree.h - a machine's files in a folder. */
#ifndef VA_TESTS_POWER_TREE_H
#define VA_TESTS_POWER_TREE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "temporary.h"

static char root[256];

static inline int make_tree(void **state)
{
    return temporary_make(root);
}

static inline int remove_tree(void **state)
{
    return temporary_remove(root);
}

static inline void put(const char *path, const char *text)
{
    char full[512], folder[512];

    snprintf(full, sizeof full, "%s%s", root, path);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(full, '/') - full), full);
    assert_int_equal(va_file_make_folder(folder, 0755, NULL), 0);
    assert_int_equal(va_file_write(full, text, strlen(text), 0644, NULL), 0);
}

/* The kernel's files take one value; an ordinary one keeps what stands behind a shorter value. */
static inline void expect_begins(const char *path, const char *text)
{
    char full[512], *data;
    size_t n;

    snprintf(full, sizeof full, "%s%s", root, path);
    assert_int_equal(va_file_read(full, 4096, &data, &n, NULL), 0);
    if (strncmp(data, text, strlen(text)) != 0)
        fail_msg("%s has '%s', not '%s'", path, data, text);
    va_free(data);
}

#endif
