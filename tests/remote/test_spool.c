/* test_spool.c - the audio of a job on its way: what is written as FLAC comes back sample by sample, here and where the pieces are sent. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/decode.h"
#include "remote/spool.h"
#include "temporary.h"

#define N_SAMPLES 40001 /* more than two pieces of the writer */

struct source {
    size_t at, fail_at; /* fail_at 0: never */
    int stop_at;        /* how often it is asked before somebody gives up; 0: never */
    int asked;
};

static char folder[256];

/* A step of 16 bits each, so that nothing is rounded. */
static float sample(size_t i)
{
    return (float)((int)(i * 7 % 65536) - 32768) / 32768.0f;
}

static int64_t read_source(void *user, float *pcm, size_t capacity)
{
    struct source *source = user;
    size_t n = 0;

    if (source->fail_at != 0 && source->at >= source->fail_at)
        return VA_EFORMAT;
    for (; n < capacity && n < 1000 && source->at < N_SAMPLES; n++)
        pcm[n] = sample(source->at++);
    return (int64_t)n;
}

static int must_stop(void *user)
{
    struct source *source = user;

    return source->stop_at != 0 && ++source->asked >= source->stop_at;
}

static int fill(struct va_spool *spool, struct source *source, va_error *error)
{
    const va_task task = {.read = read_source, .user = source};

    return va_spool_fill(spool, folder, &task, must_stop, source, error);
}

static void assert_samples(va_read_fn read, void *user, size_t n)
{
    static float pcm[N_SAMPLES + 1];
    size_t got = 0;
    int64_t r;

    while ((r = read(user, pcm + got, N_SAMPLES + 1 - got)) > 0)
        got += (size_t)r;
    assert_int_equal(r, 0);
    assert_int_equal(got, n);
    for (size_t i = 0; i < n; i++)
        assert_true(pcm[i] == sample(i));
}

static void test_read_here_after_all(void **state)
{
    struct va_spool spool;
    struct source source = {0};

    assert_int_equal(fill(&spool, &source, NULL), 0);
    assert_true(spool.bytes > 0 && spool.fd >= 0);
    assert_samples(va_spool_read, &spool, N_SAMPLES);
    va_spool_clear(&spool);
    assert_int_equal(spool.fd, -1);
    va_spool_clear(&spool);
}

static void test_samples_in_memory(void **state)
{
    static float pcm[1234];
    struct va_spool spool;
    struct source source = {0};
    const va_task task = {.pcm = pcm, .n_samples = 1234};

    for (size_t i = 0; i < 1234; i++)
        pcm[i] = sample(i);
    assert_int_equal(va_spool_fill(&spool, folder, &task, must_stop, &source, NULL), 0);
    assert_samples(va_spool_read, &spool, 1234);
    va_spool_clear(&spool);
}

static void test_pieces_are_the_file(void **state)
{
    struct va_spool spool;
    struct source source = {0};
    struct va_decoder *decoder = NULL;
    char piece[777];
    uint64_t at = 0;
    size_t n;

    assert_int_equal(fill(&spool, &source, NULL), 0);
    const char *path = temporary_path(folder, "sent.flac");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    while ((n = va_spool_piece(&spool, at, piece, sizeof piece)) > 0) {
        assert_int_equal(fwrite(piece, 1, n, file), n);
        at += n;
    }
    fclose(file);
    assert_int_equal(at, spool.bytes);
    assert_int_equal(va_spool_piece(&spool, at, piece, sizeof piece), 0);
    assert_int_equal(va_audio_decoder_open(path, NULL, &decoder, NULL), 0);
    assert_samples(va_audio_decoder_read, decoder, N_SAMPLES);
    va_audio_decoder_free(decoder);
    va_spool_clear(&spool);
}

static void test_nobody_waits_any_more(void **state)
{
    struct va_spool spool;
    struct source source = {.stop_at = 3};
    va_error error = {0};

    assert_int_equal(fill(&spool, &source, &error), VA_ECANCELLED);
    assert_true(source.at < N_SAMPLES && spool.fd == -1);
}

static void test_the_source_fails(void **state)
{
    struct va_spool spool;
    struct source source = {.fail_at = 5000};
    va_error error = {0};

    assert_int_equal(fill(&spool, &source, &error), VA_EFORMAT);
    assert_int_equal(spool.fd, -1);
}

static void test_a_full_disk(void **state)
{
    struct va_spool spool;
    struct source source = {0};
    struct rlimit before, small;
    va_error error = {0};

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 8192;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int r = fill(&spool, &source, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(r, VA_ELIMIT);
    assert_string_equal(error.text, "the disk is full");
    assert_int_equal(spool.fd, -1);
}

static void test_no_folder(void **state)
{
    struct va_spool spool;
    struct source source = {0};
    const va_task task = {.read = read_source, .user = &source};

    assert_true(va_spool_fill(&spool, "/no/such/folder", &task, must_stop, &source, NULL) < 0);
    assert_int_equal(spool.fd, -1);
    assert_int_equal(source.at, 0);
}

static int set_up(void **state)
{
    return temporary_make(folder);
}

static int tear_down(void **state)
{
    return temporary_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_here_after_all), cmocka_unit_test(test_samples_in_memory),
        cmocka_unit_test(test_pieces_are_the_file), cmocka_unit_test(test_nobody_waits_any_more),
        cmocka_unit_test(test_the_source_fails),    cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_no_folder),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
