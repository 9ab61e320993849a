#include "stream/agreement.h"

size_t va_agreement_stable(const char *before, const char *text)
{
    size_t stable = 0;

    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] == ' ' && (before[i] == ' ' || before[i] == '\0'))
            stable = i;
        if (before[i] != text[i])
            break;
    }
    return stable;
}
