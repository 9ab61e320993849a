#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "confine/internal.h"

/* Of the capture thread (src/audio/capture.c), and 20 less its niceness. */
#define PRIORITY 10
#define NICENESS 30

static void keep_limit(__rlimit_resource_t resource, rlim_t wanted)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted)
        limit.rlim_max = wanted;
    setrlimit(resource, &limit); /* where it may not be raised, there was no such privilege either */
}

static void add_missing(struct va_confine_state *state, const char *what, int number)
{
    size_t n = strlen(state->missing);

    snprintf(state->missing + n, sizeof state->missing - n, "%s%s: %s", n > 0 ? "; " : "", what, strerror(number));
}

/* Files first: their rules take system calls that the filter does not let through. */
static int confine(const struct va_confine_plan *plan, enum va_confine_kind kind, struct va_confine_state *ret_state, va_error *error)
{
    struct va_confine_state state = {.mode = plan->mode};
    int n;

    if (plan->mode == VA_CONFINE_OFF) {
        *ret_state = state;
        return 0;
    }
    va_confine_drop_privileges();
    state.privileges = 1;
    n = plan->mode == VA_CONFINE_ON ? va_confine_files(plan, kind) : 0;
    if (n < 0 && errno == ENOMEM)
        return va_fail_memory(error);
    if (n < 0)
        add_missing(&state, "Landlock", errno);
    state.landlock = n > 0 ? n : 0;
    n = va_confine_calls(plan, kind);
    if (n < 0 && errno == ENOMEM)
        return va_fail_memory(error);
    if (n < 0)
        add_missing(&state, "seccomp", errno);
    state.n_system_calls = n > 0 ? (unsigned)n : 0;
    *ret_state = state;
    return 0;
}

int va_confine_service(const struct va_confine_plan *plan, struct va_confine_state *ret_state, va_error *error)
{
    if (plan->mode != VA_CONFINE_OFF) {
        keep_limit(RLIMIT_RTPRIO, PRIORITY);
        keep_limit(RLIMIT_NICE, NICENESS);
    }
    return confine(plan, VA_CONFINE_SERVICE, ret_state, error);
}

int va_confine_programs(const struct va_confine_plan *plan, struct va_confine_state *ret_state, va_error *error)
{
    return confine(plan, VA_CONFINE_PROGRAMS, ret_state, error);
}
