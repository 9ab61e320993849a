/* automatic.h - which power mode fits what goes on: low-power while the battery is nearly empty, performance while there is work, else
 * the usual one. Pure; the caller's. */
#ifndef VA_POWER_AUTOMATIC_H
#define VA_POWER_AUTOMATIC_H

#define VA_AUTOMATIC_RISE_PERCENT 5 /* above the limit, before a battery is not low any more */
#define VA_AUTOMATIC_HOLD_S 10      /* after the last work */

struct va_automatic_facts {
    int is_busy; /* somebody is listened to, or something is transcribed or carried out */
    int has_battery;
    double percent;
    int charging; /* -1: not known, which counts as no */
};

struct va_automatic {
    const char *usual;  /* a mode, when nothing else is called for */
    double low_percent; /* 0: no battery is low */
    int is_low, has_worked;
    double worked_s; /* when there was work last */
};

/* "low-power", "performance" or usual. now_s: monotonic. */
const char *va_automatic_mode(struct va_automatic *automatic, const struct va_automatic_facts *facts, double now_s);

#endif
