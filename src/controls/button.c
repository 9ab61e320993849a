#include "controls/button.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"
#include "controls/button_source.h"

#define BOUNCE_MS 20
#define RETRY_MS 1000

struct va_button {
    struct va_button_options options;
    char *root;
    int stop_fd, watch_fd; /* -1: none */
    int has_thread;
    pthread_t thread;

    /* The thread's. */
    struct va_button_source source;
    int device_code;       /* last told about the device: 0 or VA_E*; 1: nothing yet */
    int told;              /* it is pressed */
    double quiet_until_ms; /* changes wait until then */
};

/* ---- telling ---- */

static void tell_device(va_button *button, int code, const va_error *error)
{
    if (code == button->device_code)
        return;
    button->device_code = code;
    if (button->options.on_device != NULL)
        button->options.on_device(button->options.user, code < 0 ? error : NULL);
}

static int is_pressed(const va_button *button)
{
    for (size_t i = 0; i < button->source.n; i++)
        if (button->source.devices[i].is_pressed)
            return 1;
    return 0;
}

static void tell_press(va_button *button)
{
    int pressed = is_pressed(button);
    double now_ms = va_clock_ms();

    if (pressed == button->told || now_ms < button->quiet_until_ms)
        return;
    button->told = pressed;
    button->quiet_until_ms = now_ms + BOUNCE_MS;
    if (pressed || button->options.hold)
        button->options.on_button(button->options.user, pressed);
}

/* ---- the thread ---- */

static void open_devices(va_button *button)
{
    va_error error;
    int r = va_button_source_open(&button->source, &error);

    tell_device(button, r, &error);
}

/* How long nothing has to be done unless something comes, in ms; -1: for ever. */
static int patience_ms(const va_button *button)
{
    double left_ms = button->quiet_until_ms - va_clock_ms();

    if (is_pressed(button) != button->told)
        return left_ms > 0 ? (int)left_ms + 1 : 0;
    return button->source.n == 0 ? RETRY_MS : -1;
}

/* From the last on: one that goes leaves its place to the last. */
static void read_devices(va_button *button, const struct pollfd *fds)
{
    va_error error;

    for (size_t i = button->source.n; i > 0; i--)
        if (fds[i - 1].revents != 0 && va_button_source_read(&button->source, i - 1, &error) < 0 && button->source.n == 0)
            tell_device(button, error.code, &error);
}

static void drop_news(int fd)
{
    char events[4096];

    while (read(fd, events, sizeof events) > 0)
        ;
}

static void *button_thread(void *arg)
{
    va_button *button = arg;
    struct pollfd fds[VA_BUTTON_MAX_DEVICES + 2];

    open_devices(button);
    for (;;) {
        size_t n = button->source.n;
        for (size_t i = 0; i < n; i++)
            fds[i] = (struct pollfd){.fd = button->source.devices[i].fd, .events = POLLIN};
        fds[n] = (struct pollfd){.fd = button->watch_fd, .events = POLLIN};
        fds[n + 1] = (struct pollfd){.fd = button->stop_fd, .events = POLLIN};
        int r = poll(fds, (nfds_t)(n + 2), patience_ms(button));
        if (r > 0 && fds[n + 1].revents != 0)
            return NULL;
        if (r > 0)
            read_devices(button, fds);
        if (r > 0 && fds[n].revents != 0)
            drop_news(button->watch_fd);
        if ((r > 0 && fds[n].revents != 0) || (r == 0 && n == 0))
            open_devices(button);
        tell_press(button);
    }
}

/* ---- life ---- */

/* Without the folder, or the watch, devices are found by trying again. */
static void watch_folder(va_button *button)
{
    char folder[VA_CONTROL_PATH_BYTES];

    va_button_source_folder(&button->source, folder);
    if (button->watch_fd >= 0)
        (void)inotify_add_watch(button->watch_fd, folder, IN_CREATE | IN_MOVED_TO | IN_ATTRIB);
}

int va_button_new(const struct va_button_options *options, va_button **ret_button, va_error *error)
{
    int r;
    va_button *button = va_calloc(1, sizeof *button);
    if (button == NULL)
        return va_fail_memory(error);
    button->options = *options;
    button->device_code = 1;
    button->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    button->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    button->source.root = button->root = va_strdup(options->root);
    r = va_control_parse(options->button, &button->source.name, error);
    if (r == 0 && button->source.name.kind == VA_CONTROL_LED)
        r = va_fail(error, VA_EINVAL, "'%.80s' is a light, not a button", options->button);
    if (r == 0 && button->root == NULL)
        r = va_fail_memory(error);
    if (r == 0 && button->stop_fd < 0)
        r = va_fail_errno(error, "cannot make an event");
    if (r == 0) {
        watch_folder(button);
        button->has_thread = va_thread_start(&button->thread, button_thread, button) == 0;
        r = button->has_thread ? 0 : va_fail(error, VA_ENOMEM, "cannot start a thread");
    }
    if (r < 0) {
        va_button_free(button);
        return r;
    }
    *ret_button = button;
    return 0;
}

void va_button_free(va_button *button)
{
    if (button == NULL)
        return;
    if (button->has_thread) {
        eventfd_write(button->stop_fd, 1);
        pthread_join(button->thread, NULL);
    }
    va_button_source_close(&button->source);
    if (button->stop_fd >= 0)
        close(button->stop_fd);
    if (button->watch_fd >= 0)
        close(button->watch_fd);
    va_free(button->root);
    va_free(button);
}
