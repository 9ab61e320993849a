/* echo_delay.h - how much later than its time a played sound reaches the microphone: the device's delay that no stamp tells, and the air's.
 *
 * Cross-correlation of the microphone with what is played, of phases only, so that the vowels' pitch counts little, summed over windows of
 * 128 ms until one lag stands out. Once the path from the loudspeaker is known its phases are taken out as well: what spread over the
 * room's reflections is then one sharp peak. Source of the algorithm: the generalised cross-correlation with phase transform (Knapp and
 * Carter, 1976). One object per thread; no allocation after _new. */
#ifndef VA_DSP_ECHO_DELAY_H
#define VA_DSP_ECHO_DELAY_H

#include "base/error.h"

enum {
    VA_ECHO_DELAY_WINDOW = 2048,
    VA_ECHO_DELAY_SPAN = 16384,
    VA_ECHO_DELAY_EARLY = 160,                                                              /* the least lag is that much below 0 */
    VA_ECHO_DELAY_MAX = VA_ECHO_DELAY_SPAN - VA_ECHO_DELAY_WINDOW - 2 * VA_ECHO_DELAY_EARLY /* of the lag and the path together */
};

typedef struct va_echo_delay va_echo_delay;

/* most: the greatest lag that is looked for, samples; path: how long the path is, samples; together at most VA_ECHO_DELAY_MAX. */
VA_MUST_CHECK int va_echo_delay_new(int most, int path, va_echo_delay **ret_delay, va_error *error);
void va_echo_delay_free(va_echo_delay *delay);

/* Another sound begins, whose stamps may be off by another error. response [path]: how the loudspeaker is heard at the microphone,
 * from lag 0 on; NULL: not known. */
void va_echo_delay_reset(va_echo_delay *delay, const float *response);

/* The next window: heard [VA_ECHO_DELAY_WINDOW] from the microphone; played [VA_ECHO_DELAY_SPAN], whose first sample is heard, by its
 * stamp, most + path samples before heard's first. before: the lag of another sound from the same device, near which less evidence will do;
 * or NULL. Returns 1 when a lag stands out: of the strongest reflection, or of the response's begin. */
int va_echo_delay_push(va_echo_delay *delay, const int16_t *heard, const int16_t *played, const int *before, int *ret_lag);

#endif
