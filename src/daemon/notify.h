/* notify.h - tells systemd how the service is (sd_notify's protocol: a datagram). Does nothing outside of systemd. */
#ifndef VA_DAEMON_NOTIFY_H
#define VA_DAEMON_NOTIFY_H

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..." */
void va_notify(const char *state);

/* How often the watchdog wants to hear from us, in ms, halved to be on the safe side; 0 when it does not. */
int va_notify_interval_ms(void);

#endif
