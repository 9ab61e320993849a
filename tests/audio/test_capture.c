/* A microphone that fails in every way below the ALSA API. Times are only bounds on waiting: what a device must do is told by the
 * capture's own events. */
#include "audio/capture.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>

#include "audio_files.h"
#include "base/clock.h"
#include "base/memory.h"
#include "fault_device.h"

#define WAV16 (SF_FORMAT_WAV | SF_FORMAT_PCM_16)
#define PATIENCE_MS 30000.0
#define RATE VA_SAMPLE_RATE_HZ
#define MAX_EVENTS 64

static struct fault_device device;
static struct {
    pthread_mutex_t lock;
    struct va_capture_event events[MAX_EVENTS]; /* [n] */
    size_t n;
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_event(void *user, const struct va_capture_event *event)
{
    pthread_mutex_lock(&told.lock);
    if (told.n < MAX_EVENTS)
        told.events[told.n++] = *event;
    pthread_mutex_unlock(&told.lock);
}

static int set_up(void **state)
{
    fault_set_up(&device);
    told.n = 0;
    return 0;
}

static int tear_down(void **state)
{
    fault_tear_down(&device);
    return 0;
}

/* How many events there were of a change to a state. */
static size_t count(enum va_capture_change change, enum va_capture_state state)
{
    size_t n = 0;

    pthread_mutex_lock(&told.lock);
    for (size_t i = 0; i < told.n; i++)
        n += told.events[i].change == change && told.events[i].state == state;
    pthread_mutex_unlock(&told.lock);
    return n;
}

static struct va_capture_event last_event(void)
{
    pthread_mutex_lock(&told.lock);
    struct va_capture_event event = told.events[told.n - 1];
    pthread_mutex_unlock(&told.lock);
    return event;
}

static void wait_for(enum va_capture_change change, enum va_capture_state state, size_t n)
{
    double start_ms = va_clock_ms();

    while (count(change, state) < n) {
        assert_true(va_clock_ms() - start_ms < PATIENCE_MS);
        usleep(1000);
    }
}

static va_capture *start(const char *source, double silence_s)
{
    const struct va_capture_options options = {.source = source, .on_event = on_event, .silence_s = silence_s};
    va_capture *capture = NULL;

    assert_int_equal(va_capture_start(&options, &capture, NULL), 0);
    return capture;
}

static va_capture_reader *make_reader(va_capture *capture)
{
    va_capture_reader *reader = NULL;

    assert_int_equal(va_capture_reader_new(capture, &reader, NULL), 0);
    return reader;
}

/* Reads n samples. Returns how many are missing among them. */
static uint64_t read_some(va_capture_reader *reader, size_t n)
{
    double start_ms = va_clock_ms();
    struct va_capture_stamp stamp;
    uint64_t lost = 0;
    float pcm[320];

    for (size_t total = 0; total < n;) {
        int64_t got = va_capture_read(reader, pcm, 320, 100, &stamp);
        assert_true(got > 0 || got == VA_ETIMEOUT);
        assert_true(va_clock_ms() - start_ms < PATIENCE_MS);
        total += got > 0 ? (size_t)got : 0;
        lost += got > 0 ? stamp.lost : 0;
        for (int64_t i = 0; i < got; i++)
            assert_true(fabsf(pcm[i]) <= 1.0f);
    }
    return lost;
}

static struct va_capture_status status_of(va_capture *capture)
{
    struct va_capture_status status;

