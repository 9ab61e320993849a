#include "privacy/cameras.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/helper.h"
#include "privacy/camera_record.h"

#define PATH_BYTES 1024
#define VIDEO_PREFIX "/dev/"

const char *va_camera_state_text(enum va_camera_state state)
{
    static const char *const texts[] = {"bound", "released", "not present", "unknown"};
    return texts[state];
}

/* ---- sysfs ---- */

/* The name of what the link at path leads to: a device, its bus or its driver. 0, VA_ENOTFOUND, or VA_EFORMAT when no name of ours. */
static int linked_name(const char *path, char ret_name[VA_CAMERA_NAME_BYTES])
{
    char target[PATH_MAX];

    if (realpath(path, target) == NULL)
        return VA_ENOTFOUND;
    const char *name = strrchr(target, '/') + 1;
    if (!va_camera_is_name(name, strlen(name)))
        return VA_EFORMAT;
    memcpy(ret_name, name, strlen(name) + 1);
    return 0;
}

/* Finds the driver of the record's device; "" when it has none. VA_ENOTFOUND: there is no such device. */
static int find_driver(const char *root, struct va_camera_record *record)
{
    char path[PATH_BYTES];

    record->driver[0] = '\0';
    snprintf(path, sizeof path, "%s/sys/bus/%s/devices/%s", root, record->bus, record->device);
    if (access(path, F_OK) < 0)
        return VA_ENOTFOUND;
    snprintf(path, sizeof path, "%s/sys/bus/%s/devices/%s/driver", root, record->bus, record->device);
    return linked_name(path, record->driver) == VA_EFORMAT ? VA_EFORMAT : 0;
}

/* /dev/videoN: the device behind it. VA_EUNSUPPORTED: it has none. */
static int find_video(const char *root, struct va_camera_record *record)
{
    const char *video = record->name + strlen(VIDEO_PREFIX);
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/sys/class/video4linux/%s", root, video);
    if (access(path, F_OK) < 0)
        return VA_ENOTFOUND;
    snprintf(path, sizeof path, "%s/sys/class/video4linux/%s/device", root, video);
    int r = linked_name(path, record->device);
    if (r < 0)
        return VA_EUNSUPPORTED;
    snprintf(path, sizeof path, "%s/sys/class/video4linux/%s/device/subsystem", root, video);
    return linked_name(path, record->bus) < 0 ? VA_EUNSUPPORTED : find_driver(root, record);
}

/* A device by its name, on whichever bus it is. */
static int find_device(const char *root, struct va_camera_record *record)
{
    char path[PATH_BYTES];
    struct dirent *entry;
    int r = VA_ENOTFOUND;

    snprintf(path, sizeof path, "%s/sys/bus", root);
    DIR *folder = opendir(path);
    memcpy(record->device, record->name, sizeof record->device);
    while (r == VA_ENOTFOUND && folder != NULL && (entry = readdir(folder)) != NULL) {
        if (!va_camera_is_name(entry->d_name, strlen(entry->d_name)))
            continue;
        snprintf(record->bus, sizeof record->bus, "%s", entry->d_name);
        r = find_driver(root, record);
    }
    if (folder != NULL)
        closedir(folder);
    return r;
}

/* Writes the device's name to the file `verb` of its driver, which is how sysfs is told. */
static int write_driver(const char *root, const struct va_camera_record *record, const char *verb, va_error *error)
{
    char path[PATH_BYTES];
    size_t n = strlen(record->device);

    snprintf(path, sizeof path, "%s/sys/bus/%s/drivers/%s/%s", root, record->bus, record->driver, verb);
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return va_fail_errno(error, "%s", path);
    int r = write(fd, record->device, n) == (ssize_t)n ? 0 : va_fail_errno(error, "%s", path);
    close(fd);
    return r;
}

