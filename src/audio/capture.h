/* capture.h - a microphone that is never lost: one device (or file), several readers.
 *
 *     va_capture_start(&options, &capture, &error);
 *     va_capture_reader_new(capture, &reader, &error);
 *     while ((n = va_capture_read(reader, pcm, 320, 100, &stamp)) > 0 || n == VA_ETIMEOUT) ...
 *     va_capture_reader_free(reader);
 *     va_capture_free(capture);
 *
 * A real-time thread does nothing but read the device and write a ring (ring.h): it does not allocate, lock or log. A second one, the
 * supervisor, opens the device, opens it again when it is lost (at once, then every VA_CAPTURE_RETRY_MS, for ever), and tells events. */
#ifndef VA_AUDIO_CAPTURE_H
#define VA_AUDIO_CAPTURE_H

#include "audio/ring.h"
#include "audio/source.h"

#define VA_CAPTURE_RETRY_MS 400
#define VA_CAPTURE_RING_SAMPLES 131072 /* 8 s */
#define VA_CAPTURE_SILENCE_S 10.0

typedef struct va_capture va_capture;
typedef struct va_ring_reader va_capture_reader;

enum va_capture_state {
    VA_CAPTURE_CLOSED, /* not opened yet */
    VA_CAPTURE_OPEN,
    VA_CAPTURE_LOST, /* not there, or gone; tried again */
    VA_CAPTURE_ENDED /* a file's end, or it is damaged */
};

enum va_capture_change {
    VA_CAPTURE_STATE,   /* the state, or why the device is lost */
    VA_CAPTURE_OVERRUN, /* samples were not read in time, or the machine has slept */
    VA_CAPTURE_SILENCE  /* is_silent */
};

struct va_capture_event {
    enum va_capture_change change; /* what the event is about */
    enum va_capture_state state;
    const char *device; /* its name in the options */
    va_error error;     /* code 0, or why it is lost or has ended */
    int is_silent;      /* only zeros have come for a long time: muted, or dead */
    uint64_t overruns;  /* so far */
    double gap_s;       /* for how long it was lost, when it is open again; else 0 */
};

/* Called by the supervisor, one at a time, in order; may take its time, but must not free the capture. */
typedef void (*va_capture_fn)(void *user, const struct va_capture_event *event);

struct va_capture_options {
    const char *source;     /* as in source.h; copied */
    int fail_at_once;       /* start fails when the device cannot be opened, instead of waiting for it; lost later, it is waited for */
    size_t ring_samples;    /* how far a reader may fall behind; 0: VA_CAPTURE_RING_SAMPLES */
    double silence_s;       /* zeros for so long are told; 0: VA_CAPTURE_SILENCE_S */
    va_capture_fn on_event; /* or NULL */
    void *user;
};

struct va_capture_status {
    enum va_capture_state state;
    char device[128];
    char format[16]; /* of the device, such as S16_LE; with rate and channels the last known, "" and 0 before */
    uint32_t rate_hz;
    uint32_t channels;
    const char *scheduling;   /* of the real-time thread: "fifo", "nice", "normal" */
    uint64_t captured;        /* samples */
    uint64_t overruns;        /* xruns, and the times the machine has slept */
    uint64_t lost, recovered; /* times */
    double lost_s;            /* for how long it has been lost now; 0: it is not */
    uint64_t lost_samples;    /* that should have come, by the clock, while it was lost or overrun */
    uint64_t clipped_samples; /* at full scale */
    float rms_db, peak_db;    /* of the last full 100 ms; -120 .. 0, a full-scale sine has -3 */
    double silent_s;          /* for how long there have been only zeros */
    va_error error;           /* why it is lost or has ended; else code 0 */
};

/* Without fail_at_once VA_ENOMEM, and VA_ENOTFOUND for the source "none"; with it also what va_audio_source_open fails with. */
VA_MUST_CHECK int va_capture_start(const struct va_capture_options *options, va_capture **ret_capture, va_error *error);
/* Closes the device and waits for the threads (about 100 ms). Readers are freed before, and nobody is inside va_capture_read. */
void va_capture_free(va_capture *capture);

/* At most VA_RING_MAX_READERS, else VA_ELIMIT. Each begins with what is captured next; a file waits for its first reader, and then
 * for the slowest. */
VA_MUST_CHECK int va_capture_reader_new(va_capture *capture, va_capture_reader **ret_reader, va_error *error);
void va_capture_reader_free(va_capture_reader *reader);

/* pcm [capacity] <- 16 kHz mono, as soon as there are 10 ms or capacity samples; fewer before a gap, at the end and after timeout_ms.
 * Returns samples; VA_ETIMEOUT when there are none, also while the device is lost; 0 at a file's end, or negative when it is damaged.
 * Does not allocate. ret_stamp may be NULL. A file's samples are stamped as if it were played in real time from its first read on. */
VA_MUST_CHECK int64_t va_capture_read(va_capture_reader *reader, float *pcm, size_t capacity, int timeout_ms,
                                      struct va_capture_stamp *ret_stamp);

/* Any thread. */
void va_capture_get_status(va_capture *capture, struct va_capture_status *ret_status);

#endif
