/* print_clean.h - texts that come from elsewhere, for a terminal. */
#ifndef VA_DAEMON_PRINT_CLEAN_H
#define VA_DAEMON_PRINT_CLEAN_H

/* To standard output: one line, and nothing that a terminal would act on. */
void va_print_clean(const char *text);

#endif
