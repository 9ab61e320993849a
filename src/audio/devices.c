#include "audio/devices.h"

#include <errno.h>
#include <string.h>

#include "audio/alsa.h"
#include "base/memory.h"

#define NAME_BYTES 64

struct list {
    struct va_device *devices; /* [VA_DEVICES_MAX], n of them */
    size_t n;
    snd_pcm_stream_t stream;
};

/* Parts of cards, and the wiring inside ALSA: what is of use among them comes with the cards. */
static const char *const not_listed[] = {"null",     "hw",         "plughw",    "sysdefault", "front",    "rear",   "side",  "center_lfe",
                                         "surround", "iec958",     "spdif",     "hdmi",       "dmix",     "dsnoop", "modem", "phoneline",
                                         "lavrate",  "samplerate", "speexrate", "upmix",      "vdownmix", "speex",  "oss",   "usbstream"};

static int is_listed(const char *name)
{
    size_t n = strcspn(name, ":0123456789");

    for (size_t i = 0; i < sizeof not_listed / sizeof not_listed[0]; i++)
        if (strlen(not_listed[i]) == n && strncmp(not_listed[i], name, n) == 0)
            return 0;
    return 1;
}

/* One line: the hints have two. */
static void straighten(char *text)
{
    for (char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
}

/* 0, VA_EBUSY, VA_EDENIED, VA_EIO, or VA_ENOTFOUND. */
static int try_device(const char *name, snd_pcm_stream_t stream)
{
    snd_pcm_t *pcm;
    int r = snd_pcm_open(&pcm, name, stream, SND_PCM_NONBLOCK);

    if (r < 0)
        return r == -EBUSY ? VA_EBUSY : r == -EACCES || r == -EPERM ? VA_EDENIED : r == -EIO ? VA_EIO : VA_ENOTFOUND;
    snd_pcm_close(pcm);
    return 0;
}

/* Adds the device if it is there. 0 or VA_ENOMEM. */
static int add(struct list *list, const char *name, const char *description, int is_hardware)
{
    int status = try_device(name, list->stream);

    if (list->n == VA_DEVICES_MAX || status == VA_ENOTFOUND)
        return 0;
    struct va_device device = {va_strdup(name), va_strdup(description), is_hardware, status};
    if (device.name == NULL || device.description == NULL) {
        va_free(device.name);
        va_free(device.description);
        return VA_ENOMEM;
    }
    straighten(device.description);
    list->devices[list->n++] = device;
    return 0;
}

/* What libasound has allocated is freed as ours is. */
static int add_hint(struct list *list, const void *hint)
{
    char *name = snd_device_name_get_hint(hint, "NAME");
    char *description = snd_device_name_get_hint(hint, "DESC");
    char *direction = snd_device_name_get_hint(hint, "IOID"); /* NULL: both */
    const char *other = list->stream == SND_PCM_STREAM_CAPTURE ? "Output" : "Input";
    int r = 0;

    if (name != NULL && is_listed(name) && (direction == NULL || strcmp(direction, other) != 0))
        r = add(list, name, description != NULL ? description : "", 0);
    va_free(name);
    va_free(description);
    va_free(direction);
    return r;
}

static int add_hints(struct list *list)
{
    void **hints;
    int r = 0;

    if (snd_device_name_hint(-1, "pcm", &hints) < 0)
        return 0;
    for (void **hint = hints; r == 0 && *hint != NULL; hint++)
        r = add_hint(list, *hint);
    snd_device_name_free_hint(hints);
    return r;
}

/* By the name of the card, which stays when others come and go. */
static int add_card_device(struct list *list, snd_ctl_t *card, int device)
{
    snd_ctl_card_info_t *card_info;
    snd_pcm_info_t *info;
    char name[NAME_BYTES];

    snd_ctl_card_info_alloca(&card_info);
    snd_pcm_info_alloca(&info);
    snd_pcm_info_set_device(info, (unsigned)device);
    snd_pcm_info_set_stream(info, list->stream);
    if (snd_ctl_card_info(card, card_info) < 0 || snd_ctl_pcm_info(card, info) < 0)
        return 0; /* it has no such direction */
    snprintf(name, sizeof name, "plughw:CARD=%s,DEV=%d", snd_ctl_card_info_get_id(card_info), device);
    char *description = va_asprintf("%s, %s", snd_ctl_card_info_get_name(card_info), snd_pcm_info_get_name(info));
    if (description == NULL)
        return VA_ENOMEM;
    int r = add(list, name, description, 1);
    va_free(description);
    return r;
}

static int add_cards(struct list *list)
{
    char name[NAME_BYTES];
    snd_ctl_t *control;
    int r = 0;

    for (int card = -1; r == 0 && snd_card_next(&card) == 0 && card >= 0;) {
        snprintf(name, sizeof name, "hw:%d", card);
        if (snd_ctl_open(&control, name, SND_CTL_NONBLOCK) < 0)
            continue;
        for (int device = -1; r == 0 && snd_ctl_pcm_next_device(control, &device) == 0 && device >= 0;)
            r = add_card_device(list, control, device);
        snd_ctl_close(control);
    }
    return r;
}

int va_devices_list(enum va_device_kind kind, struct va_device **ret_devices, size_t *ret_n, va_error *error)
{
    struct list list = {.stream = kind == VA_DEVICE_MICROPHONE ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK};

    va_alsa_stay_silent();
    list.devices = va_calloc(VA_DEVICES_MAX, sizeof *list.devices);
    if (list.devices == NULL)
        return va_fail_memory(error);
    if (add_hints(&list) < 0 || add_cards(&list) < 0) {
        va_devices_free(list.devices, list.n);
        return va_fail_memory(error);
    }
    *ret_devices = list.devices;
    *ret_n = list.n;
    return 0;
}

void va_devices_free(struct va_device *devices, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        va_free(devices[i].name);
        va_free(devices[i].description);
    }
    va_free(devices);
}
