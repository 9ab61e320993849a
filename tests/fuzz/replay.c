/* Runs a fuzzer over every file of the folders given, and over every beginning of the small ones: what is cut off is the commonest
 * damage. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

#define MAX_BYTES (1 << 20)
#define SMALL_BYTES 512

/* A copy of the exact size, so that a sanitizer sees a read beyond the end. */
static int run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        return -1;
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

static int replay_file(const char *path)
{
    static uint8_t data[MAX_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return -1;
    size_t size = fread(data, 1, sizeof data, file);
    int r = ferror(file) || size == sizeof data ? -1 : run(data, size);
    fclose(file);
    for (size_t n = 0; r == 0 && size <= SMALL_BYTES && n < size; n++)
        r = run(data, n);
    return r;
}

int main(int argc, char **argv)
{
    int n = 0;

    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        struct dirent *entry;
        char path[4096];
        while (folder != NULL && (entry = readdir(folder)) != NULL) {
            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            if (replay_file(path) < 0) {
                fprintf(stderr, "cannot replay %s\n", path);
                return 1;
            }
            n++;
        }
        if (folder != NULL)
            closedir(folder);
    }
    printf("%d seeds replayed\n", n);
    return n > 0 ? 0 : 1;
}
