#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *va_status_text(int status)
{
    static const char *const texts[] = {
        "ok",
        "invalid argument",
        "out of memory",
        "input or output error",
        "damaged or unknown format",
        "not supported",
        "not found",
        "over a limit",
        "busy",
        "cancelled",
        "timed out",
        "not permitted",
        "not possible now",
        "failed",
    };
    if (status > 0 || status <= -(int)(sizeof texts / sizeof texts[0]))
        return "unknown error";
    return texts[-status];
}

const char *va_version(void)
{
    return VA_VERSION;
}

/* One line, and nothing a terminal would act on: the text may quote what came from outside (C0, DEL, and C1 as UTF-8). */
static void store(va_error *error, int code, const char *text)
{
    size_t i = 0;

    for (; text[i] != '\0' && i + 1 < sizeof error->text; i++) {
        unsigned char c = (unsigned char)text[i], before = i > 0 ? (unsigned char)text[i - 1] : 0;
        int is_control = c < 0x20 || c == 0x7f || (before == 0xc2 && c >= 0x80 && c <= 0x9f);
        if (is_control && c >= 0x80)
            error->text[i - 1] = '?';
        error->text[i] = is_control ? '?' : (char)c;
    }
    error->text[i] = '\0';
    error->code = code;
}

int va_fail(va_error *error, int code, const char *format, ...)
{
    if (error != NULL) {
        char text[sizeof error->text]; /* the arguments may include error->text itself */
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        store(error, code, text);
    }
    return code;
}

static int code_from_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return VA_ENOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return VA_EDENIED;
    case ENOMEM:
        return VA_ENOMEM;
    case EBUSY:
    case EADDRINUSE:
        return VA_EBUSY;
    case EFBIG:
    case EMFILE:
    case ENFILE:
        return VA_ELIMIT;
    case EINVAL:
        return VA_EINVAL;
    default:
        return VA_EIO;
    }
}

int va_fail_errno(va_error *error, const char *format, ...)
{
    int number = errno, code = code_from_errno(number);

    if (error != NULL) {
        char text[sizeof error->text], reason[96];
        va_list args;
        va_start(args, format);
        int n = vsnprintf(text, sizeof text, format, args);
        va_end(args);
        if (n >= 0 && (size_t)n < sizeof text)
            snprintf(text + n, sizeof text - (size_t)n, ": %s", strerror_r(number, reason, sizeof reason));
        store(error, code, text);
    }
    return code;
}

int va_fail_memory(va_error *error)
{
    return va_fail(error, VA_ENOMEM, "out of memory");
}
