/* An ALSA device for tests, below the ALSA API: it gives or takes sound at the pace of the clock, and fails as told.
 *
 * libasound_module_pcm_va_fault.so, an ioplug. A configuration that ALSA_CONFIG_PATH names uses it so:
 *
 *     pcm_type.va_fault { lib "/.../tests/doubles/libasound_module_pcm_va_fault.so" }
 *     pcm.va_test { type va_fault file "/tmp/said.raw" script "/tmp/script" }
 *
 * file FILE     recording: what is heard, S16_LE mono 16 kHz (without: a tone of 440 Hz, amplitude 0.4). It begins when the device starts,
 *               and is followed by noise of the lowest bit. Open as long as the device is.
 *               playing: what is played is appended to it, S16_LE, the first channel, at the rate of the device.
 * repeat 1      recording: the file again and again
 * delay MS      what snd_pcm_delay adds (playing), as of a long way to the loudspeaker
 * script FILE   its lines say what the device does; it may be replaced at any time (write another file and rename it):
 *
 *     missing          it cannot be opened, and is gone when it is open (ENODEV)
 *     busy, denied     it cannot be opened (EBUSY, EACCES)
 *     alone            it cannot be opened while it is open (EBUSY), as hardware without a mixer; needs a file
 *     rate HZ          the one rate that it has (16000); 0: any
 *     channels N       the one number of channels (1); 0: 1 to 32. The first has 1.5 times the sound, the second half of it, others once.
 *     format NAME      S16_LE, S32_LE, S24_LE, S24_3LE, FLOAT_LE, U8, ...: the one format (S16_LE). U8 and others have no sound.
 *     speed X          the clock of the device runs so many times as fast (1)
 *     gain X           of the sound (1); more than 1 / amplitude clips
 *     echo X           so much of what such devices play in the same process is heard too, when it is heard (after delay)
 *     silence          nothing but zeros
 *     one              a frame at a time
 *     stall            no sound comes or goes
 *     vanish N         N frames after the start it is gone (ENODEV); each opening counts anew
 *     xrun N           N frames after each start there is an overrun or underrun (EPIPE)
 *     suspend N        N frames after the start the machine has slept (ESTRPIPE), once for an opening
 *
 * rate, channels and format count when the device is opened, the rest at once. A missing script is an empty one. */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "doubles/fault_sound.h"

#define TICK_MS 5
#define FILE_HZ 16000
#define NEVER (-1.0)

struct script {
    int missing, busy, denied, alone, silence, one, stall;
    unsigned rate_hz, channels;
    snd_pcm_format_t format;
    double speed, gain, echo, vanish, xrun, suspend;
};

struct device {
    snd_pcm_ioplug_t io;
    char *script_path;
    struct script script;
    struct stat script_info; /* as it was read */
    int file, repeat;
    unsigned delay_ms;
    uint64_t done;         /* frames that were transferred, since it was opened; all frames count from there */
    uint64_t origin;       /* done when it was prepared: where libasound's pointers are 0 */
    double start_s;        /* when it was started, */
    double base;           /* where its clock stood then, */
    double started_at;     /* and the same, whatever happens later */
    double frames;         /* where its clock stood last */
    double stalled_frames; /* where its clock stood still; NEVER: it runs */
    uint64_t granted;      /* one: frames up to the one that poll has told */
    int has_slept;
};

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the script ---- */

static void take_line(struct script *script, const char *word, const char *value)
{
    const struct {
        const char *name;
        int *flag;
        double *number;
    } rows[] = {
        {"missing", &script->missing, NULL}, {"busy", &script->busy, NULL}, {"denied", &script->denied, NULL},
        {"silence", &script->silence, NULL}, {"one", &script->one, NULL},   {"stall", &script->stall, NULL},
        {"speed", NULL, &script->speed},     {"gain", NULL, &script->gain}, {"vanish", NULL, &script->vanish},
        {"alone", &script->alone, NULL},     {"xrun", NULL, &script->xrun}, {"suspend", NULL, &script->suspend},
        {"echo", NULL, &script->echo},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, word) != 0)
            continue;
        if (rows[i].flag != NULL)
            *rows[i].flag = 1;
        else
            *rows[i].number = atof(value);
        return;
    }
    if (strcmp(word, "rate") == 0)
        script->rate_hz = (unsigned)atoi(value);
    else if (strcmp(word, "channels") == 0)
        script->channels = (unsigned)atoi(value);
    else if (strcmp(word, "format") == 0)
        script->format = snd_pcm_format_value(value);
    else if (word[0] != '\0')
        fprintf(stderr, "va_fault: what is '%s'?\n", word);
}

