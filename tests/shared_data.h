/* shared_data.h - test data that lies outside the project: $VA_SHARED_DATA, or ../shared/data beside the source. */
#ifndef VA_TESTS_SHARED_DATA_H
#define VA_TESTS_SHARED_DATA_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* 1 and the path when the file or folder is there; else 0, with a line that says what is skipped. */
static inline int find_shared_data(const char *name, char ret_path[512])
{
    const char *folder = getenv("VA_SHARED_DATA");

    snprintf(ret_path, 512, "%s/%s", folder != NULL ? folder : VA_SOURCE_ROOT "/../shared/data", name);
    if (access(ret_path, R_OK) == 0)
        return 1;
    fprintf(stderr, "skipped: no %s (set VA_SHARED_DATA)\n", ret_path);
    return 0;
}

#endif
