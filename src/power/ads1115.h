/* ads1115.h - the voltage at the first input of an ADS1115, an analogue-digital converter on the I2C bus. */
#ifndef VA_POWER_ADS1115_H
#define VA_POWER_ADS1115_H

#include "base/error.h"

/* fd: /dev/i2c-N with the address set; ours. VA_ENOTFOUND: no such chip answers. VA_ETIMEOUT: it does not finish. */
VA_MUST_CHECK int va_ads1115_measure(int fd, double *ret_volts, va_error *error);

#endif
