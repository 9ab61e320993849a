/* internal.h - what the files of src/confine share. */
#ifndef VA_CONFINE_INTERNAL_H
#define VA_CONFINE_INTERNAL_H

#include "confine/confine.h"

/* The sanitizers' run-time libraries look into their own process, and the leak checker is a process that traces this one. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VA_CONFINE_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VA_CONFINE_SANITIZED
#endif
#endif

/* Who is confined. */
enum va_confine_kind { VA_CONFINE_SERVICE, VA_CONFINE_PROGRAMS };

/* Files, and for the service ports: nothing but the plan's from now on. Returns the version of the kernel's interface, or -1 with errno. */
int va_confine_files(const struct va_confine_plan *plan, enum va_confine_kind kind);

/* What is refused where no rule of the plan allows it: bits of the kernel's interface in its version. */
struct va_confine_rules {
    uint64_t fs, net, scoped;
};
struct va_confine_rules va_confine_rules_of(enum va_confine_kind kind, int version);

/* System calls. Returns how many are allowed (VA_CONFINE_PROGRAMS: refused) from now on, or -1 with errno. */
int va_confine_calls(const struct va_confine_plan *plan, enum va_confine_kind kind);

/* The same filter, made for a processor (SCMP_ARCH_*) and written to fd instead of loaded: for tests. 0 or -errno. */
int va_confine_calls_write(const struct va_confine_plan *plan, enum va_confine_kind kind, unsigned processor, int fd);

#endif
