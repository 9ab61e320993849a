/* gpiod.h - a stand-in for libgpiod: one chip "gpiochip0" with the lines 0 to 7, of which 3 is called "talk". */
#ifndef VA_TESTS_DOUBLES_GPIOD_H
#define VA_TESTS_DOUBLES_GPIOD_H

#include <stdatomic.h>

struct va_gpiod_double {
    _Atomic int is_missing;  /* there is no chip */
    _Atomic int is_busy;     /* another has the line */
    _Atomic int has_no_bias; /* requests with a bias fail */
    _Atomic int is_lost;     /* reading and setting fail */
    _Atomic int open_chips;
    _Atomic int requested; /* the line's offset, -1: none */
    _Atomic int is_low, is_output;
    _Atomic int value; /* of the line, as its user sees it */
    _Atomic int sets;  /* how often it was set */
};
extern struct va_gpiod_double gpiod;

void gpiod_reset(void);
/* The level changes, and whoever waits is told so many times. */
void gpiod_change(int value, int events);

#endif
