/* What the last audit found. */
#include "server/api_internal.h"

#include "base/memory.h"
#include "server/audit_report.h"

static void reply_report(va_api *api, va_request *request)
{
    struct va_buffer body;
    char *text = NULL;
    size_t size;
    va_error error;
    int r = va_audit_report_read(api->site.folder, &text, &size, &error);

    if (r == VA_ENOTFOUND) {
        va_request_fail(request, 404, "not_found", "there was no audit yet");
        return;
    }
    if (r < 0) {
        va_request_fail(request, 500, "internal", "%s", error.text);
        return;
    }
    va_buffer_init(&body, size + 1);
    r = va_buffer_append(&body, text, size);
    va_free(text);
    if (r == 0) {
        va_request_reply(request, 200, &body);
        return;
    }
    va_buffer_free(&body);
    va_request_fail(request, 500, "internal", "out of memory");
}

void va_api_get_audit(void *user, va_request *request)
{
    va_api *api = user;

    if (api->site.folder == NULL)
        va_request_fail(request, 503, "unavailable", "the program was started without a data folder");
    else
        (void)va_api_run(api, request, reply_report);
}