static void read_script(struct device *device)
{
    struct script script = {.rate_hz = FILE_HZ, .channels = 1, .format = SND_PCM_FORMAT_S16_LE, .speed = 1.0, .gain = 1.0};
    struct stat info = {0};
    char line[128], word[64], value[64];

    script.vanish = script.xrun = script.suspend = NEVER;
    if (device->script_path != NULL)
        stat(device->script_path, &info);
    if (info.st_ino == device->script_info.st_ino && info.st_size == device->script_info.st_size &&
        info.st_mtim.tv_sec == device->script_info.st_mtim.tv_sec && info.st_mtim.tv_nsec == device->script_info.st_mtim.tv_nsec &&
        device->script.rate_hz + device->script.channels > 0)
        return;
    FILE *file = device->script_path != NULL ? fopen(device->script_path, "r") : NULL;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        word[0] = value[0] = '\0';
        sscanf(line, "%63s %63s", word, value);
        take_line(&script, word, value);
    }
    if (file != NULL)
        fclose(file);
    device->script = script;
    device->script_info = info;
}

/* ---- sound ---- */

static double file_sample(struct device *device, uint64_t at)
{
    int16_t value;
    struct stat info;

    if (device->repeat && fstat(device->file, &info) == 0 && info.st_size >= 2)
        at %= (uint64_t)info.st_size / 2;
    if (pread(device->file, &value, 2, (off_t)(2 * at)) != 2)
        return (double)(at * 2654435761u >> 16 & 1) / 32768.0;
    return value / 32768.0;
}

static double sound_at(struct device *device, uint64_t frame)
{
    double at = (double)frame * FILE_HZ / device->io.rate, part = at - floor(at);

    if (device->script.silence)
        return 0.0;
    if (device->file < 0)
        return device->script.gain * 0.4 * sin(2.0 * M_PI * 440.0 * (double)frame / device->io.rate);
    double value = file_sample(device, (uint64_t)at);
    if (part > 0.0)
        value += part * (file_sample(device, (uint64_t)at + 1) - value);
    return device->script.gain * value;
}

/* Frames that the device has made or used up, by its clock. */
static double clock_frames(struct device *device)
{
    if (device->io.state != SND_PCM_STATE_RUNNING && device->io.state != SND_PCM_STATE_DRAINING)
        return device->frames;
    double frames = device->base + (now_s() - device->start_s) * device->io.rate * device->script.speed;

    if (!device->script.stall) {
        if (device->stalled_frames != NEVER) { /* it goes on from there */
            device->base = device->stalled_frames;
            device->start_s = now_s();
            frames = device->base;
        }
        device->stalled_frames = NEVER;
        return frames;
    }
    if (device->stalled_frames == NEVER)
        device->stalled_frames = frames;
    return device->stalled_frames;
}

/* When the device makes or plays a frame. */
static double time_of(struct device *device, uint64_t frame)
{
    return now_s() + ((double)frame - clock_frames(device)) / (device->io.rate * device->script.speed);
}

static uint8_t *at_frame(const snd_pcm_channel_area_t *area, snd_pcm_uframes_t frame)
{
    return (uint8_t *)area->addr + area->first / 8 + frame * area->step / 8;
}

static void give(struct device *device, const snd_pcm_channel_area_t *areas, snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
    for (snd_pcm_uframes_t i = 0; i < size; i++) {
        double value = sound_at(device, device->done + i);
        if (device->script.echo > 0.0)
            value += device->script.echo * fault_echo_heard(time_of(device, device->done + i));
        for (unsigned c = 0; c < device->io.channels; c++) {
            double share = device->io.channels == 1 || c > 1 ? 1.0 : c == 0 ? 1.5 : 0.5;
            fault_put_sample(at_frame(&areas[c], offset + i), device->io.format, share * value);
        }
    }
}

static void take(struct device *device, const snd_pcm_channel_area_t *areas, snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
    for (snd_pcm_uframes_t i = 0; i < size; i++) {
        double sound = fault_get_sample(at_frame(&areas[0], offset + i), device->io.format);
        int16_t value = (int16_t)lrint(32768.0 * fault_cut(sound));
        if (device->file >= 0 && write(device->file, &value, 2) != 2)
            return;
        fault_echo_say(time_of(device, device->done + i) + device->delay_ms / 1000.0, sound);
    }
}