    va_capture_get_status(capture, &status);
    return status;
}

static void test_a_good_device(void **state)
{
    va_capture *capture = start("va_test", 0);
    va_capture_reader *reader = make_reader(capture);
    struct va_capture_stamp first, later;
    float pcm[1];

    wait_for(VA_CAPTURE_STATE, VA_CAPTURE_OPEN, 1);
    while (va_capture_read(reader, pcm, 1, 100, &first) != 1)
        assert_int_equal(count(VA_CAPTURE_STATE, VA_CAPTURE_LOST), 0);
    assert_int_equal(read_some(reader, RATE / 2), 0);
    while (va_capture_read(reader, pcm, 1, 100, &later) != 1)
        assert_int_equal(count(VA_CAPTURE_STATE, VA_CAPTURE_LOST), 0);
    assert_in_range(later.position - first.position, RATE / 2, RATE / 2 + 400);
    double expected_ns = (double)(later.position - first.position) * 62500.0;
    assert_true(fabs((double)(later.ns - first.ns) - expected_ns) < 0.1e9);
    struct va_capture_status status = status_of(capture);
    assert_int_equal(status.state, VA_CAPTURE_OPEN);
    assert_string_equal(status.device, "va_test");
    assert_string_equal(status.format, "S16_LE");
    assert_int_equal(status.rate_hz, RATE);
    assert_int_equal(status.channels, 1);
    assert_int_equal(status.overruns + status.lost + status.clipped_samples + status.lost_samples, 0);
    assert_float_equal(status.rms_db, -10.97, 0.1); /* 0.4, of a sine */
    assert_float_equal(status.peak_db, -7.96, 0.1);
    assert_true(status.captured > RATE / 2);
    assert_non_null(status.scheduling);
    va_capture_reader_free(reader);
    va_capture_free(capture);
}

static void test_other_modes(void **state)
{
    static const struct {
        const char *script;
        uint32_t rate_hz, channels;
        const char *format;
    } modes[] = {
        {"rate 48000\nchannels 2\nformat S32_LE\n", 48000, 2, "S32_LE"},
        {"rate 44100\nformat S24_3LE\nchannels 0\n", 44100, 1, "S24_3LE"},
        {"rate 8000\nchannels 4\nformat S24_LE\n", 8000, 4, "S24_LE"},
        {"rate 96000\nchannels 1\nformat FLOAT_LE\n", 96000, 1, "FLOAT_LE"},
        {"rate 0\nchannels 0\n", RATE, 1, "S16_LE"},
    };

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        fault_script(&device, modes[i].script);
        va_capture *capture = start("va_test", 0);
        va_capture_reader *reader = make_reader(capture);
        assert_int_equal(read_some(reader, RATE / 4), 0);
        struct va_capture_status status = status_of(capture);
        assert_int_equal(status.rate_hz, modes[i].rate_hz);
        assert_int_equal(status.channels, modes[i].channels);
        assert_string_equal(status.format, modes[i].format);
        assert_float_equal(status.rms_db, -10.97, 0.3);
        va_capture_reader_free(reader);
        va_capture_free(capture);
    }
}

static void test_missing_at_the_start(void **state)
{
    const struct va_capture_options impatient = {.source = "va_test", .fail_at_once = 1};
    va_capture *capture = NULL;
    va_error error;

    fault_script(&device, "missing\n");
    assert_int_equal(va_capture_start(&impatient, &capture, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "'va_test'"));
    capture = start("va_test", 0);
    va_capture_reader *reader = make_reader(capture);
    wait_for(VA_CAPTURE_STATE, VA_CAPTURE_LOST, 1);
    assert_int_equal(last_event().error.code, VA_ENOTFOUND);
    fault_script(&device, "busy\n"); /* another reason is told, too */
    wait_for(VA_CAPTURE_STATE, VA_CAPTURE_LOST, 2);
    assert_int_equal(last_event().error.code, VA_EBUSY);
    fault_script(&device, "denied\n");
    wait_for(VA_CAPTURE_STATE, VA_CAPTURE_LOST, 3);
    assert_int_equal(last_event().error.code, VA_EDENIED);
    assert_int_equal(status_of(capture).state, VA_CAPTURE_LOST);
    assert_int_equal(status_of(capture).error.code, VA_EDENIED);
    assert_int_equal(va_capture_read(reader, (float[10]){0}, 10, 1, NULL), VA_ETIMEOUT);
    fault_script(&device, "");
    wait_for(VA_CAPTURE_STATE, VA_CAPTURE_OPEN, 1);
    assert_int_equal(read_some(reader, 1000), 0);
    assert_int_equal(status_of(capture).lost, 0); /* it never was there */
    va_capture_reader_free(reader);
    va_capture_free(capture);
}

