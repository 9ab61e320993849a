/* internal.h - what the files of src/confine share. */
#ifndef VA_CONFINE_INTERNAL_H
#define VA_CONFINE_INTERNAL_H

#include "confine/confine.h"

/* Who is confined. */
enum va_confine_kind { VA_CONFINE_SERVICE, VA_CONFINE_PROGRAMS };

/* Files, and for the service ports: nothing but the plan's from now on. Returns the version of the kernel's interface, or -1 with errno. */
int va_confine_files(const struct va_confine_plan *plan, enum va_confine_kind kind);

/* System calls. Returns how many are allowed (VA_CONFINE_PROGRAMS: refused) from now on, or -1 with errno. */
int va_confine_calls(const struct va_confine_plan *plan, enum va_confine_kind kind);

/* The same filter, made for a processor (SCMP_ARCH_*) and written to fd instead of loaded: for tests. 0 or -errno. */
int va_confine_calls_write(const struct va_confine_plan *plan, enum va_confine_kind kind, unsigned processor, int fd);

#endif