/* ---- the device ---- */

static int prepare(snd_pcm_ioplug_t *io)
{
    struct device *device = io->private_data;

    device->origin = device->done;
    device->frames = (double)device->done;
    return 0;
}

static int start(snd_pcm_ioplug_t *io)
{
    struct device *device = io->private_data;

    device->start_s = now_s();
    device->base = device->started_at = io->stream == SND_PCM_STREAM_CAPTURE ? (double)device->done : device->frames;
    device->stalled_frames = NEVER;
    return 0;
}

static int stop(snd_pcm_ioplug_t *io)
{
    struct device *device = io->private_data;

    if (io->stream == SND_PCM_STREAM_PLAYBACK)
        fault_echo_cut(now_s() + device->delay_ms / 1000.0);
    return 0;
}

/* What the script wants to happen now: 0, or a negative code. */
static int next_fault(struct device *device, double frames)
{
    const struct script *script = &device->script;

    if (script->missing || (script->vanish != NEVER && frames >= script->vanish))
        return -ENODEV;
    if (device->io.state != SND_PCM_STATE_RUNNING)
        return 0;
    if (script->suspend != NEVER && frames >= script->suspend && !device->has_slept) {
        device->has_slept = 1;
        return -ESTRPIPE;
    }
    return script->xrun != NEVER && frames - device->started_at >= script->xrun ? -EPIPE : 0;
}

static snd_pcm_sframes_t pointer(snd_pcm_ioplug_t *io)
{
    struct device *device = io->private_data;
    int is_capture = io->stream == SND_PCM_STREAM_CAPTURE;

    read_script(device);
    double frames = clock_frames(device);
    int fault = next_fault(device, frames);
    if (fault == -EPIPE)
        return -EPIPE;
    if (fault < 0) {
        snd_pcm_ioplug_set_state(io, fault == -ENODEV ? SND_PCM_STATE_DISCONNECTED : SND_PCM_STATE_SUSPENDED);
        return (snd_pcm_sframes_t)((device->done - device->origin) % io->buffer_size);
    }
    if (is_capture) {
        if (device->script.one && frames > (double)device->granted)
            frames = (double)device->granted;
        if (frames >= (double)(device->done + io->buffer_size))
            return -EPIPE;
    } else if (frames > (double)device->done) {
        if (io->state != SND_PCM_STATE_DRAINING)
            return -EPIPE;
        frames = (double)device->done;
    }
    device->frames = frames;
    return (snd_pcm_sframes_t)(((uint64_t)frames - device->origin) % io->buffer_size);
}

static snd_pcm_sframes_t transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas, snd_pcm_uframes_t offset,
                                  snd_pcm_uframes_t size)
{
    struct device *device = io->private_data;

    if (device->script.one)
        size = 1;
    if (io->stream == SND_PCM_STREAM_CAPTURE)
        give(device, areas, offset, size);
    else
        take(device, areas, offset, size);
    device->done += size;
    return (snd_pcm_sframes_t)size;
}

static int delay(snd_pcm_ioplug_t *io, snd_pcm_sframes_t *ret_frames)
{
    struct device *device = io->private_data;
    double waiting = (double)device->done - clock_frames(device);

    if (io->stream == SND_PCM_STREAM_CAPTURE)
        waiting = -waiting;
    *ret_frames = (snd_pcm_sframes_t)fmax(waiting, 0.0);
    if (io->stream == SND_PCM_STREAM_PLAYBACK)
        *ret_frames += (snd_pcm_sframes_t)((double)device->delay_ms / 1000.0 * io->rate);
    return 0;
}

