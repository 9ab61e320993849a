/* fault_device.h - the device "va_test" of tests/doubles/fault_pcm.c, with its script, in a folder of its own. */
#ifndef VA_TESTS_FAULT_DEVICE_H
#define VA_TESTS_FAULT_DEVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <alsa/asoundlib.h>

struct fault_device {
    char folder[64], config[80], script[80], played[80];
};

static inline void fault_script(const struct fault_device *device, const char *text)
{
    char draft[96];

    snprintf(draft, sizeof draft, "%s.new", device->script);
    FILE *file = fopen(draft, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(rename(draft, device->script), 0);
}

/* va_test plays into device->played and records a tone; va_test_far is the same, 100 ms away. */
static inline void fault_set_up(struct fault_device *device)
{
    snprintf(device->folder, sizeof device->folder, "/tmp/va-fault-XXXXXX");
    assert_non_null(mkdtemp(device->folder));
    snprintf(device->config, sizeof device->config, "%s/conf", device->folder);
    snprintf(device->script, sizeof device->script, "%s/script", device->folder);
    snprintf(device->played, sizeof device->played, "%s/raw", device->folder);
    FILE *file = fopen(device->config, "w");
    assert_non_null(file);
    fprintf(file, "pcm_type.va_fault { lib \"%s\" }\n", VA_FAULT_PCM);
    fprintf(file, "pcm.va_test { type va_fault script \"%s\" }\n", device->script);
    fprintf(file, "pcm.va_out { type va_fault script \"%s\" file \"%s\" delay 100 }\n", device->script, device->played);
    fclose(file);
    setenv("ALSA_CONFIG_PATH", device->config, 1);
    fault_script(device, "");
}

static inline void fault_tear_down(struct fault_device *device)
{
    snd_config_update_free_global();
    unlink(device->config);
    unlink(device->script);
    unlink(device->played);
    rmdir(device->folder);
}

/* What has been played; free() it. */
static inline int16_t *fault_played(const struct fault_device *device, size_t *ret_n)
{
    FILE *file = fopen(device->played, "r");
    int16_t *pcm = malloc(1 << 22);

    assert_non_null(pcm);
    *ret_n = file != NULL ? fread(pcm, 2, 1 << 21, file) : 0;
    if (file != NULL)
        fclose(file);
    return pcm;
}

#endif
