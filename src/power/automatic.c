#include "power/automatic.h"

/* It is low below the limit, and stays so until it is well above it or charged: a load that goes lets the voltage rise. */
static int is_low(const struct va_automatic *automatic, const struct va_automatic_facts *facts)
{
    double limit = automatic->low_percent + (automatic->is_low ? VA_AUTOMATIC_RISE_PERCENT : 0);

    return automatic->low_percent > 0 && facts->has_battery && facts->charging != 1 && facts->percent < limit;
}

const char *va_automatic_mode(struct va_automatic *automatic, const struct va_automatic_facts *facts, double now_s)
{
    if (facts->is_busy) {
        automatic->has_worked = 1;
        automatic->worked_s = now_s;
    }
    automatic->is_low = is_low(automatic, facts);
    if (automatic->is_low)
        return "low-power";
    if (automatic->has_worked && now_s - automatic->worked_s < VA_AUTOMATIC_HOLD_S)
        return "performance";
    return automatic->usual;
}