static int poll_revents(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned n_fds, unsigned short *ret_events)
{
    struct device *device = io->private_data;
    int has_more = device->script.one && clock_frames(device) >= (double)device->done + 2.0;
    uint64_t ticks;

    if (!has_more && read(fds[0].fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN)
        return -errno;
    device->granted = device->done + 1;
    snd_pcm_sframes_t there = snd_pcm_avail_update(io->pcm);
    int is_ready = there >= (snd_pcm_sframes_t)io->period_size || (there > 0 && device->script.one);
    *ret_events = there < 0 || io->state == SND_PCM_STATE_DISCONNECTED ? POLLERR
                  : !is_ready                                          ? 0
                  : io->stream == SND_PCM_STREAM_PLAYBACK              ? POLLOUT
                                                                       : POLLIN;
    return 0;
}

static int resume(snd_pcm_ioplug_t *io)
{
    return snd_pcm_ioplug_set_state(io, SND_PCM_STATE_PREPARED);
}

static void free_device(struct device *device)
{
    if (device->file >= 0)
        close(device->file);
    if (device->io.poll_fd >= 0)
        close(device->io.poll_fd);
    free(device->script_path);
    free(device);
}

static int close_device(snd_pcm_ioplug_t *io)
{
    free_device(io->private_data);
    return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
    .prepare = prepare,
    .start = start,
    .stop = stop,
    .pointer = pointer,
    .transfer = transfer,
    .delay = delay,
    .poll_revents = poll_revents,
    .resume = resume,
    .close = close_device,
};

static int limit(struct device *device)
{
    static const unsigned accesses[] = {SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED};
    const struct script *script = &device->script;
    unsigned format = (unsigned)script->format;
    snd_pcm_ioplug_t *io = &device->io;
    int r = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 2, accesses);

    if (r == 0)
        r = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, &format);
    if (r == 0)
        r = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, script->rate_hz > 0 ? script->rate_hz : 8000,
                                            script->rate_hz > 0 ? script->rate_hz : 192000);
    if (r == 0)
        r = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, script->channels > 0 ? script->channels : 1,
                                            script->channels > 0 ? script->channels : 32);
    if (r == 0)
        r = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 32, 1 << 18);
    if (r == 0)
        r = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 64);
    return r;
}

static int read_options(struct device *device, snd_config_t *options, const char **ret_file)
{
    snd_config_iterator_t i, next;
    const char *text;

    snd_config_for_each(i, next, options)
    {
        snd_config_t *option = snd_config_iterator_entry(i);
        const char *id;
        long number = 0;
        if (snd_config_get_id(option, &id) < 0)
            continue;
        if (strcmp(id, "file") == 0 && snd_config_get_string(option, ret_file) < 0)
            return -EINVAL;
        if (strcmp(id, "script") == 0 && snd_config_get_string(option, &text) == 0)
            device->script_path = strdup(text);
        if (snd_config_get_integer(option, &number) == 0 && strcmp(id, "repeat") == 0)
            device->repeat = (int)number;
        if (number > 0 && strcmp(id, "delay") == 0)
            device->delay_ms = (unsigned)number;
    }
    return 0;
}

/* As a device that is not there, or not ours to use, answers. */
static int refusal(const struct script *script)
{
    return script->missing ? -ENODEV : script->busy ? -EBUSY : script->denied ? -EACCES : 0;
}

SND_PCM_PLUGIN_DEFINE_FUNC(va_fault)
{
    const struct itimerspec ticks = {.it_value.tv_nsec = 1000000, .it_interval.tv_nsec = TICK_MS * 1000000};
    const char *file = NULL;
    struct device *device = calloc(1, sizeof *device);
    int is_capture = stream == SND_PCM_STREAM_CAPTURE;

    if (device == NULL)
        return -ENOMEM;
    device->file = device->io.poll_fd = -1;
    device->stalled_frames = NEVER;
    int r = read_options(device, conf, &file);
    if (r == 0) {
        read_script(device);
        r = refusal(&device->script);
    }
    if (r == 0 && file != NULL) {
        device->file = open(file, is_capture ? O_RDONLY | O_CLOEXEC : O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        r = device->file < 0 ? -errno : device->script.alone && flock(device->file, LOCK_EX | LOCK_NB) < 0 ? -EBUSY : 0;
    }
    if (r < 0) {
        free_device(device);
        return r;
    }
    device->io.version = SND_PCM_IOPLUG_VERSION;
    device->io.name = "faults for tests";
    device->io.callback = &callbacks;
    device->io.private_data = device;
    device->io.poll_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    device->io.poll_events = POLLIN;
    timerfd_settime(device->io.poll_fd, 0, &ticks, NULL);
    r = snd_pcm_ioplug_create(&device->io, name, stream, mode);
    if (r < 0) {
        free_device(device);
        return r;
    }
    r = limit(device);
    if (r < 0) {
        snd_pcm_ioplug_delete(&device->io); /* closes the device */
        return r;
    }
    *pcmp = device->io.pcm;
    return 0;
}

SND_PCM_PLUGIN_SYMBOL(va_fault)
