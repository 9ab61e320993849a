#include "speech/support.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

/* What the file holds. */
static void read_wav(const char *path, struct va_sound *ret_sound)
{
    va_error error;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    if (va_sound_read(fd, path, ret_sound, &error) < 0)
        fail_msg("%s", error.text);
}

static void test_every_form_of_sound_arrives(void **state)
{
    static const char *const modes[] = {"wav 16000 1 16 true",
                                        "wav 22050 1 16 stream",
                                        "wav 48000 2 24 true",
                                        "wav 8000 1 8 zero",
                                        "wav 44100 2 32 all",
                                        "wav 16000 1 16 zero",
                                        "deaf",
                                        "child"};
    char folder[256], command[512], output[300];

    assert_int_equal(temporary_make(folder), 0);
    snprintf(output, sizeof output, "wav:%s/out.wav", folder);
    for (size_t i = 0; i < COUNT(modes); i++) {
        struct told told = {0};
        struct va_speaker_options options = options_for(modes[i], command, &told);
        struct va_sound sound;
        options.output = output;
        va_speaker *speaker = new_speaker(&options);
        say(speaker, "123456789", 0); /* and the line's end */
        assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
        va_speaker_free(speaker);
        if (told.failed)
            fail_msg("%s: %s", modes[i], told.error.text);
        assert_int_equal(told.started, 1);
        assert_int_equal(told.ended, 1);
        read_wav(output + 4, &sound);
        assert_in_range(sound.n, 999, 1001);
        assert_in_range(sound.pcm[sound.n / 2], 16200, 16600);
        va_sound_free(&sound);
        struct stat info;
        assert_int_equal(stat(output + 4, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    temporary_remove(folder);
}

static void test_what_misbehaves_is_told_and_ended(void **state)
{
    static const struct {
        const char *mode;
        double timeout_s;
        int code;
        const char *text;
    } rows[] = {{"hang", 0.2, VA_ETIMEOUT, "did not speak within 0.2 s"},
                {"silent", 0.2, VA_ETIMEOUT, "did not speak"},
                {"flood", WAIT_S, VA_ELIMIT, "more than 28 MB"},
                {"long", WAIT_S, VA_ELIMIT, "300 s"},
                {"die", WAIT_S, VA_EFAILED, "status 134"},
                {"garbage", WAIT_S, VA_EUNSUPPORTED, ""},
                {"empty", WAIT_S, VA_EFORMAT, ""}};
    char command[512];

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct told told = {0};
        struct va_speaker_status status;
        struct va_speaker_options options = options_for(rows[i].mode, command, &told);
        options.timeout_s = rows[i].timeout_s;
        va_speaker *speaker = new_speaker(&options);
        say(speaker, "hello", 0);
        assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
        va_speaker_get_status(speaker, &status);
        va_speaker_free(speaker);
        assert_int_equal(told.failed, 1);
        assert_int_equal(told.started, 0);
        assert_int_equal(status.failed, 1);
        if (told.error.code != rows[i].code || strstr(told.error.text, rows[i].text) == NULL)
            fail_msg("%s: %d %s", rows[i].mode, told.error.code, told.error.text);
    }
}

static void test_stop_ends_the_program_and_the_queue(void **state)
{
    struct told told = {0};
    struct va_speaker_status status;
    char command[512];
    const struct va_speaker_options options = options_for("hang", command, &told);
    va_speaker *speaker = new_speaker(&options);

    va_speaker_stop(speaker); /* nothing to stop */
    say(speaker, "one", 0);
    wait_for_program(speaker);
    say(speaker, "two", 0);
    say(speaker, "three", 0);
    va_speaker_get_status(speaker, &status);
    assert_int_equal(status.speaking, 1);
    assert_int_equal(status.queued, 2);
    assert_int_equal(va_speaker_wait(speaker, 0), VA_ETIMEOUT);
    va_speaker_stop(speaker);
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    va_speaker_get_status(speaker, &status);
    assert_int_equal(status.stopped, 3);
    assert_int_equal(status.said + status.failed + status.queued, 0);
    assert_int_equal(told.failed + told.started, 0);
    say(speaker, "four", 0); /* it goes on, and is ended by the speaker's end */
    va_speaker_free(speaker);
}

static void test_queue_is_bounded(void **state)
{
    char command[512];
    const struct va_speaker_options options = options_for("hang", command, NULL);
    const struct va_utterance utterance = {.text = "x"};
    va_speaker *speaker = new_speaker(&options);
    va_error error;

    say(speaker, "one", 0);
    wait_for_program(speaker);
    for (int i = 0; i < VA_SPEECH_MAX_QUEUE; i++)
        say(speaker, "more", 0);
    assert_int_equal(va_speaker_say(speaker, &utterance, &error), VA_EBUSY);
    va_speaker_free(speaker);
}

static void test_a_folder_gets_a_file_a_text(void **state)
{
    char folder[256], command[512], output[300];
    struct va_speaker_options options = options_for("wav 16000 1 16 stream", command, NULL);

    assert_int_equal(temporary_make(folder), 0);
    snprintf(output, sizeof output, "wav:%s", folder);
    options.output = output;
    va_speaker *speaker = new_speaker(&options);
    say(speaker, "one", 0);
    say(speaker, "and two", 0);
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    va_speaker_free(speaker);
    assert_true(va_file_exists(temporary_path(folder, "000001.wav")));
    assert_true(va_file_exists(temporary_path(folder, "000002.wav")));
    assert_false(va_file_exists(temporary_path(folder, "000003.wav")));
    temporary_remove(folder);
}

static void count_samples(void *user, const int16_t *pcm, size_t n, uint64_t heard_ns)
{
    *(size_t *)user += n;
}

static void test_devices(void **state)
{
    size_t heard = 0;
    struct told told = {0};
    char command[512];
    struct va_speaker_options options = options_for("wav 22050 1 16 stream", command, &told);
    options.on_sound = count_samples;
    options.sound_user = &heard;
    va_speaker *speaker = new_speaker(&options); /* ALSA's own device that takes everything */

    say(speaker, "hello", 0);
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    va_speaker_free(speaker);
    if (told.failed)
        fail_msg("%s", told.error.text);
    assert_int_equal(told.started, 1);
    assert_int_equal(told.ended, 1);
    assert_true(heard > 0);

    options.device = "no_such_device";
    speaker = new_speaker(&options);
    say(speaker, "hello", 0);
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    va_speaker_free(speaker);
    assert_int_equal(told.failed, 1);
    assert_int_equal(told.started, 1);
    assert_int_equal(told.error.code, VA_ENOTFOUND);
}

/* Two at once, beside one that is said; the program is called as for what is said. */
static void *render_one(void *user)
{
    const struct va_utterance utterance = {.text = "123456789"};
    int16_t *pcm;
    size_t n = 0;

    if (va_speaker_render(user, &utterance, -1, &pcm, &n, NULL) == 0)
        va_free(pcm);
    return (void *)(uintptr_t)n;
}

static void test_sound_for_the_caller(void **state)
{
    static const char header[] = "RIFF\xf4\x07\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\xd0\x07\0";
    char folder[256], command[512], output[300];
    struct va_speaker_options options = options_for("wav 22050 1 16 stream", command, NULL);
    struct va_utterance utterance = {.text = "123456789", .speed = 1.5};
    uint8_t wav[VA_SPEECH_WAV_HEADER_BYTES];
    struct va_speaker_status status;
    pthread_t threads[2];
    int16_t *pcm = NULL;
    size_t n = 0;
    void *got;
    va_error error;

    assert_int_equal(temporary_make(folder), 0);
    snprintf(output, sizeof output, "wav:%s", folder);
    options.output = output;
    va_speaker *speaker = new_speaker(&options);
    say(speaker, "aloud", 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, render_one, speaker), 0);
    if (va_speaker_render(speaker, &utterance, -1, &pcm, &n, &error) < 0)
        fail_msg("%s", error.text);
    assert_in_range(n, 999, 1001);
    assert_in_range(pcm[n / 2], 16200, 16600);
    va_free(pcm);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], &got);
        assert_in_range((uintptr_t)got, 999, 1001);
    }
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    va_speaker_get_status(speaker, &status);
    assert_int_equal(status.said, 1);
    assert_int_equal(status.programs, 4);
    va_speech_wav_header(1000, wav);
    assert_memory_equal(wav, header, sizeof wav);
    utterance.text = " ";
    assert_int_equal(va_speaker_render(speaker, &utterance, -1, &pcm, &n, &error), VA_EINVAL);
    va_speaker_free(speaker);
    temporary_remove(folder);
}

