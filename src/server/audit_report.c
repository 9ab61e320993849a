#include "server/audit_report.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"

#define FILE_NAME "audit.json"
#define MAX_BYTES 262144

static json_t *parse(const char *text, size_t size)
{
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);

    if (json_is_string(json_object_get(root, "timestamp")) && json_is_object(json_object_get(root, "summary")) &&
        json_is_array(json_object_get(root, "items")))
        return root;
    json_decref(root);
    return NULL;
}

int va_audit_report_read(const char *folder, char **ret_text, size_t *ret_size, va_error *error)
{
    char *path = va_paths_join(folder, FILE_NAME), *text = NULL;
    size_t size = 0;
    int r = path == NULL ? va_fail_memory(error) : va_file_read(path, MAX_BYTES, &text, &size, error);
    json_t *root = r == 0 ? parse(text, size) : NULL;

    if (r == 0 && root == NULL)
        r = va_fail(error, VA_EFORMAT, "%s is no report of an audit", path);
    json_decref(root);
    va_free(path);
    if (r < 0) {
        va_free(text);
        return r;
    }
    *ret_text = text;
    *ret_size = size;
    return 0;
}

static void summarise(const char *folder, struct va_audit_summary *summary)
{
    char *text;
    size_t size;
    va_error error;

    if (va_audit_report_read(folder, &text, &size, &error) < 0)
        return;
    json_t *root = parse(text, size);
    const json_t *failed = json_object_get(json_object_get(root, "summary"), "fail");
    const char *time = json_string_value(json_object_get(root, "timestamp"));
    double made_s;
    if (json_is_integer(failed) && time != NULL && va_clock_parse(time, &made_s) == 0) {
        summary->failed = (double)json_integer_value(failed);
        summary->made_unix_s = made_s;
    }
    json_decref(root);
    va_free(text);
}

void va_audit_report_summary(const char *folder, struct va_audit_summary *summary)
{
    char *path = va_paths_join(folder, FILE_NAME);
    struct stat status;
    int is_there = path != NULL && stat(path, &status) == 0;
    int64_t changed_ns = is_there ? (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec : 0;

    va_free(path);
    if (is_there && changed_ns == summary->changed_ns && status.st_size == summary->size)
        return;
    *summary = (struct va_audit_summary){.failed = NAN, .made_unix_s = NAN};
    if (!is_there)
        return;
    summary->changed_ns = changed_ns;
    summary->size = status.st_size;
    summarise(folder, summary);
}
