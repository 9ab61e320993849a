#include "server/system.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#define MAX_FILE_BYTES (1u << 20)
#define MIN_INTERVAL_S 0.1

struct va_system {
    char *root, *folder;
    double busy, total; /* processor time at the last sample, in ticks */
    double sampled_s;
    double cpu_percent;
};

/* NULL when it cannot be read. */
static char *read_file(const va_system *system, const char *path)
{
    char *data = NULL, *full = va_asprintf("%s%s", system->root, path);
    size_t size;

    if (full == NULL || va_file_read(full, MAX_FILE_BYTES, &data, &size, NULL) < 0)
        data = NULL;
    va_free(full);
    return data;
}

/* The number behind a key at the start of a line; NAN when there is none. */
static double number_after(const char *text, const char *key)
{
    size_t n = strlen(key);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, n) == 0) {
            char *end;
            const char *number = line + n + strspn(line + n, " \t:");
            double value = strtod(number, &end);
            return end != number ? value : NAN;
        }
        if (*line == '\0')
            break;
    }
    return NAN;
}

/* First line of /proc/stat: user nice system idle iowait irq softirq steal (guest time is in user). */
static void sample_cpu(va_system *system)
{
    double now_s = va_clock_ms() * 1e-3, ticks[8] = {0}, total = 0;
    char *text = read_file(system, "/proc/stat");

    if (text == NULL || strncmp(text, "cpu ", 4) != 0) {
        system->cpu_percent = NAN;
        va_free(text);
        return;
    }
    char *p = text + 4;
    for (int i = 0; i < 8; i++) {
        ticks[i] = strtod(p, &p);
        total += ticks[i];
    }
    va_free(text);
    double busy = total - ticks[3] - ticks[4];
    if (now_s - system->sampled_s < MIN_INTERVAL_S)
        return;
    if (total > system->total)
        system->cpu_percent = 100 * fmax(0, busy - system->busy) / (total - system->total);
    system->busy = busy;
    system->total = total;
    system->sampled_s = now_s;
}

int va_system_new(const char *root, const char *folder, va_system **ret_system, va_error *error)
{
    va_system *system = va_calloc(1, sizeof *system);
    if (system == NULL)
        return va_fail_memory(error);
    system->root = va_strdup(root);
    system->folder = va_strdup(folder);
    if (system->root == NULL || system->folder == NULL) {
        va_system_free(system);
        return va_fail_memory(error);
    }
    system->sampled_s = -MIN_INTERVAL_S;
    sample_cpu(system);
    *ret_system = system;
    return 0;
}

void va_system_free(va_system *system)
{
    if (system == NULL)
        return;
    va_free(system->root);
    va_free(system->folder);
    va_free(system);
}

static double read_mhz(const va_system *system)
{
    char *text = read_file(system, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq");
    double mhz = NAN;

    if (text != NULL)
        mhz = strtod(text, NULL) / 1000;
    va_free(text);
    if (mhz > 0)
        return mhz;
    text = read_file(system, "/proc/cpuinfo");
    mhz = text != NULL ? number_after(text, "cpu MHz") : NAN;
    va_free(text);
    return mhz;
}

static void read_memory(const va_system *system, struct va_system_numbers *numbers)
{
    char *text = read_file(system, "/proc/meminfo");

    numbers->memory_total = text != NULL ? number_after(text, "MemTotal") * 1024 : NAN;
    numbers->memory_available = text != NULL ? number_after(text, "MemAvailable") * 1024 : NAN;
    numbers->memory_percent = 100 * (numbers->memory_total - numbers->memory_available) / numbers->memory_total;
    va_free(text);
}

static void read_disk(const va_system *system, struct va_system_numbers *numbers)
{
    struct statvfs disk;

    numbers->disk_total = numbers->disk_used = numbers->disk_free = numbers->disk_percent = NAN;
    if (statvfs(system->folder, &disk) < 0 || disk.f_blocks == 0)
        return;
    double block = (double)disk.f_frsize;
    numbers->disk_total = (double)disk.f_blocks * block;
    numbers->disk_free = (double)disk.f_bavail * block;
    numbers->disk_used = ((double)disk.f_blocks - (double)disk.f_bfree) * block;
    numbers->disk_percent = 100 * numbers->disk_used / (numbers->disk_used + numbers->disk_free);
}

/* Lines "  eth0: received ... (8 numbers) sent ..." */
static void read_network(const va_system *system, struct va_system_numbers *numbers)
{
    char *text = read_file(system, "/proc/net/dev");

    numbers->network_sent = numbers->network_received = 0;
    for (char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        char *end = strpbrk(line, ":\n");
        if (end == NULL)
            break;
        if (*end != ':' || strncmp(line + strspn(line, " "), "lo:", 3) == 0)
            continue;
        double values[9] = {0};
        char *p = end + 1;
        for (int i = 0; i < 9; i++)
            values[i] = strtod(p, &p);
        numbers->network_received += values[0];
        numbers->network_sent += values[8];
    }
    va_free(text);
}

void va_system_read(va_system *system, struct va_system_numbers *ret_numbers)
{
    sample_cpu(system);
    ret_numbers->cpu_percent = system->cpu_percent;
    ret_numbers->cpu_count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    ret_numbers->cpu_mhz = read_mhz(system);
    read_memory(system, ret_numbers);
    read_disk(system, ret_numbers);
    read_network(system, ret_numbers);
}
