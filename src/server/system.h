/* system.h - how busy and how full this machine is. One thread at a time. */
#ifndef VA_SERVER_SYSTEM_H
#define VA_SERVER_SYSTEM_H

#include "base/error.h"

typedef struct va_system va_system;

/* root: "" for this machine, else a folder with proc/ and sys/ in it. folder: on the disk that is watched. Both are copied. */
VA_MUST_CHECK int va_system_new(const char *root, const char *folder, va_system **ret_system, va_error *error);
void va_system_free(va_system *system);

/* What cannot be read is NAN, or 0 for counts. */
struct va_system_numbers {
    double cpu_percent; /* of all cores, since the call before (at least a tenth of a second ago) */
    int cpu_count;
    double cpu_mhz;
    double memory_total, memory_available, memory_percent; /* bytes */
    double disk_total, disk_used, disk_free, disk_percent; /* bytes */
    double network_sent, network_received;                 /* bytes since boot, without the loopback */
};

void va_system_read(va_system *system, struct va_system_numbers *ret_numbers);

#endif
