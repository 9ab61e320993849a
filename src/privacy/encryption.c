#include "privacy/encryption.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Devices upon devices. */
#define MAX_DEPTH 8
#define UUID_BYTES 160

/* cryptsetup names what it maps so. Its CRYPT-VERITY and CRYPT-INTEGRITY do not encrypt. */
static const char *const kinds[] = {"CRYPT-LUKS1-",  "CRYPT-LUKS2-", "CRYPT-PLAIN-",  "CRYPT-LOOPAES-",
                                    "CRYPT-TCRYPT-", "CRYPT-BITLK-", "CRYPT-FVAULT2-"};

/* device: an open folder of sysfs. What cannot be read is not encrypted. */
static int is_mapped_by_crypt(int device)
{
    char uuid[UUID_BYTES];
    int fd = openat(device, "dm/uuid", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, uuid, sizeof uuid - 1);

    if (fd >= 0)
        close(fd);
    uuid[n < 0 ? 0 : n] = '\0';
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strncmp(uuid, kinds[i], strlen(kinds[i])) == 0)
            return 1;
    return 0;
}

static int is_encrypted(int device, int depth);

/* Closes the device. */
static int is_encrypted_at(int folder, const char *name, int depth)
{
    int device = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), is = 0;

    if (device >= 0) {
        is = is_encrypted(device, depth);
        close(device);
    }
    return is;
}

/* There are some, and each is. */
static int are_slaves_encrypted(int device, int depth)
{
    int folder = openat(device, "slaves", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0, n_encrypted = 0;
    DIR *entries = folder < 0 ? NULL : fdopendir(folder);
    const struct dirent *entry;

    if (entries == NULL) {
        if (folder >= 0)
            close(folder);
        return 0;
    }
    while ((entry = readdir(entries)) != NULL && n == n_encrypted)
        if (entry->d_name[0] != '.') {
            n++;
            n_encrypted += is_encrypted_at(folder, entry->d_name, depth);
        }
    closedir(entries);
    return n > 0 && n == n_encrypted;
}

static int is_encrypted(int device, int depth)
{
    if (is_mapped_by_crypt(device))
        return 1;
    if (depth == MAX_DEPTH)
        return 0;
    if (faccessat(device, "partition", F_OK, 0) == 0)
        return is_encrypted_at(device, "..", depth + 1);
    return are_slaves_encrypted(device, depth + 1);
}

int va_encryption_check(const char *root, const char *folder, va_error *error)
{
    char path[PATH_MAX];
    struct stat info;

    if (stat(folder, &info) < 0)
        return va_fail_errno(error, "cannot look at %s", folder);
    if (major(info.st_dev) == 0)
        return va_fail(error, VA_EDENIED, "%.200s is on a filesystem that is not on one disk, so it is not known to be encrypted", folder);
    int n = snprintf(path, sizeof path, "%s/sys/dev/block/%u:%u", root, major(info.st_dev), minor(info.st_dev));
    int is = n > 0 && n < (int)sizeof path && is_encrypted_at(AT_FDCWD, path, 0);
    return is ? 0 : va_fail(error, VA_EDENIED, "%.200s is not on an encrypted disk", folder);
}
