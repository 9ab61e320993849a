#include "server/process.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#define MAX_FILE_BYTES 65536

static char *read_file(const char *path)
{
    char *data;
    size_t size;

    return va_file_read(path, MAX_FILE_BYTES, &data, &size, NULL) == 0 ? data : NULL;
}

/* A line "Name:   123 kB" of /proc/self/status; NAN when there is none. */
static double value_of(const char *status, const char *name)
{
    const char *line = status == NULL ? NULL : strstr(status, name);

    return line == NULL ? NAN : strtod(line + strlen(name), NULL);
}

static void read_status(struct va_process_numbers *numbers)
{
    char *status = read_file("/proc/self/status");

    numbers->resident = value_of(status, "\nVmRSS:") * 1024;
    numbers->peak_resident = value_of(status, "\nVmHWM:") * 1024;
    numbers->virtual_size = value_of(status, "\nVmSize:") * 1024;
    numbers->anonymous = (value_of(status, "\nRssAnon:") + value_of(status, "\nRssShmem:")) * 1024;
    numbers->threads = value_of(status, "\nThreads:");
    va_free(status);
}

/* The 22nd field of /proc/self/stat is the start in ticks since boot; the second one, in parentheses, may hold anything. */
static double read_start(void)
{
    char *stat = read_file("/proc/self/stat"), *p = stat == NULL ? NULL : strrchr(stat, ')');

    for (int field = 2; p != NULL && field < 22; field++)
        p = strchr(p + 1, ' ');
    double ticks = p == NULL ? NAN : strtod(p, NULL);
    va_free(stat);
    return va_clock_unix_s() - va_clock_boot_s() + ticks / (double)sysconf(_SC_CLK_TCK);
}

static double count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    double n = -3; /* ".", ".." and the folder's own */

    if (folder == NULL)
        return NAN;
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

void va_process_read(struct va_process_numbers *ret_numbers)
{
    struct rusage usage;
    struct rlimit limit;

    read_status(ret_numbers);
    ret_numbers->start_unix_s = read_start();
    ret_numbers->open_fds = count_fds();
    ret_numbers->cpu_s = getrusage(RUSAGE_SELF, &usage) < 0 ? NAN
                                                            : (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                                                                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    ret_numbers->max_fds = getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ? NAN : (double)limit.rlim_cur;
}
