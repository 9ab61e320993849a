/* What is read as records of cameras holds only names that may stand in a path of sysfs. */
#include "fuzz.h"

#include <string.h>

#include "privacy/camera_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct va_camera_records records;
    int r = va_camera_records_parse((const char *)data, size, &records);

    FUZZ_CHECK(r == 0 || r == VA_EFORMAT);
    for (size_t i = 0; r == 0 && i < records.n; i++) {
        const struct va_camera_record *record = &records.record[i];
        FUZZ_CHECK(records.n <= VA_CAMERAS_MAX && strlen(record->name) < VA_CAMERA_NAME_BYTES);
        FUZZ_CHECK(va_camera_is_name(record->bus, strlen(record->bus)) && va_camera_is_name(record->device, strlen(record->device)) &&
                   va_camera_is_name(record->driver, strlen(record->driver)));
        FUZZ_CHECK(va_camera_records_find(&records, record->name) != NULL);
    }
    return 0;
}
