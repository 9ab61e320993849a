#include "controls/light.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"
#include "controls/light_device.h"

#define MAX_STEPS 4

/* How long it is lit, dark, lit, dark, in ms, over and over. A 0 ends it: alone it is dark, after one number lit for good. */
static const uint16_t patterns[VA_LIGHT_N_STATES][MAX_STEPS] = {
    [VA_LIGHT_IDLE] = {0},
    [VA_LIGHT_LISTENING] = {1},
    [VA_LIGHT_THINKING] = {500, 500},
    [VA_LIGHT_SPEAKING] = {900, 100},
    [VA_LIGHT_PRIVACY] = {80, 170, 80, 3670},
    [VA_LIGHT_FAULT] = {120, 120},
};

struct va_light {
    struct va_light_options options;
    char *root;
    int change_fd; /* readable when the state has changed or the thread must end */
    _Atomic int state, must_stop;
    int has_thread;
    pthread_t thread;

    /* The thread's. */
    struct va_light_device device;
    int device_code; /* last told: 0 or VA_E*; 1: nothing yet */
};

static void show(va_light *light, int lit)
{
    va_error error;
    int code = va_light_device_set(&light->device, lit, &error);

    if (code != light->device_code && light->options.on_device != NULL)
        light->options.on_device(light->options.user, code < 0 ? &error : NULL);
    light->device_code = code;
}

/* 1: the state has changed meanwhile. duration_ms -1: for as long as that takes. */
static int wait_for_change(va_light *light, int duration_ms)
{
    struct pollfd fd = {.fd = light->change_fd, .events = POLLIN};
    double end_ms = va_clock_ms() + duration_ms;
    eventfd_t count;

    for (;;) {
        double left_ms = end_ms - va_clock_ms();
        int r = poll(&fd, 1, duration_ms < 0 ? -1 : left_ms > 0 ? (int)left_ms + 1 : 0);
        if (r > 0) {
            eventfd_read(light->change_fd, &count);
            return 1;
        }
        if (r == 0)
            return 0;
    }
}

static void *light_thread(void *arg)
{
    va_light *light = arg;
    int step = 0;

    while (!atomic_load(&light->must_stop)) {
        const uint16_t *pattern = patterns[atomic_load(&light->state)];
        int is_steady = pattern[1] == 0;
        show(light, pattern[0] != 0 && step % 2 == 0);
        if (wait_for_change(light, is_steady ? -1 : pattern[step]))
            step = 0;
        else
            step = step + 1 < MAX_STEPS && pattern[step + 1] != 0 ? step + 1 : 0;
    }
    va_light_device_close(&light->device);
    return NULL;
}

int va_light_new(const struct va_light_options *options, va_light **ret_light, va_error *error)
{
    va_light *light = va_calloc(1, sizeof *light);
    if (light == NULL)
        return va_fail_memory(error);
    light->options = *options;
    light->device_code = 1;
    light->change_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    light->device.root = light->root = va_strdup(options->root);
    int r = va_control_parse(options->light, &light->device.name, error);
    if (r == 0 && light->device.name.kind == VA_CONTROL_KEY)
        r = va_fail(error, VA_EINVAL, "'%.80s' is a button, not a light", options->light);
    if (r == 0 && light->root == NULL)
        r = va_fail_memory(error);
    if (r == 0 && light->change_fd < 0)
        r = va_fail_errno(error, "cannot make an event");
    if (r == 0) {
        light->has_thread = va_thread_start(&light->thread, light_thread, light) == 0;
        r = light->has_thread ? 0 : va_fail(error, VA_ENOMEM, "cannot start a thread");
    }
    if (r < 0) {
        va_light_free(light);
        return r;
    }
    *ret_light = light;
    return 0;
}

void va_light_set(va_light *light, enum va_light_state state)
{
    if (atomic_exchange(&light->state, (int)state) != (int)state)
        eventfd_write(light->change_fd, 1);
}

void va_light_free(va_light *light)
{
    if (light == NULL)
        return;
    if (light->has_thread) {
        atomic_store(&light->must_stop, 1);
        eventfd_write(light->change_fd, 1);
        pthread_join(light->thread, NULL);
    }
    if (light->change_fd >= 0)
        close(light->change_fd);
    va_free(light->root);
    va_free(light);
}
