/* camera_record.h - what va_cameras_bind needs to know, and the file it is kept in; inside src/privacy only. */
#ifndef VA_PRIVACY_CAMERA_RECORD_H
#define VA_PRIVACY_CAMERA_RECORD_H

#include "privacy/cameras.h"

/* Names of sysfs; name is the option's. */
struct va_camera_record {
    char name[VA_CAMERA_NAME_BYTES], bus[VA_CAMERA_NAME_BYTES], device[VA_CAMERA_NAME_BYTES], driver[VA_CAMERA_NAME_BYTES];
};

struct va_camera_records {
    struct va_camera_record record[VA_CAMERAS_MAX]; /* [n] */
    size_t n;
};

#define VA_CAMERA_FILE_BYTES (VA_CAMERAS_MAX * sizeof(struct va_camera_record))

/* Whether text [n] can be the name of one folder of sysfs: no path, no control characters, and not too long. */
int va_camera_is_name(const char *text, size_t n);

/* Lines of four names with tabs between. VA_EFORMAT: anything else. */
VA_MUST_CHECK int va_camera_records_parse(const char *text, size_t size, struct va_camera_records *ret_records);

/* No file: no records. VA_EFORMAT, VA_EIO, VA_ELIMIT, VA_ENOMEM. */
VA_MUST_CHECK int va_camera_records_read(const char *folder, struct va_camera_records *ret_records, va_error *error);

/* Replaces the file; it is removed when there are none. */
VA_MUST_CHECK int va_camera_records_write(const char *folder, const struct va_camera_records *records, va_error *error);

struct va_camera_record *va_camera_records_find(struct va_camera_records *records, const char *name);

#endif
