/* The list of devices. Sound cards are stood in for by wrapping libasound's functions; what is opened is the device of the tests. */
#include "audio/devices.h"

#include <errno.h>

#include "base/memory.h"
#include "fault_device.h"

static struct fault_device device;
static int n_cards;

#define WRAP(type, name, ...) type __wrap_##name(__VA_ARGS__)

WRAP(int, snd_card_next, int *card);
WRAP(int, snd_ctl_open, snd_ctl_t **control, const char *name, int mode);
WRAP(int, snd_ctl_close, snd_ctl_t *control);
WRAP(int, snd_ctl_pcm_next_device, snd_ctl_t *control, int *number);
WRAP(int, snd_ctl_card_info, snd_ctl_t *control, snd_ctl_card_info_t *info);
WRAP(int, snd_ctl_pcm_info, snd_ctl_t *control, snd_pcm_info_t *info);
WRAP(const char *, snd_ctl_card_info_get_id, const snd_ctl_card_info_t *info);
WRAP(const char *, snd_ctl_card_info_get_name, const snd_ctl_card_info_t *info);
WRAP(const char *, snd_pcm_info_get_name, const snd_pcm_info_t *info);

int __wrap_snd_card_next(int *card)
{
    *card = *card + 1 < n_cards ? *card + 1 : -1;
    return 0;
}

/* The second card is broken. */
int __wrap_snd_ctl_open(snd_ctl_t **control, const char *name, int mode)
{
    *control = NULL;
    return strcmp(name, "hw:1") == 0 ? -EIO : 0;
}

int __wrap_snd_ctl_close(snd_ctl_t *control)
{
    return 0;
}

int __wrap_snd_ctl_pcm_next_device(snd_ctl_t *control, int *number)
{
    *number = *number + 1 < 2 ? *number + 1 : -1;
    return 0;
}

int __wrap_snd_ctl_card_info(snd_ctl_t *control, snd_ctl_card_info_t *info)
{
    return 0;
}

/* The second device of a card only plays. */
int __wrap_snd_ctl_pcm_info(snd_ctl_t *control, snd_pcm_info_t *info)
{
    return snd_pcm_info_get_device(info) == 1 && snd_pcm_info_get_stream(info) == SND_PCM_STREAM_CAPTURE ? -ENOENT : 0;
}

const char *__wrap_snd_ctl_card_info_get_id(const snd_ctl_card_info_t *info)
{
    return "Mic";
}

const char *__wrap_snd_ctl_card_info_get_name(const snd_ctl_card_info_t *info)
{
    return "A card";
}

const char *__wrap_snd_pcm_info_get_name(const snd_pcm_info_t *info)
{
    return "USB Audio";
}

static int set_up(void **state)
{
    fault_set_up(&device);
    FILE *file = fopen(device.config, "a");
    assert_non_null(file);
    fprintf(file, "pcm.room { type va_fault script \"%s\" hint { show on description \"The room\" } }\n", device.script);
    fprintf(file, "pcm.one_way { type asym capture.pcm { type va_fault } hint { show on description \"In\" } }\n");
    fprintf(file, "pcm.dmix { type va_fault hint { show on description \"Not listed\" } }\n");
    fprintf(file, "pcm.gone { type hw card \"gone\" hint { show on description \"Not there\" } }\n");
    fprintf(file, "pcm.plughw { @args [ CARD DEV ] @args.CARD { type string } @args.DEV { type integer } type va_fault script \"%s\" }\n",
            device.script);
    fclose(file);
    n_cards = 2;
    return 0;
}

static int tear_down(void **state)
{
    fault_tear_down(&device);
    return 0;
}

static const struct va_device *find(const struct va_device *devices, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(devices[i].name, name) == 0)
            return &devices[i];
    return NULL;
}

static void test_list(void **state)
{
    struct va_device *devices;
    size_t n;

    assert_int_equal(va_devices_list(VA_DEVICE_MICROPHONE, &devices, &n, NULL), 0);
    assert_int_equal(n, 3);
    assert_string_equal(find(devices, n, "room")->description, "The room");
    assert_int_equal(find(devices, n, "room")->is_hardware, 0);
    assert_non_null(find(devices, n, "one_way"));
    assert_string_equal(devices[2].name, "plughw:CARD=Mic,DEV=0");
    assert_string_equal(devices[2].description, "A card, USB Audio");
    assert_int_equal(devices[2].is_hardware, 1);
    assert_int_equal(devices[2].status, 0);
    va_devices_free(devices, n);
    assert_int_equal(va_devices_list(VA_DEVICE_LOUDSPEAKER, &devices, &n, NULL), 0);
    assert_int_equal(n, 3);
    assert_null(find(devices, n, "one_way"));
    assert_non_null(find(devices, n, "plughw:CARD=Mic,DEV=1"));
    va_devices_free(devices, n);
}

static void test_problems(void **state)
{
    static const struct {
        const char *script;
        int status;
    } cases[] = {{"busy\n", VA_EBUSY}, {"denied\n", VA_EDENIED}};
    struct va_device *devices;
    size_t n;

    for (size_t i = 0; i < 2; i++) {
        fault_script(&device, cases[i].script);
        assert_int_equal(va_devices_list(VA_DEVICE_MICROPHONE, &devices, &n, NULL), 0);
        assert_int_equal(find(devices, n, "room")->status, cases[i].status);
        va_devices_free(devices, n);
    }
    fault_script(&device, "missing\n");
    n_cards = 0;
    assert_int_equal(va_devices_list(VA_DEVICE_MICROPHONE, &devices, &n, NULL), 0);
    assert_int_equal(n, 1); /* the one without the script */
    va_devices_free(devices, n);
}

static void test_many(void **state)
{
    struct va_device *devices;
    size_t n;

    n_cards = 1000;
    assert_int_equal(va_devices_list(VA_DEVICE_LOUDSPEAKER, &devices, &n, NULL), 0);
    assert_int_equal(n, VA_DEVICES_MAX);
    va_devices_free(devices, n);
}

static void test_no_memory(void **state)
{
    struct va_device *devices = NULL;
    size_t n = 0;
    int r = VA_ENOMEM;

    for (size_t i = 1; r != 0; i++) {
        assert_null(devices);
        va_memory_fail_after(i);
        r = va_devices_list(VA_DEVICE_MICROPHONE, &devices, &n, NULL);
        va_memory_fail_after(0);
        assert_true(r == 0 || r == VA_ENOMEM);
        assert_true(i < 20);
    }
    va_devices_free(devices, n);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(test_list), TEST(test_problems), TEST(test_many), TEST(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
