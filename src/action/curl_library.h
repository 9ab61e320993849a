/* curl_library.h - libcurl, loaded when the first request is made. Most assistants never make one, and with libcurl come two dozen
 * libraries that would be linked at every start and held in memory (docs/adr/035). Any thread. */
#ifndef VA_ACTION_CURL_LIBRARY_H
#define VA_ACTION_CURL_LIBRARY_H

#include <curl/curl.h>

#include "base/error.h"

/* The functions of the same names. */
struct va_curl {
    __typeof__(&curl_global_init_mem) global_init_mem;
    __typeof__(&curl_easy_init) easy_init;
    __typeof__(&curl_easy_setopt) easy_setopt;
    __typeof__(&curl_easy_perform) easy_perform;
    __typeof__(&curl_easy_getinfo) easy_getinfo;
    __typeof__(&curl_easy_strerror) easy_strerror;
    __typeof__(&curl_easy_cleanup) easy_cleanup;
    __typeof__(&curl_slist_append) slist_append;
    __typeof__(&curl_slist_free_all) slist_free_all;
};

/* Stays loaded until the process ends. VA_EFAILED: the library is not there, or is not the one that is meant; asked again, it looks again.
 */
VA_MUST_CHECK int va_curl_load(const struct va_curl **ret_curl, va_error *error);

#endif
