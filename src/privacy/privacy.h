/* privacy.h - the privacy switch, which outlives the program. Any thread. */
#ifndef VA_PRIVACY_H
#define VA_PRIVACY_H

#include "base/error.h"

#define VA_PRIVACY_FILE "privacy" /* in the data folder */

/* The switch is a file that says "on" or "off".
 * Returns 1 for on, 0 for off. Without the file (a first start) it is off. What cannot be read or says anything else counts as on, and
 * error says why; its code is 0 when all is well. */
int va_privacy_read(const char *folder, va_error *error);

/* The file has mode 0600 and is whole at any moment, old or new; it is on the disk when this returns 0. VA_EIO, VA_EDENIED, VA_ENOMEM. */
VA_MUST_CHECK int va_privacy_write(const char *folder, int on, va_error *error);

/* Watches the switch, which another program may write, too, and cameras that are plugged in: the kernel binds those. */
typedef struct va_privacy_watch va_privacy_watch;

enum va_privacy_news { VA_PRIVACY_SWITCH = 1, VA_PRIVACY_CAMERA = 2 }; /* bits */

struct va_privacy_watch_options {
    const char *folder; /* of data; it must exist */
    const char *root;   /* before /dev: "" but in tests. Without that folder, cameras are not noticed */
    /* From a thread of the watch: after each write of the switch, whoever wrote it, and for each new /dev/videoN. Nothing else wakes that
     * thread but other files of the two folders. */
    void (*changed)(void *user, unsigned news);
    void *user;
};

/* VA_ENOMEM, VA_EIO, VA_ENOTFOUND. */
VA_MUST_CHECK int va_privacy_watch_new(const struct va_privacy_watch_options *options, va_privacy_watch **ret_watch, va_error *error);
void va_privacy_watch_free(va_privacy_watch *watch); /* waits for a call under way */

#endif
