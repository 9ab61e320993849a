/* mixer_ctl.c - an ALSA control device whose elements stand in a file, a line each: NAME|VALUE|LARGEST. A name that ends in Switch is on or
 * off; LARGEST 0 is an element that takes no value. What is set is written to the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alsa/asoundlib.h>
#include <alsa/control_external.h>

#define MAX_ELEMENTS 8

struct mixer {
    snd_ctl_ext_t ext;
    char file[128];
    struct {
        char name[44];
        long value, largest;
    } elements[MAX_ELEMENTS]; /* [n] */
    int n;
};

static int read_file(struct mixer *mixer)
{
    FILE *file = fopen(mixer->file, "r");

    if (file == NULL)
        return -ENOENT;
    while (mixer->n < MAX_ELEMENTS && fscanf(file, " %43[^|]|%ld|%ld", mixer->elements[mixer->n].name, &mixer->elements[mixer->n].value,
                                             &mixer->elements[mixer->n].largest) == 3)
        mixer->n++;
    fclose(file);
    return 0;
}

static int elem_count(snd_ctl_ext_t *ext)
{
    return ((struct mixer *)ext->private_data)->n;
}

static int elem_list(snd_ctl_ext_t *ext, unsigned int offset, snd_ctl_elem_id_t *id)
{
    struct mixer *mixer = ext->private_data;

    snd_ctl_elem_id_set_interface(id, SND_CTL_ELEM_IFACE_MIXER);
    snd_ctl_elem_id_set_name(id, mixer->elements[offset].name);
    return 0;
}

static snd_ctl_ext_key_t find_elem(snd_ctl_ext_t *ext, const snd_ctl_elem_id_t *id)
{
    struct mixer *mixer = ext->private_data;

    for (int i = 0; i < mixer->n; i++)
        if (strcmp(mixer->elements[i].name, snd_ctl_elem_id_get_name(id)) == 0)
            return (snd_ctl_ext_key_t)i;
    return SND_CTL_EXT_KEY_NOT_FOUND;
}

static int get_attribute(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, int *type, unsigned int *access, unsigned int *count)
{
    const char *name = ((struct mixer *)ext->private_data)->elements[key].name;
    size_t length = strlen(name);

    *type = length > 6 && strcmp(name + length - 6, "Switch") == 0 ? SND_CTL_ELEM_TYPE_BOOLEAN : SND_CTL_ELEM_TYPE_INTEGER;
    *access = SND_CTL_EXT_ACCESS_READWRITE;
    *count = 1;
    return 0;
}

static int get_integer_info(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *min, long *max, long *step)
{
    *min = 0;
    *max = ((struct mixer *)ext->private_data)->elements[key].largest;
    *step = 1;
    return 0;
}

static int read_integer(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *value)
{
    *value = ((struct mixer *)ext->private_data)->elements[key].value;
    return 0;
}

static int write_integer(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *value)
{
    struct mixer *mixer = ext->private_data;

    if (strncmp(mixer->elements[key].name, "Broken", 6) == 0)
        return -EIO;
    mixer->elements[key].value = *value;
    FILE *file = fopen(mixer->file, "w");
    if (file == NULL)
        return -EIO;
    for (int i = 0; i < mixer->n; i++)
        fprintf(file, "%s|%ld|%ld\n", mixer->elements[i].name, mixer->elements[i].value, mixer->elements[i].largest);
    fclose(file);
    return 1;
}

static int read_event(snd_ctl_ext_t *ext, snd_ctl_elem_id_t *id, unsigned int *mask)
{
    return -EAGAIN;
}

static void close_mixer(snd_ctl_ext_t *ext)
{
    free(ext->private_data);
}

static const snd_ctl_ext_callback_t callbacks = {
    .close = close_mixer,
    .elem_count = elem_count,
    .elem_list = elem_list,
    .find_elem = find_elem,
    .get_attribute = get_attribute,
    .get_integer_info = get_integer_info,
    .read_integer = read_integer,
    .write_integer = write_integer,
    .read_event = read_event,
};

SND_CTL_PLUGIN_DEFINE_FUNC(va_mixer)
{
    struct mixer *mixer = calloc(1, sizeof *mixer);
    snd_config_t *file;
    const char *path;

    if (mixer == NULL)
        return -ENOMEM;
    int r = snd_config_search(conf, "file", &file);
    if (r >= 0 && (r = snd_config_get_string(file, &path)) >= 0) {
        snprintf(mixer->file, sizeof mixer->file, "%s", path);
        r = read_file(mixer);
    }
    if (r >= 0) {
        mixer->ext.version = SND_CTL_EXT_VERSION;
        mixer->ext.callback = &callbacks;
        mixer->ext.private_data = mixer;
        mixer->ext.poll_fd = -1;
        snprintf(mixer->ext.id, sizeof mixer->ext.id, "mixer");
        snprintf(mixer->ext.name, sizeof mixer->ext.name, "mixer");
        r = snd_ctl_ext_create(&mixer->ext, name, mode);
    }
    if (r < 0) {
        free(mixer);
        return r;
    }
    *handlep = mixer->ext.handle;
    return 0;
}

SND_CTL_PLUGIN_SYMBOL(va_mixer);
