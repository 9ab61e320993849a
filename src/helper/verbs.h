/* verbs.h - does what a request says: one function for each verb. The helper does so as root; the program itself where this user may. */
#ifndef VA_HELPER_VERBS_H
#define VA_HELPER_VERBS_H

#include "helper/message.h"

struct va_helper_place {
    const char *root;   /* before /sys and /dev: "" but in tests */
    const char *folder; /* remembers which cameras were released, and their drivers; NULL: cameras are refused */
};

/* is_check: only says whether this user may do it. VA_ENOTFOUND: the machine does not have it. VA_EDENIED: "needs permission to write
 * ...". VA_EINVAL, VA_EIO and so on from the kernel. Sleeping lasts until the machine is awake again. */
VA_MUST_CHECK int va_helper_run(const struct va_helper_place *place, const struct va_helper_request *request, int is_check,
                                va_error *error);

#endif
