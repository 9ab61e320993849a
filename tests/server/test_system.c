#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <math.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "server/system.h"

static char root[] = "/tmp/va-system-XXXXXX";

static void put(const char *path, const char *text)
{
    char full[256], *slash;
    va_error error;
    snprintf(full, sizeof full, "%s%s", root, path);
    slash = strrchr(full, '/');
    *slash = '\0';
    assert_int_equal(va_file_make_folder(full, 0700, &error), 0);
    *slash = '/';
    assert_int_equal(va_file_write(full, text, strlen(text), 0600, &error), 0);
}

static void numbers_of_a_machine(void **state)
{
    struct va_system_numbers numbers;
    va_system *system;

    put("/proc/stat", "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2 3\n");
    put("/proc/meminfo", "MemTotal:        1000 kB\nMemFree:          100 kB\nMemAvailable:    250 kB\n");
    put("/proc/cpuinfo", "processor\t: 0\ncpu MHz\t\t: 1800.000\n");
    put("/proc/net/dev", "Inter-| Receive | Transmit\n face |bytes packets\n    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0\n"
                         "  eth0: 100 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\nwlan0:50 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n");
    assert_int_equal(va_system_new(root, root, &system, NULL), 0);
    put("/proc/stat", "cpu  125 0 125 750 200 0 0 0 0 0\n");
    usleep(110000);
    va_system_read(system, &numbers);
    assert_true(numbers.cpu_percent == 25);
    assert_true(numbers.cpu_mhz == 1800);
    assert_true(numbers.cpu_count >= 1);
    assert_true(numbers.memory_total == 1024000 && numbers.memory_available == 256000 && numbers.memory_percent == 75);
    assert_true(numbers.network_received == 150 && numbers.network_sent == 27);
    assert_true(numbers.disk_total > 0 && numbers.disk_percent > 0 && numbers.disk_percent <= 100);
    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "600000\n");
    va_system_read(system, &numbers);
    assert_true(numbers.cpu_mhz == 600);
    assert_true(numbers.cpu_percent == 25); /* too soon for another sample */
    va_system_free(system);
}

static void what_is_not_there_is_not_invented(void **state)
{
    struct va_system_numbers numbers;
    va_system *system;

    assert_int_equal(va_system_new("/nowhere", "/nowhere", &system, NULL), 0);
    va_system_read(system, &numbers);
    assert_true(isnan(numbers.cpu_percent) && isnan(numbers.cpu_mhz) && isnan(numbers.memory_percent) && isnan(numbers.disk_percent));
    assert_true(numbers.network_sent == 0 && numbers.network_received == 0);
    va_system_free(system);
    va_system_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_of_a_machine), cmocka_unit_test(what_is_not_there_is_not_invented)};
    if (mkdtemp(root) == NULL)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return va_file_remove_tree(root, NULL) < 0 ? 1 : failed;
}
