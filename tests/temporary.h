/* temporary.h - a folder of its own for a test, and text files in it. */
#ifndef VA_TESTS_TEMPORARY_H
#define VA_TESTS_TEMPORARY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* Fills path with a new empty folder. Remove it with temporary_remove. */
static inline int temporary_make(char path[256])
{
    const char *base = getenv("TMPDIR");
    snprintf(path, 256, "%s/va-test-XXXXXX", base != NULL ? base : "/tmp");
    return mkdtemp(path) == NULL ? -1 : 0;
}

static inline int temporary_remove(const char *path)
{
    return va_file_remove_tree(path, NULL);
}

/* FOLDER/NAME; the text lives until the fourth next call. */
static inline const char *temporary_path(const char *folder, const char *name)
{
    static char paths[4][512];
    static int next;
    next = (next + 1) % 4;
    snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

static inline int temporary_write(const char *path, const char *text)
{
    return va_file_write(path, text, strlen(text), 0600, NULL);
}

#endif
