#include "server/process.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

#define MB 1048576

static void what_this_process_uses(void **state)
{
    struct va_process_numbers before, after;
    struct rlimit limit;

    va_process_read(&before);
    char *much = malloc(64 * MB);
    assert_non_null(much);
    memset(much, 1, 64 * MB);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    va_process_read(&after);
    assert_true(after.anonymous - before.anonymous > 60.0 * MB && after.resident - before.resident > 60.0 * MB);
    assert_true(after.virtual_size > after.resident && after.resident >= after.anonymous);
    assert_true(after.peak_resident >= after.resident && before.peak_resident < after.peak_resident);
    assert_true(after.open_fds == before.open_fds + 2);
    assert_true(after.threads >= 1); /* an emulator has some of its own */
    assert_true(after.cpu_s >= before.cpu_s && after.cpu_s > 0);
    assert_true(fabs(after.start_unix_s - va_clock_unix_s()) < 60 && fabs(after.start_unix_s - before.start_unix_s) < 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_cur == RLIM_INFINITY ? isnan(after.max_fds) : after.max_fds == (double)limit.rlim_cur);
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(much[64 * MB - 1], 1);
    free(much);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_this_process_uses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
