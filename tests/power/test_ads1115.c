/* The conversation with the chip, over a socket in the place of the bus: each write is one message, as on the bus. */
#include "power/ads1115.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct chip {
    int fd;
    int is_other;      /* gives back something else than what was written */
    int n_busy;        /* reads of the configuration before the conversion is done; -1: it never is */
    unsigned measured; /* of the conversion register */
    unsigned config;
    int n_started;
};

static void answer(const struct chip *chip, unsigned value)
{
    const unsigned char bytes[2] = {(unsigned char)(value >> 8), (unsigned char)value};

    (void)!write(chip->fd, bytes, 2);
}

static void *be_chip(void *arg)
{
    struct chip *chip = arg;
    unsigned char bytes[3];

    for (ssize_t n; (n = read(chip->fd, bytes, sizeof bytes)) > 0;) {
        if (n == 3 && bytes[0] == 1) {
            chip->config = (unsigned)bytes[1] << 8 | bytes[2];
            chip->n_started += (chip->config & 0x8000) != 0;
        } else if (n == 1 && bytes[0] == 1) {
            int is_done = chip->n_busy == 0;
            chip->n_busy -= chip->n_busy > 0;
            answer(chip, chip->is_other ? 0x1234 : (chip->config & 0x7fff) | (is_done ? 0x8000u : 0));
        } else {
            answer(chip, chip->measured);
        }
    }
    return NULL;
}

static int measure(struct chip *chip, double *ret_volts, va_error *error)
{
    pthread_t thread;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    chip->fd = ends[1];
    assert_int_equal(pthread_create(&thread, NULL, be_chip, chip), 0);
    int r = va_ads1115_measure(ends[0], ret_volts, error);
    close(ends[0]);
    pthread_join(thread, NULL);
    close(ends[1]);
    return r;
}

static void it_measures(void **state)
{
    struct chip chip = {.n_busy = 3, .measured = 19733};
    double volts;
    va_error error;

    assert_int_equal(measure(&chip, &volts, &error), 0);
    assert_true(fabs(volts - 3.7) < 0.001);
    assert_int_equal(chip.n_started, 1);
    assert_int_equal(chip.config >> 12 & 7, 4); /* the first input against ground */
    assert_int_equal(chip.config >> 9 & 7, 0);  /* +-6.144 V: 4.2 V fit */
    chip = (struct chip){.measured = 0xfff0};   /* a little below ground */
    assert_int_equal(measure(&chip, &volts, &error), 0);
    assert_true(fabs(volts + 0.003) < 0.001);
}

static void another_chip_is_not_believed(void **state)
{
    struct chip chip = {.is_other = 1, .measured = 19733};
    double volts = -1;
    va_error error;

    assert_int_equal(measure(&chip, &volts, &error), VA_ENOTFOUND);
    assert_true(volts == -1);
}

static void one_that_never_ends(void **state)
{
    struct chip chip = {.n_busy = -1};
    double volts;
    va_error error;

    assert_int_equal(measure(&chip, &volts, &error), VA_ETIMEOUT);
}

static void nobody_answers(void **state)
{
    double volts;
    va_error error;

    assert_int_equal(va_ads1115_measure(-1, &volts, &error), VA_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_measures),
        cmocka_unit_test(another_chip_is_not_believed),
        cmocka_unit_test(one_that_never_ends),
        cmocka_unit_test(nobody_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
