#include "speech/support.h"

#include <sys/stat.h>
#include <time.h>

static void test_commands_are_split_and_filled(void **state)
{
    const struct va_voice voice = {.language = "{voice}", .voice = "v; rm", .rate = 120};
    struct va_arguments arguments, filled;
    char many[3 * VA_SPEECH_MAX_ARGUMENTS];

    assert_int_equal(va_arguments_split("  p  --x \"a b\"'c d' '' {voice}:{rate}/{language}\t{other} ", &arguments, NULL), 0);
    assert_int_equal(arguments.n, 6);
    assert_string_equal(arguments.words[0], "p");
    assert_string_equal(arguments.words[2], "a bc d");
    assert_string_equal(arguments.words[3], "");
    assert_int_equal(va_arguments_fill(&arguments, &voice, &filled), 0);
    va_arguments_free(&arguments);
    assert_int_equal(filled.n, 6);
    assert_string_equal(filled.words[4], "v; rm:120/{voice}"); /* neither split nor filled again */
    assert_string_equal(filled.words[5], "{other}");
    va_arguments_free(&filled);
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = i % 2 == 0 ? 'a' : ' ';
    many[sizeof many - 1] = '\0';
    assert_int_equal(va_arguments_split(many, &arguments, NULL), VA_EINVAL);
}

static void put(const char *folder, uint64_t max_bytes, const char *text, char ret_key[VA_SPEECH_KEY_BYTES])
{
    int16_t pcm[500] = {1, 2, 3};
    const struct va_sound sound = {pcm, 500};
    struct va_arguments arguments = {.words = {(char *)"program"}, .n = 1};

    assert_int_equal(va_speech_cache_key(&arguments, text, ret_key, NULL), 0);
    assert_int_equal(va_speech_cache_put(folder, max_bytes, ret_key, &sound, NULL), 0);
}

static int is_there(const char *folder, const char *key)
{
    struct va_sound sound;
    int r = va_speech_cache_get(folder, key, &sound);

    if (r == 0) {
        assert_int_equal(sound.n, 500);
        assert_int_equal(sound.pcm[2], 3);
        va_sound_free(&sound);
    }
    return r == 0;
}

/* Makes the file as old as that. */
static void set_age(const char *folder, const char *key, long seconds)
{
    char name[VA_SPEECH_KEY_BYTES + 4];
    struct timespec times[2] = {{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};

    snprintf(name, sizeof name, "%s.wav", key);
    assert_int_equal(utimensat(-1, temporary_path(folder, name), times, 0), 0);
}

static void test_the_least_recently_used_go(void **state)
{
    char folder[256], cache[300], a[VA_SPEECH_KEY_BYTES], b[VA_SPEECH_KEY_BYTES], c[VA_SPEECH_KEY_BYTES];

    assert_int_equal(temporary_make(folder), 0);
    snprintf(cache, sizeof cache, "%s/cache", folder);
    put(cache, 2200, "a", a);
    set_age(cache, a, 200);
    put(cache, 2200, "b", b);
    set_age(cache, b, 100);
    assert_int_equal(temporary_write(temporary_path(cache, "other.wav"), "not ours"), 0);
    assert_true(is_there(cache, a)); /* used */
    put(cache, 2200, "c", c);
    assert_true(is_there(cache, a));
    assert_false(is_there(cache, b));
    assert_true(is_there(cache, c));
    assert_true(va_file_exists(temporary_path(cache, "other.wav")));
    put(cache, 1, "b", b); /* nothing has room */
    assert_false(is_there(cache, a) || is_there(cache, b) || is_there(cache, c));
    temporary_remove(folder);
}

static void test_a_damaged_file_is_removed(void **state)
{
    char folder[256], key[VA_SPEECH_KEY_BYTES], name[VA_SPEECH_KEY_BYTES + 4];
    struct stat info;

    assert_int_equal(temporary_make(folder), 0);
    put(folder, 1 << 20, "a", key);
    snprintf(name, sizeof name, "%s.wav", key);
    assert_int_equal(stat(temporary_path(folder, name), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(temporary_write(temporary_path(folder, name), "RIFF and no more"), 0);
    assert_false(is_there(folder, key));
    assert_false(va_file_exists(temporary_path(folder, name)));
    temporary_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_are_split_and_filled),
        cmocka_unit_test(test_the_least_recently_used_go),
        cmocka_unit_test(test_a_damaged_file_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
