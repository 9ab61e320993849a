/* cameras.h - takes cameras away from their drivers in privacy mode, and gives them back, through sysfs.
 *
 * A device without its driver cannot be opened by any program. How it is bound again is kept in the file "cameras" of the data folder
 * until that is done, so that a restart in between loses nothing. Any thread, one at a time; no heap. */
#ifndef VA_PRIVACY_CAMERAS_H
#define VA_PRIVACY_CAMERAS_H

#include "base/error.h"

#define VA_CAMERAS_MAX 16 /* that can be named */
#define VA_CAMERA_NAME_BYTES 64

enum va_camera_state {
    VA_CAMERA_BOUND,       /* its driver has it: it can see */
    VA_CAMERA_RELEASED,    /* no driver has it */
    VA_CAMERA_NOT_PRESENT, /* there is no such device */
    VA_CAMERA_UNKNOWN      /* the reason says why */
};

struct va_camera {
    char name[VA_CAMERA_NAME_BYTES]; /* as it is named in the option */
    enum va_camera_state state;
    char reason[256]; /* what went wrong, or "" */
};

struct va_cameras {
    struct va_camera camera[2 * VA_CAMERAS_MAX + 1]; /* [n]: those named now, those of the file that are not, and one too many */
    size_t n;
    size_t n_failed; /* those with a reason */
};

struct va_cameras_options {
    const char *root;   /* before /sys: "" but in tests */
    const char *folder; /* of data */
    const char *names;  /* separated by commas: /dev/videoN, or a device's name in sysfs (such as 1-1.3:1.0) */
};

/* "bound", "released", "not present", "unknown" */
const char *va_camera_state_text(enum va_camera_state state);

/* How they are now. */
void va_cameras_look(const struct va_cameras_options *options, struct va_cameras *ret_cameras);

/* Unbinds those named. A camera that cannot be unbound has state bound and a reason. */
void va_cameras_release(const struct va_cameras_options *options, struct va_cameras *ret_cameras);

/* Binds those that were unbound by va_cameras_release. */
void va_cameras_bind(const struct va_cameras_options *options, struct va_cameras *ret_cameras);

#endif
