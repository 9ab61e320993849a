/* The conversation with the chip, on a bus that speaks SMBus words only: their low byte comes first, the chip's high one. */
#include "power/ads1115.h"

#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#define BUS_FD 77

static struct chip {
    int is_other;      /* gives back something else than what was written */
    int is_gone;       /* nobody answers */
    int n_busy;        /* reads of the configuration before the conversion is done; -1: it never is */
    unsigned measured; /* of the conversion register */
    unsigned config;
    int n_started;
} chip;

static unsigned read_register(unsigned char address)
{
    int is_done = chip.n_busy == 0;

    if (address == 0)
        return chip.measured;
    chip.n_busy -= chip.n_busy > 0;
    return chip.is_other ? 0x1234 : (chip.config & 0x7fff) | (is_done ? 0x8000u : 0);
}

int __wrap_ioctl(int fd, unsigned long request, struct i2c_smbus_ioctl_data *data);
int __wrap_ioctl(int fd, unsigned long request, struct i2c_smbus_ioctl_data *data)
{
    if (fd != BUS_FD || request != I2C_SMBUS || data->size != I2C_SMBUS_WORD_DATA || data->command > 1 || chip.is_gone)
        return -1;
    if (data->read_write == I2C_SMBUS_READ) {
        unsigned value = read_register(data->command);
        data->data->word = (uint16_t)(value >> 8 | (value & 0xff) << 8);
    } else {
        chip.config = (data->data->word & 0xffu) << 8 | data->data->word >> 8;
        chip.n_started += (chip.config & 0x8000) != 0;
    }
    return 0;
}

static int measure(struct chip with, double *ret_volts, va_error *error)
{
    chip = with;
    return va_ads1115_measure(BUS_FD, ret_volts, error);
}

static void it_measures(void **state)
{
    double volts;
    va_error error;

    assert_int_equal(measure((struct chip){.n_busy = 3, .measured = 19733}, &volts, &error), 0);
    assert_true(fabs(volts - 3.7) < 0.001);
    assert_int_equal(chip.n_started, 1);
    assert_int_equal(chip.config >> 12 & 7, 4); /* the first input against ground */
    assert_int_equal(chip.config >> 9 & 7, 0);  /* +-6.144 V: 4.2 V fit */
    /* a little below ground */
    assert_int_equal(measure((struct chip){.measured = 0xfff0}, &volts, &error), 0);
    assert_true(fabs(volts + 0.003) < 0.001);
}

static void another_chip_is_not_believed(void **state)
{
    double volts = -1;
    va_error error;

    assert_int_equal(measure((struct chip){.is_other = 1, .measured = 19733}, &volts, &error), VA_ENOTFOUND);
    assert_true(volts == -1);
}

static void one_that_never_ends(void **state)
{
    double volts;
    va_error error;

    assert_int_equal(measure((struct chip){.n_busy = -1}, &volts, &error), VA_ETIMEOUT);
}

static void nobody_answers(void **state)
{
    double volts;
    va_error error;

    assert_int_equal(measure((struct chip){.is_gone = 1}, &volts, &error), VA_ENOTFOUND);
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
