#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *va_status_text(int status)
{
    static const char *const texts[] = {
        "ok",        "invalid argument", "out of memory", "input or output error", "damaged or unknown format", "not supported", "not found",
        "over a limit", "busy",          "cancelled",     "timed out",             "not permitted",             "not possible now", "failed",
    };
    if (status > 0 || -status >= (int)(sizeof texts / sizeof texts[0]))
        return "unknown error";
    return texts[-status];
}

const char *va_version(void)
{
    return VA_VERSION;
}

int va_fail(va_error *error, int code, const char *format, ...)
{
    if (error != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
        error->code = code;
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
        va_list args;
        char reason[96];
        va_start(args, format);
        int n = vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
        if (n >= 0 && (size_t)n < sizeof error->text)
            snprintf(error->text + n, sizeof error->text - (size_t)n, ": %s", strerror_r(number, reason, sizeof reason));
        error->code = code;
    }
    return code;
}

int va_fail_memory(va_error *error)
{
    return va_fail(error, VA_ENOMEM, "out of memory");
}
