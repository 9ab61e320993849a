/* The published models on recordings. Outputs were had once from pymicro-wakeword 2.5.0 (x86-64): MicroWakeWordFeatures and
 * MicroWakeWord.process_streaming_prob, the last probability of every third frame, times 256; all recordings one after the other, each
 * with a new state. Their FNV-1a hash is kept. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sndfile.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "shared_data.h"
#include "wake/wake.h"
#include "whisper_fixture.h"

enum { STEP = VA_WAKE_STEP_SAMPLES, MAX_SECONDS = 200 };

static const struct clip {
    const char *name;
    int said; /* how often alexa is heard in it */
} clips[] = {
    {"wakeword_picovoice/alexa_0.flac", 1},
    {"wakeword_picovoice/alexa_115.flac", 0}, /* one of the hardest: 1 with a sensitivity of 0.75 */
    {"wakeword_picovoice/alexa_320.flac", 1},
    {"wakeword_picovoice/jarvis_00aba123-ae3a-4e0a-8603-9f7277b7d41f.flac", 0},
    {"wakeword_picovoice/computer_0f578372-6736-42b5-8b8d-c22ded52273d.flac", 0},
    {"noise/kitchen.flac", 0},
    {"noise/babble_4talkers.flac", 0},
    {"librispeech/test-other_2033-164914-0002.flac", 0},
    {"misc_read/jfk.wav", 0},
};
enum { CLIPS = sizeof clips / sizeof clips[0] };

static va_wake_model *open_model(const char *name)
{
    char path[FIXTURE_PATH_SIZE];
    va_wake_model *model;
    va_error error;

    fixture_model(name, "", path);
    if (va_wake_model_open(path, &model, &error) < 0)
        fail_msg("%s", error.text);
    return model;
}

/* 16 kHz mono; va_free. NULL: it is not there. */
static int16_t *read_clip(const char *name, size_t *ret_n)
{
    char path[512];
    SF_INFO info = {0};

    if (!find_shared_data(name, path))
        return NULL;
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    assert_non_null(file);
    assert_int_equal(info.channels, 1);
    assert_true(info.frames < MAX_SECONDS * VA_WAKE_RATE_HZ);
    int16_t *pcm = va_alloc((size_t)info.frames, sizeof *pcm);
    assert_non_null(pcm);
    assert_int_equal(sf_read_short(file, pcm, info.frames), info.frames);
    sf_close(file);
    *ret_n = (size_t)info.frames;
    return pcm;
}

static uint64_t hash_outputs(const struct va_wake_network *network, const int16_t *pcm, size_t n, uint64_t hash, int *ret_count)
{
    int8_t frames[VA_WAKE_MAX_STEP][VA_WAKE_CHANNELS], *memory = va_alloc(network->state_bytes, 1);
    uint16_t frame[VA_WAKE_CHANNELS];
    va_wake_features *features = NULL;
    int filled = 0;

    assert_non_null(memory);
    assert_int_equal(va_wake_features_new(&features, NULL), 0);
    va_wake_network_reset(network, memory);
    for (size_t i = 0; i + STEP <= n; i += STEP) {
        if (!va_wake_features_push(features, pcm + i, frame))
            continue;
        va_wake_network_quantize(network, frame, frames[filled++]);
        if (filled < network->step)
            continue;
        filled = 0;
        hash = (hash ^ va_wake_network_run(network, memory, frames[0])) * 1099511628211u;
        ++*ret_count;
    }
    va_wake_features_free(features);
    va_free(memory);
    return hash;
}

static void outputs_are_those_of_the_package(void **state)
{
    static const struct {
        const char *model;
        uint64_t hash;
    } expected[] = {
        {"wake-alexa", UINT64_C(0x4a9057d74cc1dd47)},
        {"wake-hey_jarvis", UINT64_C(0x59f1e12f2a074be4)},
        {"wake-hey_mycroft", UINT64_C(0xd33be1223b972631)},
        {"wake-okay_nabu", UINT64_C(0xdcf9d32fda96f7ba)},
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        va_wake_model *model = open_model(expected[i].model);
        uint64_t hash = 14695981039346656037u;
        int count = 0;
        for (int j = 0; j < CLIPS; j++) {
            size_t n;
            int16_t *pcm = read_clip(clips[j].name, &n);
            if (pcm == NULL) {
                va_wake_model_free(model);
                skip();
            }
            hash = hash_outputs(va_wake_model_network(model), pcm, n, hash, &count);
            va_free(pcm);
        }
        va_wake_model_free(model);
        assert_int_equal(count, 7223);
        assert_true(hash == expected[i].hash);
    }
}

static void count(void *user, const struct va_wake_event *event)
{
    assert_true(event->start < event->end);
    ++*(int *)user;
}

static int events_in(va_wake *wake, const int16_t *pcm, size_t n)
{
    int events = 0;

    va_wake_reset(wake);
    for (size_t i = 0; i < n; i++) {
        float x = (float)pcm[i] / 32768.0f;
        va_wake_push(wake, &x, 1, count, &events);
    }
    return events;
}

static void words_are_heard(void **state)
{
    va_wake_model *model = open_model("wake-alexa");
    const struct va_wake_word word = {model, 0.5f};
    va_wake *wake;

    assert_string_equal(va_wake_model_word(model), "Alexa");
    assert_string_equal(va_wake_model_languages(model), "en");
    assert_int_equal(va_wake_new(&word, 1, &wake, NULL), 0);
    for (int i = 0; i < CLIPS; i++) {
        size_t n;
        int16_t *pcm = read_clip(clips[i].name, &n);
        if (pcm == NULL)
            break;
        if (events_in(wake, pcm, n) != clips[i].said)
            fail_msg("%s", clips[i].name);
        assert_int_equal(va_wake_set_sensitivity(wake, 0, 0.75f, NULL), 0);
        if (i < 3)
            assert_int_equal(events_in(wake, pcm, n), 1);
        assert_int_equal(va_wake_set_sensitivity(wake, 0, 0.5f, NULL), 0);
        va_free(pcm);
    }
    va_wake_free(wake);
    va_wake_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(outputs_are_those_of_the_package), cmocka_unit_test(words_are_heard)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