/* What this user may not, the helper may. */
static int tell_driver(const char *root, const struct va_camera_record *record, const char *verb, va_error *error)
{
    va_error denied;
    int r = write_driver(root, record, verb, &denied);

    if (r != VA_EDENIED)
        return r == 0 ? 0 : va_fail(error, r, "%s", denied.text);
    r = va_helper_ask(root, error, "%s %s %s", strcmp(verb, "unbind") == 0 ? "release" : "bind", record->bus, record->device);
    return r == VA_ESTATE ? va_fail(error, VA_EDENIED, "%s; the helper (voice-assistant-helper.socket) is not there", denied.text) : r;
}

/* ---- one camera ---- */

static void fail_camera(struct va_cameras *cameras, struct va_camera *camera, const char *reason)
{
    snprintf(camera->reason, sizeof camera->reason, "%s", reason);
    cameras->n_failed++;
}

static struct va_camera *add_camera(struct va_cameras *cameras, const char *name, size_t n)
{
    struct va_camera *camera = &cameras->camera[cameras->n++];

    *camera = (struct va_camera){.state = VA_CAMERA_UNKNOWN};
    snprintf(camera->name, sizeof camera->name, "%.*s", (int)(n < VA_CAMERA_NAME_BYTES ? n : VA_CAMERA_NAME_BYTES - 1), name);
    return camera;
}

static int is_video(const char *name)
{
    static const char prefix[] = VIDEO_PREFIX "video";
    const char *digits = name + sizeof prefix - 1;

    return strncmp(name, prefix, sizeof prefix - 1) == 0 && digits[0] != '\0' && digits[strspn(digits, "0123456789")] == '\0';
}

/* Fills the camera's state and its record, which is empty before. While it is released, nothing but the record `kept` (or NULL) knows the
 * device of a /dev/videoN.
 */
static void look(const char *root, struct va_cameras *cameras, struct va_camera *camera, const struct va_camera_record *kept,
                 struct va_camera_record *record)
{
    int r = VA_EINVAL;

    memcpy(record->name, camera->name, sizeof record->name);
    if (is_video(camera->name))
        r = find_video(root, record);
    else if (va_camera_is_name(camera->name, strlen(camera->name)))
        r = find_device(root, record);
    if (r == VA_ENOTFOUND && kept != NULL) {
        *record = *kept;
        r = find_driver(root, record);
    }
    if (r == 0)
        camera->state = record->driver[0] == '\0' ? VA_CAMERA_RELEASED : VA_CAMERA_BOUND;
    else if (r == VA_ENOTFOUND)
        camera->state = VA_CAMERA_NOT_PRESENT;
    else
        fail_camera(cameras, camera, r == VA_EINVAL ? "neither /dev/videoN nor a device's name" : "it has no driver to be taken from");
}

/* ---- all of them ---- */

/* Adds those that are named, with their states and records [cameras->n]. */
static void look_at_named(const struct va_cameras_options *options, struct va_camera_records *kept, struct va_cameras *cameras,
                          struct va_camera_record records[VA_CAMERAS_MAX])
{
    const char *at = options->names;

    while (*at != '\0') {
        size_t n = strcspn(at, ","), begin = strspn(at, " \t"), end = n;
        while (end > begin && (at[end - 1] == ' ' || at[end - 1] == '\t'))
            end--;
        if (end > begin && cameras->n == VA_CAMERAS_MAX) {
            fail_camera(cameras, add_camera(cameras, at + begin, end - begin), "there are too many cameras");
            return;
        }
        if (end > begin) {
            records[cameras->n] = (struct va_camera_record){0};
            struct va_camera *camera = add_camera(cameras, at + begin, end - begin);
            if (end - begin >= VA_CAMERA_NAME_BYTES)
                fail_camera(cameras, camera, "the name is too long");
            else
                look(options->root, cameras, camera, va_camera_records_find(kept, camera->name), &records[cameras->n - 1]);
        }
        at += n + (at[n] == ',');
    }
}

/* No records when they cannot be read: what is not known cannot be bound again, but is released all the same. */
static int read_records(const char *folder, struct va_camera_records *ret_records, va_error *error)
{
    *ret_records = (struct va_camera_records){0};
    return va_camera_records_read(folder, ret_records, error);
}