static void test_a_sound_is_given_up(void **state)
{
    char command[512];
    const struct va_speaker_options options = options_for("hang", command, NULL);
    const struct va_utterance utterance = {.text = "one"};
    va_speaker *speaker = new_speaker(&options);
    int ends[2];
    int16_t *pcm = NULL;
    size_t n = 0;
    va_error error;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(va_speaker_render(speaker, &utterance, ends[0], &pcm, &n, &error), VA_ECANCELLED);
    assert_null(pcm);
    close(ends[0]);
    close(ends[1]);
    va_speaker_free(speaker);
}

static void test_cache(void **state)
{
    char folder[256], command[512], cache[300], output[300];
    struct told told = {0};
    struct va_speaker_options options = options_for("wav 16000 1 16 true", command, &told);
    struct va_speaker_status status;

    assert_int_equal(temporary_make(folder), 0);
    snprintf(cache, sizeof cache, "%s/cache", folder);
    snprintf(output, sizeof output, "wav:%s", folder);
    options.output = output;
    options.cache_folder = cache;
    options.cache_max_bytes = 1 << 20;
    va_speaker *speaker = new_speaker(&options);
    say(speaker, "always the same", 1);
    say(speaker, "always the same", 1);
    say(speaker, "a secret", 0);
    say(speaker, "a secret", 0);
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    va_speaker_get_status(speaker, &status);
    va_speaker_free(speaker);
    assert_int_equal(status.said, 4);
    assert_int_equal(status.programs, 3);
    assert_int_equal(status.from_cache, 1);

    speaker = new_speaker(&options); /* it lasts */
    say(speaker, "always the same", 1);
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    va_speaker_get_status(speaker, &status);
    assert_int_equal(status.programs, 0);
    const struct va_utterance other = {.text = "always the same", .voice = "another", .fixed = 1};
    options.rate = 200;
    assert_int_equal(va_speaker_say(speaker, &other, NULL), 0);
    assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
    va_speaker_get_status(speaker, &status);
    assert_int_equal(status.programs, 0); /* this command does not ask for a voice */
    va_speaker_free(speaker);
    assert_int_equal(told.failed, 0);
    temporary_remove(folder);
}

