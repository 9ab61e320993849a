/* power_json.h - the same words for the API and the command line. What is not present is null. */
#ifndef VA_POWER_POWER_JSON_H
#define VA_POWER_POWER_JSON_H

#include "base/json.h"
#include "power/power.h"

/* Members of an object that is open. */
void va_power_json(struct va_json *json, const struct va_power_state *state);
/* battery NULL: reason says why there is none. */
void va_battery_json(struct va_json *json, const struct va_battery *battery, const char *reason);

#endif
