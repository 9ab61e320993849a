#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/broken_pipe.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log_line.h"
#include "base/memory.h"

#define MESSAGE_BYTES 8192

struct sink {
    char *path; /* NULL: no file */
    int fd;     /* -1 when it could not be opened again after a rotation: tried at every line */
    int is_regular;
    uint64_t size, max_bytes;
    int keep;
    int torn;   /* the last line was cut off by a failed write */
    int failed; /* the failure was told */
};

struct console {
    int fd;        /* of stderr, -1: stderr itself */
    uint64_t lost; /* lines since the last that was written */
};

static struct {
    pthread_mutex_t lock;
    _Atomic int level;
    int has_console;
    struct console console;
    int (*write)(const struct va_log_record *record); /* instead, or NULL */
    struct sink sink;
    uint64_t lost;
} logger = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = VA_LOG_INFO, .has_console = 1, .console = {.fd = -1}, .sink = {.fd = -1}};

/* As much as a pipe or socket takes at once that takes anything. As write otherwise, but never waits for a reader. */
static ssize_t write_some(int fd, const char *data, size_t n)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    int r = poll(&room, 1, 0);

    if (r > 0)
        return write(fd, data, n < PIPE_BUF ? n : PIPE_BUF);
    if (r == 0)
        errno = EAGAIN;
    return -1;
}

/* 0 or -1 with errno. A reader that went away must not end the program by SIGPIPE. */
static int write_all(int fd, const char *data, size_t n)
{
    struct va_broken_pipe before;
    int r = 0;

    va_broken_pipe_block(&before);
    while (n > 0 && r == 0) {
        ssize_t done = write_some(fd, data, n);
        if (done > 0) {
            data += done;
            n -= (size_t)done;
        } else if (done == 0 || errno != EINTR) {
            r = -1;
        }
    }
    va_broken_pipe_restore(&before);
    return r;
}

/* Of a pipe or terminal, opened once more: other programs have stderr, too, and would not expect that it does not wait. Where that is not
 * possible, write_some waits only when another program has taken the room meanwhile. */
