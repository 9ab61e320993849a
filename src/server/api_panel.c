/* The panel: its files, and the way to it. */
#include "server/api_internal.h"

#include <string.h>

#include "panel/panel.h"

/* All of it comes from here; nothing else is loaded, framed, sent to or run. */
#define POLICY                                                                                                                      \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src " \
    "'self'; "                                                                                                                      \
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

static void reply_file(va_request *request, const char *name)
{
    const struct va_panel_file *file = va_panel_find(name);

    if (file == NULL)
        va_request_fail(request, 404, "not_found", "the panel has no such file");
    else
        va_request_reply_static(request, file->type, file->data, file->n, POLICY);
}

void va_api_get_panel(void *user, va_request *request)
{
    (void)user;
    reply_file(request, va_request_segment(request));
}

void va_api_get_panel_page(void *user, va_request *request)
{
    (void)user;
    reply_file(request, "");
}

void va_api_get_panel_moved(void *user, va_request *request)
{
    struct va_buffer nothing;
    (void)user;

    va_buffer_init(&nothing, 1);
    if (va_request_add_header(request, "Location", "/panel/") < 0)
        va_request_fail(request, 500, "internal", "out of memory");
    else
        va_request_reply_as(request, 303, "text/plain; charset=utf-8", &nothing);
}

int va_api_wants_page(const va_request *request)
{
    const char *accept = va_request_header(request, "accept");
    return accept != NULL && strstr(accept, "text/html") != NULL;
}
