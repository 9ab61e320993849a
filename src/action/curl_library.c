#include "action/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "base/memory.h"

#define LIBRARY "libcurl.so.4"

static const struct symbol {
    const char *name;
    size_t offset;
} symbols[] = {
    {"curl_global_init_mem", offsetof(struct va_curl, global_init_mem)}, {"curl_easy_init", offsetof(struct va_curl, easy_init)},
    {"curl_easy_setopt", offsetof(struct va_curl, easy_setopt)},         {"curl_easy_perform", offsetof(struct va_curl, easy_perform)},
    {"curl_easy_getinfo", offsetof(struct va_curl, easy_getinfo)},       {"curl_easy_strerror", offsetof(struct va_curl, easy_strerror)},
    {"curl_easy_cleanup", offsetof(struct va_curl, easy_cleanup)},       {"curl_slist_append", offsetof(struct va_curl, slist_append)},
    {"curl_slist_free_all", offsetof(struct va_curl, slist_free_all)},
};

/* What was said may be in a request or an answer: curl's memory is wiped when it is freed, as all is. */

static void *take(size_t n)
{
    return va_alloc(n, 1);
}

static void *retake(void *old, size_t n)
{
    return va_realloc(old, n, 1);
}

static int load(struct va_curl *curl, va_error *error)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL)
        return va_fail(error, VA_EFAILED, "requests to servers need libcurl: %s", dlerror());
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *function = dlsym(library, symbols[i].name);
        if (function == NULL)
            return va_fail(error, VA_EFAILED, "%s has no %s", LIBRARY, symbols[i].name);
        memcpy((char *)curl + symbols[i].offset, &function, sizeof function);
    }
    if (curl->global_init_mem(CURL_GLOBAL_DEFAULT, take, va_free, retake, va_strdup, va_calloc) != CURLE_OK)
        return va_fail(error, VA_EFAILED, "%s cannot be started", LIBRARY);
    return 0;
}

int va_curl_load(const struct va_curl **ret_curl, va_error *error)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct va_curl loaded;
    static int is_loaded;
    int r = 0;

    pthread_mutex_lock(&lock);
    if (!is_loaded && (r = load(&loaded, error)) == 0)
        is_loaded = 1;
    pthread_mutex_unlock(&lock);
    *ret_curl = &loaded;
    return r;
}