/* Unplugged, and plugged in again as another one. */
static void test_vanishing(void **state)
{
    va_capture *capture = start("va_test", 0);
    va_capture_reader *reader = make_reader(capture);

    read_some(reader, RATE / 4);
    for (size_t i = 1; i <= 3; i++) {
        fault_script(&device, "missing\n");
        wait_for(VA_CAPTURE_STATE, VA_CAPTURE_LOST, 2 * i - 1); /* lost, and then not found */
        usleep(300000);
        assert_in_range((int)(status_of(capture).lost_s * 1000.0), 250, (int)PATIENCE_MS);
        fault_script(&device, i == 1 ? "rate 48000\nchannels 2\nformat S32_LE\n" : "");
        double start_ms = va_clock_ms();
        wait_for(VA_CAPTURE_STATE, VA_CAPTURE_OPEN, i + 1);
        assert_true(va_clock_ms() - start_ms < 2000.0); /* the promise */
        struct va_capture_event event = last_event();
        assert_int_equal(event.state, VA_CAPTURE_OPEN);
        assert_in_range((int)(event.gap_s * 1000.0), 250, (int)PATIENCE_MS);
        uint64_t lost = read_some(reader, RATE / 4);
        assert_in_range(lost, RATE / 5, RATE * 30);
        struct va_capture_status status = status_of(capture);
        assert_int_equal(status.lost, i);
        assert_int_equal(status.recovered, i);
        assert_int_equal(status.rate_hz, i == 1 ? 48000 : RATE);
        assert_in_range(status.lost_samples, lost, RATE * 100);
    }
    va_capture_reader_free(reader);
    va_capture_free(capture);
}

/* One that vanishes again and again, in the middle: the pieces between arrive, without spinning. */
static void test_a_loose_contact(void **state)
{
    fault_script(&device, "vanish 4000\n");
    va_capture *capture = start("va_test", 0);
    va_capture_reader *reader = make_reader(capture);

    read_some(reader, 3 * 3000);
    assert_true(count(VA_CAPTURE_STATE, VA_CAPTURE_LOST) >= 2);
    fault_script(&device, "vanish 1\n"); /* comes up, but gives nothing */
    size_t lost = count(VA_CAPTURE_STATE, VA_CAPTURE_LOST);
    wait_for(VA_CAPTURE_STATE, VA_CAPTURE_LOST, lost + 2);
    fault_script(&device, "");
    read_some(reader, RATE);
    va_capture_reader_free(reader);
    va_capture_free(capture);
}

static void test_overruns(void **state)
{
    fault_script(&device, "xrun 4000\n");
    va_capture *capture = start("va_test", 0);
    va_capture_reader *reader = make_reader(capture);

    wait_for(VA_CAPTURE_OVERRUN, VA_CAPTURE_OPEN, 2);
    fault_script(&device, "");
    assert_true(read_some(reader, RATE / 2) > 0);
    assert_true(status_of(capture).overruns >= 2);
    assert_int_equal(status_of(capture).lost, 0);
    va_capture_reader_free(reader);
    va_capture_free(capture);
}

static void test_suspend(void **state)
{
    fault_script(&device, "suspend 16000\n"); /* after there is a reader, on a busy machine, too */
    va_capture *capture = start("va_test", 0);
    va_capture_reader *reader = make_reader(capture);

    wait_for(VA_CAPTURE_OVERRUN, VA_CAPTURE_OPEN, 1);
    assert_true(read_some(reader, 2 * RATE) > 0);
    assert_int_equal(status_of(capture).lost, 0);
    va_capture_reader_free(reader);
    va_capture_free(capture);
}

static void test_a_sample_at_a_time(void **state)
{
    fault_script(&device, "one\n");
    va_capture *capture = start("va_test", 0);
    va_capture_reader *reader = make_reader(capture);

    read_some(reader, RATE / 8);
    va_capture_reader_free(reader);
    va_capture_free(capture);
}