static void test_wrong_texts_and_options(void **state)
{
    static const char *const texts[] = {"", " \n\t", "\xff\xfe", "half \xc3"}, *const voices[] = {"-x", "a/../b", "a\nb"},
                             *const outputs[] = {"file.wav", "wav:", "mp3:x"}, *const commands[] = {"", "  ", "\"a b", "./relative"};
    char command[512], large[VA_SPEECH_MAX_TEXT_BYTES + 2];
    struct va_speaker_options options = options_for("wav 16000 1 16 true", command, NULL);
    va_speaker *speaker = new_speaker(&options), *none = NULL;
    va_error error;

    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    struct va_utterance utterance = {.text = large};
    assert_int_equal(va_speaker_say(speaker, &utterance, &error), VA_EINVAL);
    for (size_t i = 0; i < COUNT(texts); i++) {
        utterance.text = texts[i];
        assert_int_equal(va_speaker_say(speaker, &utterance, &error), VA_EINVAL);
    }
    utterance.text = "x";
    for (size_t i = 0; i < COUNT(voices); i++) {
        utterance.voice = voices[i];
        assert_int_equal(va_speaker_say(speaker, &utterance, &error), VA_EINVAL);
    }
    va_speaker_free(speaker);
    for (size_t i = 0; i < COUNT(outputs); i++) {
        options.output = outputs[i];
        assert_int_equal(va_speaker_new(&options, &none, &error), VA_EINVAL);
    }
    options.output = "";
    for (size_t i = 0; i < COUNT(commands); i++) {
        options.command = commands[i];
        assert_int_equal(va_speaker_new(&options, &none, &error), VA_EINVAL);
    }
    options.command = "no-such-synthesiser --stdout";
    assert_int_equal(va_speaker_new(&options, &none, &error), VA_ENOTFOUND);
    assert_null(none);
    va_speaker_free(NULL);
}

static void test_out_of_memory(void **state)
{
    char folder[256], command[512], output[300];
    struct told told = {0};
    struct va_speaker_options options = options_for("wav 22050 1 16 stream", command, &told);
    const struct va_utterance utterance = {.text = "hello", .fixed = 1};
    struct va_speaker_status status = {0};
    va_error error;

    assert_int_equal(temporary_make(folder), 0);
    snprintf(output, sizeof output, "wav:%s", folder);
    options.output = output;
    options.cache_folder = folder;
    options.cache_max_bytes = 1; /* nothing stays */
    for (size_t n = 1; status.said == 0 && n < 500; n++) {
        va_speaker *speaker = NULL;
        va_memory_fail_after(n);
        int r = va_speaker_new(&options, &speaker, &error);
        if (r == 0)
            r = va_speaker_say(speaker, &utterance, &error);
        if (r == 0) {
            assert_int_equal(va_speaker_wait(speaker, WAIT_S), 0);
            va_speaker_get_status(speaker, &status);
        }
        va_memory_fail_after(0);
        va_speaker_free(speaker);
        assert_true(r == 0 || r == VA_ENOMEM);
        if (r == 0 && status.said == 0)
            assert_int_equal(told.error.code, VA_ENOMEM);
    }
    assert_int_equal(status.said, 1);
    temporary_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form_of_sound_arrives),
        cmocka_unit_test(test_what_misbehaves_is_told_and_ended),
        cmocka_unit_test(test_stop_ends_the_program_and_the_queue),
        cmocka_unit_test(test_queue_is_bounded),
        cmocka_unit_test(test_a_folder_gets_a_file_a_text),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_sound_for_the_caller),
        cmocka_unit_test(test_a_sound_is_given_up),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_wrong_texts_and_options),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
