#include "power/ads1115.h"

#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <poll.h>
#include <sys/ioctl.h>

enum { CONVERSION_REGISTER, CONFIG_REGISTER };

/* One conversion of input 0 against ground, +-6.144 V (a full battery is above the next smaller range), 128 samples a second, no
 * comparator. The highest bit starts it, and reads 1 when it is done. */
#define START 0x8000u
#define CONFIG 0x4183u
#define VOLTS_PER_STEP (6.144 / 32768)
#define POLL_MS 2
#define MAX_POLLS 50

/* All adapters speak SMBus words, and some nothing else. Its words have the low byte first, the chip's registers the high one. */
static unsigned swap(unsigned value)
{
    return (value & 0xff) << 8 | (value >> 8 & 0xff);
}

static int write_register(int fd, unsigned char address, unsigned value)
{
    union i2c_smbus_data data = {.word = (uint16_t)swap(value)};
    struct i2c_smbus_ioctl_data request = {I2C_SMBUS_WRITE, address, I2C_SMBUS_WORD_DATA, &data};

    return ioctl(fd, I2C_SMBUS, &request) < 0 ? -1 : 0;
}

static int read_register(int fd, unsigned char address, unsigned *ret_value)
{
    union i2c_smbus_data data = {0};
    struct i2c_smbus_ioctl_data request = {I2C_SMBUS_READ, address, I2C_SMBUS_WORD_DATA, &data};

    if (ioctl(fd, I2C_SMBUS, &request) < 0)
        return -1;
    *ret_value = swap(data.word);
    return 0;
}

/* Another chip at this address does not give back what was written. */
int va_ads1115_measure(int fd, double *ret_volts, va_error *error)
{
    unsigned value = 0;

    if (write_register(fd, CONFIG_REGISTER, START | CONFIG) < 0)
        return va_fail(error, VA_ENOTFOUND, "not present: no ADS1115 answers on the I2C bus");
    for (int i = 0; (value & START) == 0; i++) {
        if (i == MAX_POLLS)
            return va_fail(error, VA_ETIMEOUT, "the ADS1115 does not finish its measurement");
        poll(NULL, 0, POLL_MS);
        if (read_register(fd, CONFIG_REGISTER, &value) < 0 || (value & ~START) != CONFIG)
            return va_fail(error, VA_ENOTFOUND, "not present: what answers on the I2C bus is no ADS1115");
    }
    if (read_register(fd, CONVERSION_REGISTER, &value) < 0)
        return va_fail(error, VA_ENOTFOUND, "not present: the ADS1115 does not answer any more");
    *ret_volts = (double)(int16_t)value * VOLTS_PER_STEP;
    return 0;
}