/* Connected, but dead: it is opened again until it lives. */
static void test_a_device_that_gives_nothing(void **state)
{
    va_capture *capture = start("va_test", 0);
    va_capture_reader *reader = make_reader(capture);

    read_some(reader, 1000);
    fault_script(&device, "stall\n");
    wait_for(VA_CAPTURE_STATE, VA_CAPTURE_LOST, 1);
    assert_non_null(strstr(last_event().device, "va_test"));
    fault_script(&device, "");
    wait_for(VA_CAPTURE_STATE, VA_CAPTURE_OPEN, 2);
    read_some(reader, RATE / 4);
    va_capture_reader_free(reader);
    va_capture_free(capture);
}

static void test_silence(void **state)
{
    fault_script(&device, "silence\n");
    va_capture *capture = start("va_test", 0.2);

    wait_for(VA_CAPTURE_SILENCE, VA_CAPTURE_OPEN, 1);
    assert_int_equal(last_event().is_silent, 1);
    assert_true(status_of(capture).silent_s >= 0.2);
    assert_float_equal(status_of(capture).rms_db, -120.0, 0.01);
    fault_script(&device, "");
    wait_for(VA_CAPTURE_SILENCE, VA_CAPTURE_OPEN, 2);
    assert_int_equal(last_event().is_silent, 0);
    assert_true(status_of(capture).silent_s < 0.2);
    va_capture_free(capture);
}

static void test_clipping(void **state)
{
    fault_script(&device, "gain 5\n");
    va_capture *capture = start("va_test", 0);
    va_capture_reader *reader = make_reader(capture);

    read_some(reader, RATE / 4);
    assert_true(status_of(capture).clipped_samples > RATE / 16);
    assert_true(status_of(capture).peak_db > -0.01f);
    va_capture_reader_free(reader);
    va_capture_free(capture);
}

/* Readers that fall behind lose, others do not. */
static void test_a_slow_reader(void **state)
{
    const struct va_capture_options options = {.source = "va_test", .ring_samples = 4000, .fail_at_once = 1};
    va_capture *capture = NULL;

    assert_int_equal(va_capture_start(&options, &capture, NULL), 0);
    assert_int_equal(status_of(capture).state, VA_CAPTURE_OPEN); /* at once, not a little later */
    va_capture_reader *quick = make_reader(capture), *slow = make_reader(capture);
    read_some(quick, 8000);
    assert_in_range(read_some(slow, 1), 4000, 16000);
    assert_int_equal(status_of(capture).lost_samples, 0);
    va_capture_reader_free(quick);
    va_capture_reader_free(slow);
    va_capture_free(capture);
}

/* ---- files ---- */

static va_capture *start_file(const char *prefix, int fd)
{
    char name[64];

    snprintf(name, sizeof name, "%s/proc/self/fd/%d", prefix, fd);
    return start(name, 0);
}

static void test_a_file_waits_for_its_readers(void **state)
{
    int fd = file_of_tone(200000, 1, RATE, WAV16); /* more than the ring holds */
    va_capture *capture = start_file("file-fast:", fd);
    va_capture_reader *quick = make_reader(capture), *slow = make_reader(capture);
    struct va_capture_stamp stamp;
    static float pcm[5000];
    uint64_t total = 0, start_ns = 0;
    int64_t n;

    while ((n = va_capture_read(slow, pcm, 5000, 10000, &stamp)) > 0) {
        assert_int_equal(stamp.lost, 0);
        assert_int_equal(stamp.position, total);
        start_ns = total == 0 ? stamp.ns : start_ns;
        assert_int_equal(stamp.ns - start_ns, total * 62500);
        assert_float_equal(pcm[0], 0.4 * sin(2.0 * M_PI * 440.0 * (double)total / RATE), 1e-3);
        total += (uint64_t)n;
        for (int64_t ahead = 0, got; ahead < n; ahead += got) {
            got = va_capture_read(quick, pcm, (size_t)(n - ahead), 10000, &stamp);
            assert_true(got > 0 && stamp.lost == 0);
        }
    }
    assert_int_equal(n, 0);
    assert_int_equal(total, 200000);
    wait_for(VA_CAPTURE_STATE, VA_CAPTURE_ENDED, 1);
    assert_int_equal(last_event().error.code, 0);
    va_capture_reader_free(quick);
    va_capture_reader_free(slow);
    va_capture_free(capture);
    close(fd);
}

