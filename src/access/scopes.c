#include "access/scopes.h"

#include <stdio.h>
#include <string.h>

static const struct {
    unsigned scope;
    const char *name;
} scopes_table[] = {
    {VA_SCOPE_STATUS, "status"},   {VA_SCOPE_TRANSCRIBE, "transcribe"}, {VA_SCOPE_CONTROL, "control"},
    {VA_SCOPE_HISTORY, "history"}, {VA_SCOPE_ADMIN, "admin"},           {VA_SCOPE_ALL, "all"},
};
#define N_SCOPES (sizeof scopes_table / sizeof scopes_table[0])

const char *va_scope_name(unsigned scope)
{
    for (size_t i = 0; i < N_SCOPES; i++)
        if (scopes_table[i].scope == scope)
            return scopes_table[i].name;
    return NULL;
}

int va_scopes_parse(const char *text, unsigned *ret_scopes, va_error *error)
{
    unsigned scopes = 0;

    for (const char *p = text;; p++) {
        size_t n = strcspn(p, ","), i = 0;
        while (i < N_SCOPES && (strlen(scopes_table[i].name) != n || strncmp(p, scopes_table[i].name, n) != 0))
            i++;
        if (i == N_SCOPES)
            return va_fail(error, VA_EINVAL, "there is no scope '%.*s': there are status, transcribe, control, history, admin and all",
                           n < 32 ? (int)n : 32, p);
        scopes |= scopes_table[i].scope;
        p += n;
        if (*p == '\0')
            break;
    }
    *ret_scopes = scopes;
    return 0;
}

void va_scopes_text(unsigned scopes, char ret_text[VA_SCOPES_TEXT_BYTES])
{
    size_t n = 0;

    ret_text[0] = '\0';
    for (size_t i = 0; i + 1 < N_SCOPES; i++)
        if (scopes & scopes_table[i].scope)
            n += (size_t)snprintf(ret_text + n, VA_SCOPES_TEXT_BYTES - n, "%s%s", n > 0 ? "," : "", scopes_table[i].name);
}