void va_cameras_look(const struct va_cameras_options *options, struct va_cameras *ret_cameras)
{
    struct va_camera_record records[VA_CAMERAS_MAX];
    struct va_camera_records kept;

    *ret_cameras = (struct va_cameras){0};
    (void)read_records(options->folder, &kept, NULL);
    look_at_named(options, &kept, ret_cameras, records);
}

/* Keeps how the bound ones are bound again, before they are not any more. */
static int keep_records(const char *folder, struct va_camera_records *kept, const struct va_cameras *cameras,
                        const struct va_camera_record *records, va_error *error)
{
    for (size_t i = 0; i < cameras->n && i < VA_CAMERAS_MAX; i++) {
        struct va_camera_record *place = va_camera_records_find(kept, records[i].name);
        if (cameras->camera[i].state != VA_CAMERA_BOUND)
            continue;
        if (place == NULL && kept->n == VA_CAMERAS_MAX)
            return va_fail(error, VA_ELIMIT, "there are too many cameras");
        *(place != NULL ? place : &kept->record[kept->n++]) = records[i];
    }
    return va_camera_records_write(folder, kept, error);
}

void va_cameras_release(const struct va_cameras_options *options, struct va_cameras *ret_cameras)
{
    struct va_camera_record records[VA_CAMERAS_MAX];
    struct va_camera_records kept;
    va_error error, unkept;

    *ret_cameras = (struct va_cameras){0};
    (void)read_records(options->folder, &kept, NULL);
    look_at_named(options, &kept, ret_cameras, records);
    int r = keep_records(options->folder, &kept, ret_cameras, records, &unkept);
    for (size_t i = 0; i < ret_cameras->n; i++) {
        struct va_camera *camera = &ret_cameras->camera[i];
        if (camera->state != VA_CAMERA_BOUND)
            continue;
        /* Another name of the same device may have done it. */
        if (find_driver(options->root, &records[i]) == 0 && records[i].driver[0] != '\0' &&
            tell_driver(options->root, &records[i], "unbind", &error) < 0) {
            fail_camera(ret_cameras, camera, error.text);
            continue;
        }
        camera->state = VA_CAMERA_RELEASED;
        if (r < 0)
            fail_camera(ret_cameras, camera, unkept.text);
    }
}

/* Returns whether its record is needed no longer. */
static int bind_camera(const char *root, const struct va_camera_record *record, struct va_cameras *cameras)
{
    struct va_camera *camera = add_camera(cameras, record->name, strlen(record->name));
    struct va_camera_record now = *record;
    va_error error;

    if (find_driver(root, &now) == VA_ENOTFOUND) {
        camera->state = VA_CAMERA_NOT_PRESENT;
        return 1;
    }
    if (now.driver[0] == '\0' && tell_driver(root, record, "bind", &error) < 0) {
        camera->state = VA_CAMERA_RELEASED;
        fail_camera(cameras, camera, error.text);
        return 0;
    }
    camera->state = VA_CAMERA_BOUND;
    return 1;
}

void va_cameras_bind(const struct va_cameras_options *options, struct va_cameras *ret_cameras)
{
    struct va_camera_record records[VA_CAMERAS_MAX];
    struct va_camera_records kept, left = {0};
    struct va_cameras named = {0};
    va_error error;

    *ret_cameras = (struct va_cameras){0};
    int r = read_records(options->folder, &kept, &error);
    for (size_t i = 0; i < kept.n; i++)
        if (!bind_camera(options->root, &kept.record[i], ret_cameras))
            left.record[left.n++] = kept.record[i];
    look_at_named(options, &kept, &named, records);
    for (size_t i = 0; i < named.n; i++)
        if (va_camera_records_find(&kept, named.camera[i].name) == NULL) {
            ret_cameras->camera[ret_cameras->n++] = named.camera[i];
            ret_cameras->n_failed += named.camera[i].reason[0] != '\0';
        }
    if (r == 0)
        r = va_camera_records_write(options->folder, &left, &error);
    for (size_t i = 0; r < 0 && i < ret_cameras->n; i++)
        if (ret_cameras->camera[i].state != VA_CAMERA_BOUND && ret_cameras->camera[i].reason[0] == '\0')
            fail_camera(ret_cameras, &ret_cameras->camera[i], error.text);
}
