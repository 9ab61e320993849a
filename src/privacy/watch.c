#include "privacy/privacy.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/thread.h"

struct va_privacy_watch {
    struct va_privacy_watch_options options; /* without its strings */
    int folder_id, devices_id;               /* of the watched folders */
    int inotify_fd, stop_fd;                 /* -1: none */
    int has_thread;
    pthread_t thread;
};

static unsigned news_of(const va_privacy_watch *watch, const struct inotify_event *event)
{
    const char *name = event->len > 0 ? event->name : "";

    if (event->mask & IN_Q_OVERFLOW) /* some are lost */
        return VA_PRIVACY_SWITCH | VA_PRIVACY_CAMERA;
    if (event->wd == watch->folder_id && strcmp(name, VA_PRIVACY_FILE) == 0)
        return VA_PRIVACY_SWITCH;
    return event->wd == watch->devices_id && strncmp(name, "video", 5) == 0 ? VA_PRIVACY_CAMERA : 0;
}

static unsigned read_news(const va_privacy_watch *watch)
{
    _Alignas(struct inotify_event) char events[4096];
    unsigned news = 0;
    ssize_t n = read(watch->inotify_fd, events, sizeof events);

    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *event = (const struct inotify_event *)(const void *)(events + at);
        news |= news_of(watch, event);
        at += (ssize_t)(sizeof *event + event->len);
    }
    return news;
}

static void *watch_thread(void *arg)
{
    va_privacy_watch *watch = arg;
    struct pollfd fds[2] = {{.fd = watch->stop_fd, .events = POLLIN}, {.fd = watch->inotify_fd, .events = POLLIN}};

    for (;;) {
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[0].revents != 0)
            return NULL;
        unsigned news = read_news(watch);
        if (news != 0)
            watch->options.changed(watch->options.user, news);
    }
}

static int watch_folders(va_privacy_watch *watch, va_error *error)
{
    const struct va_privacy_watch_options *options = &watch->options;
    char *devices = va_asprintf("%s/dev", options->root);

    if (devices == NULL)
        return va_fail_memory(error);
    watch->folder_id = inotify_add_watch(watch->inotify_fd, options->folder, IN_CLOSE_WRITE | IN_MOVED_TO);
    int r = watch->folder_id < 0 ? va_fail_errno(error, "cannot watch %s", options->folder) : 0;
    watch->devices_id = inotify_add_watch(watch->inotify_fd, devices, IN_CREATE);
    va_free(devices);
    return r;
}

int va_privacy_watch_new(const struct va_privacy_watch_options *options, va_privacy_watch **ret_watch, va_error *error)
{
    int r;
    va_privacy_watch *watch = va_calloc(1, sizeof *watch);
    if (watch == NULL)
        return va_fail_memory(error);
    watch->options = *options;
    watch->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    watch->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->stop_fd < 0 || watch->inotify_fd < 0)
        r = va_fail_errno(error, "cannot watch %s", options->folder);
    else
        r = watch_folders(watch, error);
    if (r == 0) {
        watch->has_thread = va_thread_start(&watch->thread, watch_thread, watch) == 0;
        r = watch->has_thread ? 0 : va_fail(error, VA_ENOMEM, "cannot start a thread");
    }
    if (r < 0) {
        va_privacy_watch_free(watch);
        return r;
    }
    *ret_watch = watch;
    return 0;
}

void va_privacy_watch_free(va_privacy_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->has_thread) {
        eventfd_write(watch->stop_fd, 1);
        pthread_join(watch->thread, NULL);
    }
    if (watch->stop_fd >= 0)
        close(watch->stop_fd);
    if (watch->inotify_fd >= 0)
        close(watch->inotify_fd);
    va_free(watch);
}
