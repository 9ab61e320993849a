#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "nn/sha256.h"
#include "speech/internal.h"

#define MAX_FILES 100000

_Static_assert(VA_SPEECH_KEY_BYTES == VA_SHA256_TEXT_SIZE, "a key is a SHA-256 in digits");

int va_speech_cache_key(const struct va_arguments *arguments, const char *text, char ret_key[VA_SPEECH_KEY_BYTES], va_error *error)
{
    uint8_t digest[VA_SHA256_SIZE];
    va_sha256 *hash;
    int r = va_sha256_new(&hash, error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < arguments->n && r == 0; i++)
        r = va_sha256_update(hash, arguments->words[i], strlen(arguments->words[i]) + 1, error);
    if (r == 0)
        r = va_sha256_update(hash, text, strlen(text), error);
    if (r == 0)
        r = va_sha256_final(hash, digest, error);
    va_sha256_free(hash);
    if (r == 0)
        va_sha256_text(digest, ret_key);
    return r;
}

static char *file_of(const char *folder, const char *key)
{
    return va_asprintf("%s/%s.wav", folder, key);
}

int va_speech_cache_get(const char *folder, const char *key, struct va_sound *ret_sound)
{
    char *path = file_of(folder, key);
    int r = VA_ENOTFOUND;

    if (path == NULL)
        return VA_ENOMEM;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        futimens(fd, NULL); /* used now */
        r = va_sound_read(fd, "cache", ret_sound, NULL);
        if (r < 0 && r != VA_ENOMEM) {
            unlink(path);
            r = VA_ENOTFOUND;
        }
    }
    va_free(path);
    return r;
}

/* A name that this file has made. */
static int is_ours(const char *name)
{
    return strlen(name) == VA_SPEECH_KEY_BYTES + 3 && strspn(name, "0123456789abcdef") == VA_SPEECH_KEY_BYTES - 1 &&
           strcmp(name + VA_SPEECH_KEY_BYTES - 1, ".wav") == 0;
}

/* Removes the oldest when all are too large. Returns 1 when there may be more to remove. */
static int remove_oldest(const char *folder, uint64_t max_bytes)
{
    char oldest[VA_SPEECH_KEY_BYTES + 4] = "";
    struct timespec when = {0};
    uint64_t total = 0;
    struct dirent *entry;
    struct stat info;
    int more = 0;

    DIR *stream = opendir(folder);
    if (stream == NULL)
        return 0;
    while ((entry = readdir(stream)) != NULL) {
        if (!is_ours(entry->d_name) || fstatat(dirfd(stream), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        total += (uint64_t)info.st_size;
        if (oldest[0] == '\0' || info.st_mtim.tv_sec < when.tv_sec ||
            (info.st_mtim.tv_sec == when.tv_sec && info.st_mtim.tv_nsec < when.tv_nsec)) {
            when = info.st_mtim;
            snprintf(oldest, sizeof oldest, "%.*s", (int)sizeof oldest - 1, entry->d_name);
        }
    }
    if (total > max_bytes && oldest[0] != '\0')
        more = unlinkat(dirfd(stream), oldest, 0) == 0;
    closedir(stream);
    return more;
}

int va_speech_cache_put(const char *folder, uint64_t max_bytes, const char *key, const struct va_sound *sound, va_error *error)
{
    int r = va_file_make_folder(folder, 0700, error);
    if (r < 0)
        return r;
    char *path = file_of(folder, key);
    if (path == NULL)
        return va_fail_memory(error);
    r = va_sound_write(sound, path, error);
    va_free(path);
    for (int i = 0; r == 0 && i < MAX_FILES && remove_oldest(folder, max_bytes); i++)
        ;
    return r;
}
