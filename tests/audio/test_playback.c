/* Playing without hardware: ALSA's null plugin is the device, and what hardware does is stood in for by wrapping libasound's functions. */
#include "audio/playback.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <alsa/asoundlib.h>

#include "base/memory.h"

#define N 16000

static struct {
    size_t written;
    int writes, fail_at, failure; /* the write that fails, and how; a device that is gone stays so */
    size_t stop_at;               /* samples after which somebody stops; 0: nobody */
    int takes_nothing, drains, drops;
    _Atomic int stop;
} device;
static int16_t pcm[N];

snd_pcm_sframes_t __wrap_snd_pcm_writei(snd_pcm_t *handle, const void *buffer, snd_pcm_uframes_t size);
int __wrap_va_alsa_wait(snd_pcm_t *handle, int timeout);
int __wrap_snd_pcm_drop(snd_pcm_t *handle);
int __wrap_snd_pcm_drain(snd_pcm_t *handle);
snd_pcm_state_t __wrap_snd_pcm_state(snd_pcm_t *handle);

snd_pcm_sframes_t __wrap_snd_pcm_writei(snd_pcm_t *handle, const void *buffer, snd_pcm_uframes_t size)
{
    if (++device.writes == device.fail_at || (device.failure == -ENODEV && device.writes > device.fail_at))
        return device.failure;
    assert_true(device.written + size <= N);
    assert_int_equal(((const int16_t *)buffer)[0], pcm[device.written]);
    device.written += size;
    if (device.stop_at > 0 && device.written >= device.stop_at)
        atomic_store(&device.stop, 1);
    return (snd_pcm_sframes_t)size;
}

int __wrap_va_alsa_wait(snd_pcm_t *handle, int timeout)
{
    return device.takes_nothing ? 0 : 1;
}

int __wrap_snd_pcm_drop(snd_pcm_t *handle)
{
    device.drops++;
    return 0;
}

int __wrap_snd_pcm_drain(snd_pcm_t *handle)
{
    device.drains++;
    return -EAGAIN;
}

/* A buffer that would take for ever: somebody stops. */
snd_pcm_state_t __wrap_snd_pcm_state(snd_pcm_t *handle)
{
    if (device.stop_at == 0)
        return SND_PCM_STATE_SETUP;
    atomic_store(&device.stop, 1);
    return SND_PCM_STATE_DRAINING;
}

static int play(va_error *error)
{
    va_playback *playback = NULL;

    for (int i = 0; i < N; i++)
        pcm[i] = (int16_t)i;
    assert_int_equal(va_playback_open("null", &playback, error), 0);
    int r = va_playback_run(playback, pcm, N, &device.stop, error);
    va_playback_free(playback);
    return r;
}

static int reset(void **state)
{
    memset(&device, 0, sizeof device);
    return 0;
}

static void test_all_of_it_is_played(void **state)
{
    assert_int_equal(play(NULL), 0);
    assert_int_equal(device.written, N);
    assert_int_equal(device.drains, 1);
}

static void test_stopping(void **state)
{
    device.stop_at = 1000;
    assert_int_equal(play(NULL), VA_ECANCELLED);
    assert_in_range(device.written, 1000, 1319); /* not a block more */
    assert_int_equal(device.drains, 0);
    assert_int_equal(device.drops, 1);
    reset(NULL);
    device.stop_at = 2 * N; /* while the device plays what it has */
    assert_int_equal(play(NULL), VA_ECANCELLED);
    assert_int_equal(device.written, N);
    assert_int_equal(device.drops, 1);
}

static void test_trouble(void **state)
{
    va_error error;

    device.fail_at = 5;
    device.failure = -EPIPE; /* is survived */
    assert_int_equal(play(NULL), 0);
    assert_int_equal(device.written, N);
    reset(NULL);
    device.fail_at = 5;
    device.failure = -EAGAIN;
    assert_int_equal(play(NULL), 0);
    reset(NULL);
    device.fail_at = 5;
    device.failure = -ENODEV;
    assert_int_equal(play(&error), VA_EIO);
    assert_non_null(strstr(error.text, "stopped playing"));
    reset(NULL);
    device.takes_nothing = 1;
    assert_int_equal(play(&error), VA_EIO);
    assert_non_null(strstr(error.text, "takes no sound"));
}

static void test_opening(void **state)
{
    va_playback *playback = NULL;
    va_error error;

    assert_int_equal(va_playback_open("no_such_device", &playback, &error), VA_ENOTFOUND);
    va_memory_fail_after(1);
    assert_int_equal(va_playback_open("null", &playback, &error), VA_ENOMEM);
    va_memory_fail_after(0);
    assert_null(playback);
    va_playback_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_of_it_is_played, reset),
        cmocka_unit_test_setup(test_stopping, reset),
        cmocka_unit_test_setup(test_trouble, reset),
        cmocka_unit_test_setup(test_opening, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