static void test_a_damaged_file(void **state)
{
    size_t size;
    int whole = file_of_tone(160000, 1, RATE, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
    uint8_t *data = bytes_of_file(whole, &size);
    int64_t n;
    float pcm[1000];

    memset(data + size / 2, 0, 64);
    int fd = file_of_bytes(data, size);
    va_capture *capture = start_file("file-fast:", fd);
    va_capture_reader *reader = make_reader(capture);
    while ((n = va_capture_read(reader, pcm, 1000, 10000, NULL)) > 0)
        ;
    assert_int_equal(n, VA_EFORMAT);
    wait_for(VA_CAPTURE_STATE, VA_CAPTURE_ENDED, 1);
    assert_int_equal(last_event().error.code, VA_EFORMAT);
    assert_int_equal(status_of(capture).state, VA_CAPTURE_ENDED);
    va_capture_reader_free(reader);
    va_capture_free(capture);
    close(fd);
    close(whole);
    free(data);
}

static void test_a_pipe(void **state)
{
    static const uint8_t words[] = {0, 0x40, 0, 0xc0, 0xff, 0x7f};
    int ends[2], kept = dup(STDIN_FILENO);
    float pcm[10];
    int64_t n;

    assert_int_equal(pipe(ends), 0);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    va_capture *capture = start("-", 0);
    va_capture_reader *reader = make_reader(capture);
    wait_for(VA_CAPTURE_STATE, VA_CAPTURE_OPEN, 1);
    assert_int_equal(va_capture_read(reader, pcm, 10, 1, NULL), VA_ETIMEOUT);
    assert_int_equal(write(ends[1], words, sizeof words), sizeof words);
    while ((n = va_capture_read(reader, pcm, 10, 1, NULL)) == VA_ETIMEOUT)
        ;
    assert_int_equal(n, 3);
    assert_true(pcm[0] == 0.5f && pcm[1] == -0.5f);
    close(ends[1]);
    assert_int_equal(va_capture_read(reader, pcm, 10, 10000, NULL), 0);
    assert_int_equal(status_of(capture).clipped_samples, 1);
    va_capture_reader_free(reader);
    va_capture_free(capture);
    dup2(kept, STDIN_FILENO);
    close(kept);
}

static void test_failures(void **state)
{
    const struct va_capture_options options = {.source = "va_test"};
    va_capture *capture = NULL;
    va_error error;

    assert_int_equal(va_capture_start(&(struct va_capture_options){.source = "none"}, &capture, &error), VA_ENOTFOUND);
    for (size_t i = 1; i <= 4; i++) {
        va_memory_fail_after(i);
        assert_int_equal(va_capture_start(&options, &capture, &error), VA_ENOMEM);
    }
    va_memory_fail_after(0);
    assert_int_equal(va_capture_start(&(struct va_capture_options){.source = "va_test", .ring_samples = 3}, &capture, &error), VA_EINVAL);
    assert_null(capture);
    va_capture_free(NULL);
    va_capture_reader_free(NULL);
    capture = start("va_test", 0); /* and gone at once */
    va_capture_free(capture);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_good_device),
        TEST(test_other_modes),
        TEST(test_missing_at_the_start),
        TEST(test_vanishing),
        TEST(test_a_loose_contact),
        TEST(test_overruns),
        TEST(test_suspend),
        TEST(test_a_sample_at_a_time),
        TEST(test_a_device_that_gives_nothing),
        TEST(test_silence),
        TEST(test_clipping),
        TEST(test_a_slow_reader),
        TEST(test_a_file_waits_for_its_readers),
        TEST(test_a_damaged_file),
        TEST(test_a_pipe),
        TEST(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