static int open_console(void)
{
    struct stat info;

    if (fstat(STDERR_FILENO, &info) < 0 || (!S_ISFIFO(info.st_mode) && !S_ISCHR(info.st_mode)))
        return -1;
    return open("/proc/self/fd/2", O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

/* 1, or 0 when the line is lost: what nobody reads holds nobody up. */
static int write_console(struct console *console, const char *line, size_t n)
{
    char text[96];
    int fd = console->fd >= 0 ? console->fd : STDERR_FILENO, r = 0;

    if (console->lost > 0) { /* the last may have been cut off */
        int n_text = snprintf(text, sizeof text, "\nvoice-assistant: nobody read this, and %llu log lines are lost\n",
                              (unsigned long long)console->lost);
        r = write_all(fd, text, (size_t)n_text);
    }
    if (r == 0) {
        console->lost = 0;
        r = write_all(fd, line, n);
    }
    console->lost += r < 0;
    return r == 0;
}

/* Straight to the console, so that the logger never calls itself. */
static void notice(struct sink *sink, const char *what)
{
    char text[512];
    int number = errno;

    if (sink->failed)
        return;
    sink->failed = 1;
    int n = snprintf(text, sizeof text, "voice-assistant: %s %.300s: %s; log lines are lost until it works again\n", what, sink->path,
                     strerror(number));
    if (n > 0)
        (void)write_console(&logger.console, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

/* 0 or -1 with errno. Never waits for a reader of a named pipe. */
static int open_file(struct sink *sink)
{
    struct stat info;
    int fd = open(sink->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd < 0)
        return -1;
    if (fstat(fd, &info) < 0 || (!S_ISREG(info.st_mode) && !S_ISCHR(info.st_mode))) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    sink->fd = fd;
    sink->is_regular = S_ISREG(info.st_mode);
    sink->size = sink->is_regular ? (uint64_t)info.st_size : 0;
    return 0;
}

/* PATH.4 -> PATH.5, ..., PATH -> PATH.1. Where that is not possible the file starts over: the bound holds. */
static void rotate(struct sink *sink)
{
    char from[4096], to[4096];

    for (int i = sink->keep; i > 0; i--) {
        int n = snprintf(to, sizeof to, "%s.%d", sink->path, i);
        int m = i == 1 ? snprintf(from, sizeof from, "%s", sink->path) : snprintf(from, sizeof from, "%s.%d", sink->path, i - 1);
        if (n < 0 || (size_t)n >= sizeof to || m < 0 || (size_t)m >= sizeof from)
            return;
        if ((rename(from, to) == 0 || errno == ENOENT) && i == 1) { /* ENOENT: someone took the file away */
            close(sink->fd);
            sink->fd = -1;
            return;
        }
    }
    if (ftruncate(sink->fd, 0) == 0)
        sink->size = 0;
}

/* 1, or 0 when the line is lost. */
static int write_file(struct sink *sink, const char *line, size_t n)
{
    if (sink->fd >= 0 && sink->is_regular && sink->max_bytes > 0 && sink->size > 0 && sink->size + n > sink->max_bytes)
        rotate(sink);
    if (sink->fd < 0) {
        if (open_file(sink) < 0) {
            notice(sink, "cannot open log file");
            return 0;
        }
        sink->torn = 0;
    }
    if (sink->torn && write_all(sink->fd, "\n", 1) == 0)
        sink->torn = 0;
    if (sink->torn || write_all(sink->fd, line, n) < 0) {
        sink->torn = 1;
        notice(sink, "cannot write log file");
        return 0;
    }
    sink->size += n;
    sink->failed = 0;
    return 1;
}

static void emit(const struct va_log_record *record)
{
    char line[VA_LOG_LINE_BYTES];
    int number = errno, is_lost = 0;

    pthread_mutex_lock(&logger.lock);
    if (logger.has_console && (logger.write == NULL || logger.write(record) < 0))
        is_lost = !write_console(&logger.console, line, va_log_line_console(record, line));
    if (logger.sink.path != NULL)
        is_lost = !write_file(&logger.sink, line, va_log_line_json(record, line));
    logger.lost += is_lost;
    pthread_mutex_unlock(&logger.lock);
    errno = number;
}

static int make_parent(const char *path, va_error *error)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return 0;
    char *folder = va_strndup(path, (size_t)(slash - path));
    if (folder == NULL)
        return va_fail_memory(error);
    int r = va_file_make_folder(folder, 0750, error);
    va_free(folder);
    return r;
}

static void close_sink(struct sink *sink)
{
    if (sink->fd >= 0)
        close(sink->fd);
    va_free(sink->path);
}

int va_log_open(const struct va_log_options *options, va_error *error)
{
    struct sink sink = {.fd = -1, .max_bytes = options->max_bytes, .keep = options->keep}, old;
    int r;

    if (options->level < VA_LOG_DEBUG || options->level > VA_LOG_ERROR || options->keep < 0)
        return va_fail(error, VA_EINVAL, "log: level %d or keep %d makes no sense", (int)options->level, options->keep);
    if (options->path != NULL && options->path[0] != '\0') {
        if ((r = make_parent(options->path, error)) < 0)
            return r;
        if ((sink.path = va_strdup(options->path)) == NULL)
            return va_fail_memory(error);
        if (open_file(&sink) < 0) {
            r = va_fail_errno(error, "cannot open log file %s", options->path);
            va_free(sink.path);
            return r;
        }
    }
    pthread_mutex_lock(&logger.lock);
    old = logger.sink;
    logger.sink = sink;
    logger.has_console = options->console;
    if (logger.console.fd < 0)
        logger.console.fd = open_console();
    atomic_store(&logger.level, (int)options->level);
    pthread_mutex_unlock(&logger.lock);
    close_sink(&old);
    return 0;
}

void va_log_close(void)
{
    struct sink old;

    pthread_mutex_lock(&logger.lock);
    old = logger.sink;
    logger.sink = (struct sink){.fd = -1};
    logger.has_console = 1;
    if (logger.console.fd >= 0)
        close(logger.console.fd);
    logger.console = (struct console){.fd = -1};
    logger.write = NULL;
    atomic_store(&logger.level, VA_LOG_INFO);
    pthread_mutex_unlock(&logger.lock);
    close_sink(&old);
}

void va_log_divert(int (*write)(const struct va_log_record *record))
{
    pthread_mutex_lock(&logger.lock);
    logger.write = write;
    pthread_mutex_unlock(&logger.lock);
}

void va_log_get_status(struct va_log_status *ret_status)
{
    pthread_mutex_lock(&logger.lock);
    if (logger.sink.failed) /* tried again with no more than the end of a torn line */
        (void)write_file(&logger.sink, "", 0);
    *ret_status = (struct va_log_status){.is_failing = logger.sink.failed, .lost = logger.lost};
    pthread_mutex_unlock(&logger.lock);
}

int va_log_level_parse(const char *name, enum va_log_level *ret_level)
{
    for (int i = 0; i <= VA_LOG_ERROR; i++)
        if (strcmp(name, va_log_level_names[i]) == 0) {
            *ret_level = (enum va_log_level)i;
            return 0;
        }
    return VA_EINVAL;
}

void va_log(enum va_log_level level, const char *module, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list args;

    if ((int)level < atomic_load_explicit(&logger.level, memory_order_relaxed))
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    emit(&(struct va_log_record){.unix_s = va_clock_unix_s(), .level = level, .module = module, .message = message});
}

void va_log_event(enum va_log_level level, const char *module, const char *event, const struct va_field *fields, size_t n_fields)
{
    if ((int)level < atomic_load_explicit(&logger.level, memory_order_relaxed))
        return;
    emit(&(struct va_log_record){.unix_s = va_clock_unix_s(),
                                 .level = level,
                                 .module = module,
                                 .message = event,
                                 .event = event,
                                 .fields = fields,
                                 .n_fields = n_fields});
}
