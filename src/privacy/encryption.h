/* encryption.h - whether what is written into a folder is encrypted on its disk. Any thread. */
#ifndef VA_PRIVACY_ENCRYPTION_H
#define VA_PRIVACY_ENCRYPTION_H

#include "base/error.h"

/* 0: the folder is on a filesystem whose only devices are dm-crypt's, or lie on such (LVM, RAID, partitions).
 * VA_EDENIED: it is not, or that cannot be known, as on btrfs, overlays, the network and in memory; error says why. VA_ENOTFOUND: there
 * is no such folder. root: before /sys; "" but in tests. */
VA_MUST_CHECK int va_encryption_check(const char *root, const char *folder, va_error *error);

#endif
